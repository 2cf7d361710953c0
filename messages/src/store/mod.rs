//! The store's interface: a [`Commit`] of [`Write`]s, a [`Query`] that gives [`Rows`]. The same near and far.

mod memory;
mod notice;
mod protocol;
mod query;
mod restored;
mod retention;
mod rows;
mod subject;
mod task;
mod write;

pub use memory::{Compaction, Failing, LogPlace, MemoryPut, MemoryRow, MemoryRows};
pub use notice::{NOTICE_EVENT, Notice, Notices};
pub use protocol::{StoreAnswer, StoreCall, StoreMsg, StoreProto, StoreReply};
pub use query::{CONTEXT_TEXT_BYTES_MAX, LANE_ROWS_MAX, PAGE_ROWS_MAX, QUEUE_CONTEXTS_MAX, Query};
pub use restored::{Restored, epochs_from};
pub use retention::{
    AuditCut, EraseRow, FORGET_ROWS_MAX, ForgetRow, MARKS_MAX, Person, RetentionRow, RetentionRows, RetentionWrite,
    WordsOf,
};
pub use rows::*;
pub use subject::{Subject, within};
pub use task::*;
pub use write::{EntryKind, FileStamp, InboundKind, Owner, Write};

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::id::InboundId;

/// The most writes one commit may carry.
pub const COMMIT_WRITES_MAX: usize = 1_024;

/// A unit of placement, `ws/acme` or `connector/console`, and the epoch its holder was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// The unit.
    pub unit: Address,
    /// The epoch its holder has; a commit with an older one than the store knows is refused.
    pub epoch: u64,
}

/// All or nothing: what one decision writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Which kind of actor asks; each [`Write`] has its owners ([`Write::owners`]).
    pub by: Owner,
    /// Every fence must hold, and all writes must be for their units ([`Write::subjects`]).
    pub fences: Vec<Fence>,
    /// In order; those that move a row's state are compare-and-set and refuse with [`CommitError::Conflict`].
    pub writes: Vec<Write>,
}

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// One for each [`Write::InboxPut`] in the commit, in order.
    pub inbox: Vec<Accepted>,
    /// One for each [`Write::UnitClaim`], in order: the epoch that was given.
    pub epochs: Vec<u64>,
}

/// An inbound event that is in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Its id.
    pub id: InboundId,
    /// Its place among all events of the store.
    pub seq: i64,
    /// It had been accepted before; nothing was written now.
    pub duplicate: bool,
}

/// Why a commit was refused. In every case but [`CommitError::Unknown`] nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum CommitError {
    /// The unit has a newer holder.
    #[error("{unit} is held under epoch {current}; this commit came with {stale}")]
    Fenced {
        /// Which unit.
        unit: Address,
        /// The epoch in force.
        current: u64,
        /// The epoch the commit had.
        stale: u64,
    },
    /// A row was not in the state that the write expects.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The writer's queue is full.
    #[error("the store's queue of {limit} commits is full")]
    Busy {
        /// The queue's limit.
        limit: usize,
    },
    /// The disk refuses for now; try again later. Nothing was written.
    #[error("the store can't write: {0}")]
    Unavailable(String),
    /// Whether it was written could not be found out (the file can't be read back yet).
    #[error("it is not known whether the commit was written: {0}")]
    Unknown(String),
    /// The commit itself is wrong: a foreign owner, too many writes, a value out of range.
    #[error("refused: {0}")]
    Refused(String),
}

/// Why a query failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum QueryError {
    /// The readers' queue is full.
    #[error("the store's queue of {limit} queries is full")]
    Busy {
        /// The queue's limit.
        limit: usize,
    },
    /// The file can't be read now.
    #[error("the store can't be read: {0}")]
    Unavailable(String),
}
