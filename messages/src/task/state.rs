//! How far a task is, and which changes there are.

use serde::{Deserialize, Serialize};

use crate::id::Moment;

/// The state of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Proposed; waits for a person to activate it.
    Draft,
    /// Waits for a slot.
    Queued,
    /// Waits for the tasks it depends on.
    Blocked,
    /// Holds a slot and runs.
    Running,
    /// Holds no slot and waits for something that is named.
    Waiting,
    /// Was asked to stop, and has not stopped yet.
    Cancelling,
    /// Done.
    Succeeded,
    /// Can't be done.
    Failed,
    /// Stopped by a person, or with its parent.
    Cancelled,
    /// Too late.
    Expired,
    /// Not permitted.
    Rejected,
    /// Attempts are used up: a dead letter.
    Dead,
}

/// What a waiting task waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// A person who approves.
    Approval,
    /// A person who answers.
    Input,
    /// A moment.
    Timer,
    /// A budget, or a provider's quota.
    Quota,
    /// Its subtasks.
    Child,
    /// A person who finds out whether a step was done.
    InDoubt,
}

impl TaskState {
    /// All states, by their number in rows: those below [`TaskState::Succeeded`] are open.
    pub const ALL: [Self; 12] = [
        Self::Draft,
        Self::Queued,
        Self::Blocked,
        Self::Running,
        Self::Waiting,
        Self::Cancelling,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::Rejected,
        Self::Dead,
    ];

    /// The name in rows, JSON and chat.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Queued => "queued",
            Self::Blocked => "blocked",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Cancelling => "cancelling",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Dead => "dead",
        }
    }

    /// Reads the name back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// It has ended, for ever.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self >= Self::Succeeded
    }

    /// It holds a slot of its workspace.
    #[must_use]
    pub fn holds_slot(self) -> bool {
        matches!(self, Self::Running | Self::Cancelling)
    }

    /// It does not go on by itself: somebody must decide, answer, look, or give it more. A quota that names no moment at
    /// which it is reset is a budget that has ended.
    #[must_use]
    pub fn waits_for_a_person(self, wait: Option<Wait>, not_before: Option<Moment>) -> bool {
        match wait {
            Some(Wait::Approval | Wait::Input | Wait::InDoubt) => true,
            Some(Wait::Quota) => not_before.is_none(),
            Some(Wait::Timer | Wait::Child) | None => self == Self::Draft,
        }
    }

    /// A new task may begin so.
    #[must_use]
    pub fn may_begin(self) -> bool {
        matches!(self, Self::Draft | Self::Queued | Self::Blocked | Self::Rejected)
    }

    /// The table of transitions: whether a task in this state may go to that one.
    #[must_use]
    pub fn may_become(self, to: Self) -> bool {
        use TaskState::{
            Blocked, Cancelled, Cancelling, Dead, Draft, Expired, Failed, Queued, Rejected, Running, Succeeded, Waiting,
        };
        match self {
            Draft => matches!(to, Queued | Rejected | Expired),
            Blocked => matches!(to, Queued | Cancelled | Expired),
            Queued => matches!(to, Running | Cancelled | Expired),
            Running => matches!(to, Waiting | Succeeded | Failed | Queued | Dead | Expired | Cancelling),
            Waiting => matches!(to, Queued | Rejected | Expired | Cancelled),
            Cancelling => matches!(to, Cancelled | Succeeded),
            Succeeded | Failed | Cancelled | Expired | Rejected | Dead => false,
        }
    }
}

impl std::fmt::Display for TaskState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Wait {
    /// All of them, by their number in rows.
    pub const ALL: [Self; 6] = [Self::Approval, Self::Input, Self::Timer, Self::Quota, Self::Child, Self::InDoubt];

    /// The name in rows, JSON and chat.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Input => "input",
            Self::Timer => "timer",
            Self::Quota => "quota",
            Self::Child => "child",
            Self::InDoubt => "in_doubt",
        }
    }
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_stays_so_and_what_has_not_can_end() {
        for from in TaskState::ALL {
            let nexts = TaskState::ALL.into_iter().filter(|to| from.may_become(*to)).count();
            assert_eq!(nexts == 0, from.is_terminal(), "{from}");
            assert!(!from.may_become(from), "{from}");
            assert!(!from.may_become(TaskState::Draft) && !from.may_become(TaskState::Blocked), "{from}");
        }
    }

    #[test]
    fn only_a_queued_task_comes_to_run_and_only_a_running_one_succeeds() {
        for from in TaskState::ALL {
            assert_eq!(from.may_become(TaskState::Running), from == TaskState::Queued);
            let finishes = matches!(from, TaskState::Running | TaskState::Cancelling);
            assert_eq!(from.may_become(TaskState::Succeeded), finishes);
        }
    }

    #[test]
    fn only_what_a_person_must_decide_does_not_go_on_by_itself() {
        assert!(TaskState::Draft.waits_for_a_person(None, None) && !TaskState::Running.waits_for_a_person(None, None));
        for wait in Wait::ALL {
            let alone = matches!(wait, Wait::Timer | Wait::Child);
            assert_eq!(TaskState::Waiting.waits_for_a_person(Some(wait), None), !alone, "{wait}");
        }
        assert!(!TaskState::Waiting.waits_for_a_person(Some(Wait::Quota), Some(Moment(1))));
    }

    #[test]
    fn names_are_read_back() {
        assert!(TaskState::ALL.into_iter().all(|state| TaskState::parse(state.as_str()) == Some(state)));
    }
}
