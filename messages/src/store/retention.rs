//! Writes and rows of erasing words: by their age, and because a person is forgotten.

use serde::{Deserialize, Serialize};

use super::{InboxState, Owner};
use crate::id::{InboundId, Moment, Slug};
use crate::turn::Chat;

/// The most events that one commit marks.
pub const MARKS_MAX: u32 = 256;
/// The most places of the inbox that one commit looks at for a person's events.
pub const FORGET_ROWS_MAX: i64 = 2_048;

/// A durable change of what is to be erased. Erasing itself is the context's: see [`Self::Expire`] and `Write::Redact`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetentionWrite {
    /// How erasing by age stands.
    Put(RetentionRow),
    /// The words of these events are to be erased, as they are past their time. What has not ended, is in doubt, or is
    /// erased already, is left as it is.
    Mark {
        /// Which inbox rows, [`MARKS_MAX`] at most.
        seqs: Vec<i64>,
        /// Entries of memory that cite them go with them.
        memory: bool,
    },
    /// The words of an event that was marked by its age are erased; the rows stay. A mark that is gone changes nothing.
    Expire {
        /// Which inbox row.
        seq: i64,
    },
    /// A person is to be forgotten: all that they had written until now. Idempotent as long as it is not done.
    Forget {
        /// Who.
        person: Person,
        /// Only in this workspace.
        workspace: Option<Slug>,
        /// Who asked for it.
        by: String,
        /// When.
        at: Moment,
    },
    /// Their events at the next places are marked. Refused as a conflict unless `from` is where it stands.
    ForgetNext {
        /// Which forgetting.
        id: i64,
        /// After this place, [`FORGET_ROWS_MAX`] places at most.
        from: i64,
    },
    /// All is erased. The person's name is taken out of the row.
    ForgetDone {
        /// Which forgetting.
        id: i64,
        /// When.
        at: Moment,
    },
    /// The audit records up to a signed checkpoint are taken out; the chain begins at that checkpoint from then on. Refused
    /// unless there is that checkpoint, and the records to be taken out are few enough.
    AuditCut {
        /// The last record that is taken out.
        upto: i64,
        /// When.
        at: Moment,
        /// The file in which they are kept, by its name; empty: nowhere.
        archive: String,
    },
}

impl RetentionWrite {
    /// Who may write this.
    #[must_use]
    pub fn owners(&self) -> &'static [Owner] {
        match self {
            Self::Expire { .. } => &[Owner::Context],
            _ => &[Owner::Retention],
        }
    }

    /// The variant's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Put(_) => "RetentionPut",
            Self::Mark { .. } => "Mark",
            Self::Expire { .. } => "Expire",
            Self::Forget { .. } => "Forget",
            Self::ForgetNext { .. } => "ForgetNext",
            Self::ForgetDone { .. } => "ForgetDone",
            Self::AuditCut { .. } => "AuditCut",
        }
    }
}

/// A person, as a connector names them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Person {
    /// At which connector.
    pub connector: String,
    /// By which name.
    pub user: String,
}

/// How erasing by age stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionRow {
    /// The date when it last looked and took the date for true; `None`: it never did.
    pub seen: Option<Moment>,
    /// A date far after that, since when it is doubted; `None`: none is.
    pub doubted: Option<Moment>,
    /// When the last round began to mark what is past its time.
    pub began: Option<Moment>,
    /// When it ended; `None`: it is under way, or there was none.
    pub ended: Option<Moment>,
    /// Events whose words it marked.
    pub marked: u64,
    /// The same of all rounds.
    pub marked_ever: u64,
    /// Audit records that were taken out, ever.
    pub cut_ever: u64,
}

/// A forgetting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgetRow {
    /// Its number.
    pub id: i64,
    /// Who; an empty name once it is done.
    pub person: Person,
    /// Only in this workspace.
    pub workspace: Option<Slug>,
    /// Who asked for it.
    pub by: String,
    /// When.
    pub asked_at: Moment,
    /// Places up to here were looked at.
    pub next: i64,
    /// Up to here there is something to be looked at.
    pub last: i64,
    /// Events that were found.
    pub events: u64,
    /// Of those, such whose words are still there.
    pub left: u64,
    /// When it was done.
    pub done_at: Option<Moment>,
}

/// What retention works on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionRows {
    /// How erasing by age stands.
    pub row: RetentionRow,
    /// Events past their time, oldest first.
    pub past: Vec<i64>,
    /// Events that are marked by their age and not erased.
    pub marked: u64,
    /// Forgettings that are not done, oldest first.
    pub forgets: Vec<ForgetRow>,
    /// Audit records that may be taken out next.
    pub cut: Option<AuditCut>,
}

/// Audit records that are past their time, up to a signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditCut {
    /// The first.
    pub from: i64,
    /// The last; a checkpoint signs it.
    pub upto: i64,
}

/// An event whose words are to be erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EraseRow {
    /// Its place.
    pub seq: i64,
    /// Its id.
    pub id: InboundId,
    /// Where it came from.
    pub chat: Chat,
    /// How far it is.
    pub state: InboxState,
    /// A reply to it is being sent.
    pub is_sending: bool,
    /// It is past its time; else its writer is forgotten.
    pub by_age: bool,
}

/// What one context has of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordsOf {
    /// Which context, by its address.
    pub context: String,
    /// Events of theirs whose words are there.
    pub events: u64,
    /// Replies to them.
    pub replies: u64,
    /// Tasks that came of them.
    pub tasks: u64,
}
