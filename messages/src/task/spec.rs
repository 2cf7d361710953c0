//! What a task is made of. All but its budget is fixed when it is made: a file that is edited later changes nothing of it.

use serde::{Deserialize, Serialize};

use super::{TaskId, TaskState};
use crate::address::Address;
use crate::id::{InboundId, Moment, Slug, Trace};
use crate::model::Purpose;
use crate::turn::Turn;

/// A new task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTask {
    /// `TaskId::of(workspace, key)`.
    pub id: TaskId,
    /// Unique in its workspace: a connector's event, or a parent's step. A repeat writes nothing.
    pub key: String,
    /// Its workspace.
    pub workspace: Slug,
    /// The context it works for; its words come back there.
    pub context: Address,
    /// The inbox row it came of.
    pub seq: i64,
    /// What follows it through the logs.
    pub trace: Trace,
    /// The task it is a subtask of.
    pub parent: Option<TaskId>,
    /// The first of its line: itself, if it has no parent.
    pub root: TaskId,
    /// Parents above it, at most [`super::DEPTH_MAX`].
    pub depth: u32,
    /// Queued, blocked, draft or rejected.
    pub state: TaskState,
    /// 0 interactive, 1 resumed by approval, 2 schedules, 3 background.
    pub priority: u8,
    /// What it is to do.
    pub spec: TaskSpec,
    /// What it may use up.
    pub budget: Budget,
    /// When it is too late for all of it.
    pub deadline: Moment,
    /// When it was made.
    pub at: Moment,
}

/// What a task is to do, and with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// One line for people.
    pub title: String,
    /// What was asked for, in full.
    pub input: String,
    /// The turn it came of: who asked, where words go, what may be read, by which rules.
    pub turn: Turn,
    /// The context's prompt at that time.
    pub prompt: String,
    /// What the context kept of its conversation at that time. It is erased with the first of the messages that it came
    /// of, and when the task has ended.
    #[serde(default)]
    pub memory: Remembered,
    /// Tools that the context allowed.
    pub tools: Vec<String>,
    /// Models that the context allowed, by name; empty: any.
    pub models: Vec<String>,
    /// What for; chooses the models.
    pub purpose: Purpose,
    /// Tasks that must have ended before.
    pub depends_on: Vec<TaskId>,
    /// What to do when one of them did not succeed.
    pub on_dependency_failure: OnDependencyFailure,
    /// Its limits.
    pub limits: TaskLimits,
    /// The task that this one tries again.
    pub retry_of: Option<TaskId>,
}

/// What was kept of a conversation, as a prompt has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The words.
    pub text: String,
    /// The inbound events that they came of.
    pub of: Vec<InboundId>,
}

/// What a task does when one that it depends on did not succeed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDependencyFailure {
    /// It is cancelled.
    #[default]
    Cancel,
    /// It runs all the same.
    Run,
}

/// The limits of a task that are no budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskLimits {
    /// Seconds it may wait for a slot.
    pub schedule_to_start_s: u64,
    /// Seconds one run may take.
    pub start_to_close_s: u64,
    /// Seconds from its making to its end; its deadline.
    pub deadline_s: u64,
    /// Seconds one step may take.
    pub heartbeat_s: u64,
    /// Failures of its own before it is dead.
    pub attempts: u32,
    /// Model calls of one task.
    pub model_turns: u32,
    /// Bytes of one answer.
    pub answer_bytes: usize,
    /// Passages that are found for it.
    pub passages: u32,
}

impl Default for TaskLimits {
    fn default() -> Self {
        Self {
            schedule_to_start_s: 86_400,
            start_to_close_s: 3_600,
            deadline_s: 604_800,
            heartbeat_s: 600,
            attempts: 3,
            model_turns: 24,
            answer_bytes: 16_000,
            passages: 6,
        }
    }
}

/// What may be used up. Hard: a call that might go beyond it is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Millionths of a dollar.
    pub micro_usd: u64,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Uses of tools.
    pub tool_calls: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { micro_usd: 500_000, input_tokens: 400_000, output_tokens: 40_000, tool_calls: 60 }
    }
}

impl Budget {
    /// What is left of this when `spent` is taken from it; never below nothing.
    #[must_use]
    pub fn less(self, spent: Spent) -> Self {
        Self {
            micro_usd: self.micro_usd.saturating_sub(spent.micro_usd),
            input_tokens: self.input_tokens.saturating_sub(spent.input_tokens),
            output_tokens: self.output_tokens.saturating_sub(spent.output_tokens),
            tool_calls: self.tool_calls.saturating_sub(spent.tool_calls),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self {
            micro_usd: self.micro_usd.saturating_add(more.micro_usd),
            input_tokens: self.input_tokens.saturating_add(more.input_tokens),
            output_tokens: self.output_tokens.saturating_add(more.output_tokens),
            tool_calls: self.tool_calls.saturating_add(more.tool_calls),
        }
    }

    /// All of it, as something that is spent: what a subtask takes from its parent until it ends.
    #[must_use]
    pub fn whole(self) -> Spent {
        Spent {
            micro_usd: self.micro_usd,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            tool_calls: self.tool_calls,
        }
    }
}

/// What was used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Millionths of a dollar.
    pub micro_usd: u64,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Uses of tools.
    pub tool_calls: u32,
}

impl Spent {
    /// Both together.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self {
            micro_usd: self.micro_usd.saturating_add(more.micro_usd),
            input_tokens: self.input_tokens.saturating_add(more.input_tokens),
            output_tokens: self.output_tokens.saturating_add(more.output_tokens),
            tool_calls: self.tool_calls.saturating_add(more.tool_calls),
        }
    }
}

/// What one account may spend in a day; `None`: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCap {
    /// Millionths of a dollar.
    pub micro_usd: Option<u64>,
    /// Tokens, read and written.
    pub tokens: Option<u64>,
}

/// The limits of all work of a node, as its configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkLimits {
    /// Tasks that run at once in one workspace.
    pub running_per_workspace: u32,
    /// Tasks that run at once for one context.
    pub running_per_context: u32,
    /// What one turn may use up.
    pub turn: Budget,
    /// What one task may use up, its subtasks included, unless it is given more or less.
    pub task: Budget,
    /// Its other limits.
    pub task_limits: TaskLimits,
    /// What one context may spend in a day.
    pub context_day: DayCap,
    /// What one workspace may spend in a day.
    pub workspace_day: DayCap,
    /// What the whole node may spend in a day.
    pub node_day: DayCap,
}

impl Default for WorkLimits {
    fn default() -> Self {
        let dollars = |dollars: u64| DayCap { micro_usd: Some(dollars * 1_000_000), tokens: None };
        Self {
            running_per_workspace: 5,
            running_per_context: 2,
            turn: Budget { micro_usd: 250_000, ..Budget::default() },
            task: Budget::default(),
            task_limits: TaskLimits::default(),
            context_day: dollars(5),
            workspace_day: dollars(10),
            node_day: dollars(20),
        }
    }
}
