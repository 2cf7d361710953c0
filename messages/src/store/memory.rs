//! Writes and rows of the memory of contexts.

use serde::{Deserialize, Serialize};

use super::{LogRow, StepRow};
use crate::address::Address;
use crate::id::Moment;
use crate::memory::MemoryId;
use crate::step::Spending;

/// A place in one log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogPlace {
    /// The log's path, relative to the folder of workspaces.
    pub log: String,
    /// Where an entry begins, or the log ends, in bytes.
    pub offset: u64,
}

/// What a memory keeps of itself. Refused unless `rev` is one above the row's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryPut {
    /// Whose conversation.
    pub context: Address,
    /// The row's new revision; 1 for a new row.
    pub rev: u64,
    /// Up to where the conversation is in memory, by log; a log that is not named is not in it at all.
    pub upto: Vec<LogPlace>,
    /// A compaction is under way. One that was and is not any more has ended, and its steps keep no words.
    pub work: Option<Compaction>,
    /// So many erasures of this conversation have been carried out in the file.
    pub erased: u64,
    /// The last question came to nothing.
    pub failing: Option<Failing>,
}

/// Questions in a row that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// So many.
    pub failures: u32,
    /// The next is not asked before.
    pub not_before: Moment,
    /// By which definition, and of which models: with others it is a new beginning.
    pub of: String,
}

/// A part of a conversation on its way into memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compaction {
    /// Its id, [`MemoryId::of`] the revision that began it.
    pub id: MemoryId,
    /// Where it ends, by log.
    pub upto: Vec<LogPlace>,
}

/// One memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryRow {
    /// Counts its changes; 0: it has none yet.
    pub rev: u64,
    /// Up to where the conversation is in memory, by log.
    pub upto: Vec<LogPlace>,
    /// The compaction that is under way.
    pub work: Option<Compaction>,
    /// Messages of this conversation that were erased since it has this row.
    pub erasures: u64,
    /// So many of them have been carried out in the file.
    pub erased: u64,
    /// The last question came to nothing.
    pub failing: Option<Failing>,
}

/// All that a memory opens from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryRows {
    /// Its own row.
    pub memory: MemoryRow,
    /// The journal of the compaction that is under way.
    pub steps: Vec<StepRow>,
    /// The context's logs.
    pub logs: Vec<LogRow>,
    /// The latest day of each account that it is charged to.
    pub spending: Vec<Spending>,
}

impl MemoryRow {
    /// Where the part of a log begins that is not in memory.
    #[must_use]
    pub fn kept(&self, log: &str) -> u64 {
        self.upto.iter().find(|place| place.log == log).map_or(0, |place| place.offset)
    }

    /// Words of this conversation were erased that the file may still have, or a compaction under way.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.erasures > self.erased
    }
}

impl MemoryRows {
    /// Bytes of the conversation's logs that are not in memory.
    #[must_use]
    pub fn behind(&self) -> u64 {
        self.logs.iter().map(|log| log.size.saturating_sub(self.memory.kept(&log.log))).sum()
    }
}
