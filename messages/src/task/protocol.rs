//! What a task may be asked. Its work comes by its rows; a wake tells it to look.

use serde::{Deserialize, Serialize};

use crate::protocol::Protocol;
use crate::turn::Principal;

/// The protocol of a task.
#[derive(Debug)]
pub enum Task {}

impl Protocol for Task {
    const KIND: &'static str = "task";
    type Msg = Msg;
    type Reply = Reply;
}

/// To a task. Who asks is decided on by the task itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// Stop.
    Cancel(Principal),
    /// Go on where it waits for a person, with its budget given once more if that had ended; when it has ended without
    /// success, try again as a new task.
    Retry(Principal),
    /// A dead letter was read and need not be shown any more.
    Discard(Principal),
}

/// From a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// It was done; one sentence that says what.
    Done(String),
    /// It may not be done, or makes no sense now; one sentence that says why.
    Refused(String),
}
