//! What a lane may be asked. A lane sends the replies of one chat, one at a time; a wake tells it to look.

use serde::{Deserialize, Serialize};

use crate::protocol::Protocol;

/// The protocol of a lane.
#[derive(Debug)]
pub enum Lane {}

impl Protocol for Lane {
    const KIND: &'static str = "lane";
    type Msg = Msg;
    type Reply = Reply;
}

/// To a lane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// What it is doing.
    Describe,
}

/// From a lane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// To `Describe`: replies that wait, and whether one is being sent.
    Described {
        /// Rows it knows to be pending.
        pending: usize,
        /// The row being sent.
        sending: Option<i64>,
    },
}
