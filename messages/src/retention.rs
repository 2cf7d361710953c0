//! What retention may be asked: how it stands, and to forget a person.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::id::{Moment, Slug};
use crate::protocol::Protocol;
use crate::store::{ForgetRow, Person, RetentionRow, WordsOf};

/// The protocol of retention.
#[derive(Debug)]
pub enum Retention {}

impl Protocol for Retention {
    const KIND: &'static str = "retention";
    type Msg = Msg;
    type Reply = Reply;
}

/// Where it lives.
#[must_use]
pub fn address() -> Address {
    Address::fixed("retention")
}

/// How long what is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Days that the words of an event are kept after it has ended; `None`: for ever.
    pub messages_days: Option<u32>,
    /// Entries of memory that cite what is erased by its age go with it.
    pub memory: bool,
    /// Days that audit records are kept; `None`: for ever.
    pub audit_days: Option<u32>,
    /// Audit records are written into a file before they are taken out.
    pub archive: bool,
}

/// To retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Msg {
    /// How it stands.
    Describe,
    /// What there is of a person's words.
    Count {
        /// Who.
        person: Person,
        /// Only in this workspace.
        workspace: Option<Slug>,
        /// After this place of the inbox; 0 at first.
        after: i64,
        /// Who asks: `console:ann`.
        by: String,
    },
    /// Forget them.
    Forget {
        /// Who.
        person: Person,
        /// Only in this workspace.
        workspace: Option<Slug>,
        /// Who asks: `console:ann`.
        by: String,
    },
    /// How a forgetting stands.
    Forgetting {
        /// Which.
        id: i64,
    },
}

/// From retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To `Describe`.
    Described(Box<View>),
    /// To `Count`: by context, and the place after which there is more.
    Counted(Vec<WordsOf>, Option<i64>),
    /// To `Forget`: its number.
    Begun(i64),
    /// To `Forgetting`: how it stands, and how many files may still have words that were erased. `None`: there is none.
    Stands(Option<Box<ForgetRow>>, u64),
    /// It is not done, and why.
    Refused(String),
}

/// How retention stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// How long what is kept.
    pub policy: Policy,
    /// How erasing by age stands.
    pub row: RetentionRow,
    /// Events past their time.
    pub events_past: u64,
    /// Audit records past their time. They are taken out up to a signed checkpoint only.
    pub audit_past: u64,
    /// Events that are marked and not erased yet.
    pub marked: u64,
    /// Why nothing is erased by its age now; empty when nothing is in the way.
    pub held: String,
    /// When it looks next, at the latest.
    pub next: Option<Moment>,
    /// Forgettings that are under way.
    pub forgetting: Vec<ForgetRow>,
}
