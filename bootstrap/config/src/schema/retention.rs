//! `[retention]`: how long what is kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most days that may be named: a hundred years.
pub const RETENTION_DAYS_MAX: u64 = 36_500;

/// How long what is kept (docs/operations.md, Retention). Nothing named: for ever. Looked at once a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days after which the words of a message are erased, counted from its outcome: its turn with all steps, its replies,
    /// its tasks, its entry in the chat log and in the search index. That it was, when, and how it ended stays. What has not
    /// ended, or is in doubt, is left as it is.
    #[schemars(range(min = 1, max = RETENTION_DAYS_MAX))]
    pub messages_days: Option<u64>,
    /// What becomes of entries of `memory.md` that cite such a message. `keep`: they stay. `erase`: they go with it.
    pub memory: MemoryOfErased,
    /// Days after which audit records are taken out of the chain, up to a signed checkpoint. The chain begins there from
    /// then on, and everything after it is proved as before.
    #[schemars(range(min = 1, max = RETENTION_DAYS_MAX))]
    pub audit_days: Option<u64>,
    /// Audit records are written into `agent-runtime/audit-archive` in the data folder before they are taken out.
    pub audit_archive: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Self { messages_days: None, memory: MemoryOfErased::Keep, audit_days: None, audit_archive: true }
    }
}

/// What becomes of memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemoryOfErased {
    /// It stays.
    #[default]
    Keep,
    /// It goes, too.
    Erase,
}
