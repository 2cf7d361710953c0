//! What the memory of a context may be asked. Its work comes by the store; a wake tells it to look.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::id;
use crate::protocol::Protocol;
use crate::turn::Principal;

/// The protocol of a context's memory.
#[derive(Debug)]
pub enum Memory {}

impl Protocol for Memory {
    const KIND: &'static str = "memory";
    type Msg = Msg;
    type Reply = Reply;
}

/// To a memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// Take an entry out. Who asks was decided on by the context.
    Forget {
        /// The beginning of its id.
        entry: String,
        /// Who asks.
        by: Principal,
    },
}

/// From a memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// It was done, or there was nothing to do; what, in a sentence or two.
    Done(String),
    /// It could not be done; why, and what to do.
    Failed(String),
}

/// The id of one compaction, by which a part of a conversation goes into memory: `mem_` and 16 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemoryId(String);

impl MemoryId {
    /// The id of the compaction that a memory begins with its revision `rev`: the same row has the same.
    #[must_use]
    pub fn of(context: &Address, rev: u64) -> Self {
        Self(format!("mem_{}", id::derived(context.as_str(), &rev.to_string())))
    }

    /// An id that was read from the store.
    #[must_use]
    pub fn from_row(text: String) -> Self {
        Self(text)
    }

    /// The whole text, `mem_…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MemoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
