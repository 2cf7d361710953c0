//! A task: work that survives anything, in steps, with a budget.

mod protocol;
mod spec;
mod state;

pub use protocol::{Msg, Reply, Task};
pub use spec::{Budget, DayCap, NewTask, OnDependencyFailure, Remembered, Spent, TaskLimits, TaskSpec, WorkLimits};
pub use state::{TaskState, Wait};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id;

/// The deepest subtask below a task.
pub const DEPTH_MAX: u32 = 4;
/// The most subtasks of one task.
pub const CHILDREN_MAX: u32 = 16;
/// The most subtasks below one task in all.
pub const DESCENDANTS_MAX: u32 = 64;
/// Times that a task may lose its node before it is held to be the cause.
pub const LOST_MAX: u32 = 5;
/// The most priorities; 0 goes first.
pub const PRIORITIES: u8 = 4;

/// The id that people see of a task: `tsk_` and 16 characters, derived from its workspace and key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(String);

impl TaskId {
    /// The id of the task that has this key in this workspace: the same key is the same task.
    #[must_use]
    pub fn of(workspace: &str, key: &str) -> Self {
        Self(format!("tsk_{}", id::derived(workspace, key)))
    }

    /// An id that was read from the store.
    #[must_use]
    pub fn from_row(text: String) -> Self {
        Self(text)
    }

    /// The whole text, `tsk_…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads what a person typed as the beginning of an id; `tsk_` may be left out.
    ///
    /// # Errors
    /// One sentence that says what to type, when it is too short or not of the id's alphabet.
    pub fn prefix(typed: &str) -> Result<String, String> {
        id::prefix("tsk_", typed)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_is_the_same_task_and_another_workspace_another() {
        let id = TaskId::of("home", "in_1");
        assert_eq!(id, TaskId::of("home", "in_1"));
        assert_ne!(id, TaskId::of("acme", "in_1"));
        assert_eq!(id.as_str().len(), 20);
        assert_eq!(TaskId::prefix("TSK_4k2v").unwrap(), "tsk_4k2v");
        assert!(TaskId::prefix("tsk_4k2").unwrap_err().contains("after tsk_"));
    }
}
