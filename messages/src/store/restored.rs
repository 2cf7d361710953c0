//! How a store came out of a backup.

use serde::{Deserialize, Serialize};

use crate::id::Moment;

/// Epochs that one generation may give to a unit: a million starts of its node.
const EPOCHS_OF_GENERATION: i64 = 1 << 20;

/// The epoch above which a generation that came out of a restore gives its own: no store of before ever gave one so high.
#[must_use]
pub const fn epochs_from(generation: i64) -> i64 {
    generation.saturating_mul(EPOCHS_OF_GENERATION)
}

/// A store that came out of a backup, and what was left in doubt by that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The store's generation: the second of the restore. A store that was never restored is of generation 1.
    pub generation: i64,
    /// When it was restored.
    pub at: Moment,
    /// When the backup was made.
    pub of: Moment,
    /// SHA-256 of the backup's manifest, hexadecimal.
    pub manifest: String,
    /// Events that were settled as in doubt.
    pub events: u64,
    /// Replies and words of tasks that are in doubt.
    pub replies: u64,
    /// Tasks that were left to wait for a person.
    pub tasks: u64,
}
