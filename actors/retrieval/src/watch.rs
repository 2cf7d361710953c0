//! What a watcher may be asked.

use messages::Protocol;
use serde::{Deserialize, Serialize};

/// The protocol of a watcher.
#[derive(Debug)]
pub enum Watch {}

impl Protocol for Watch {
    const KIND: &'static str = "watcher";
    type Msg = Msg;
    type Reply = Reply;
}

/// To a watcher.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// How well it watches.
    Describe,
}

/// From a watcher.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// To `Describe`.
    Described {
        /// Folders the system tells changes of.
        folders: u64,
        /// Why some are looked at every two seconds instead; empty when all are watched.
        polled: Vec<String>,
    },
}
