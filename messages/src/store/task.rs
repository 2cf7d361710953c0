//! Writes and rows of tasks and of the journal.

use serde::{Deserialize, Serialize};

use super::Owner;
use crate::address::Address;
use crate::id::{InboundId, Moment, Slug, Trace};
use crate::step::{Cost, Reserve, Spending, StepStatus, Usage, What, Work};
use crate::task::{Budget, NewTask, Spent, TaskId, TaskSpec, TaskState, Wait};
use crate::turn::Chat;

/// A durable change of a task. Each that moves its state is compare-and-set on the revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskWrite {
    /// A new task. Idempotent by (workspace, key): a repeat writes nothing.
    Put(Box<NewTask>),
    /// queued -> running under the epoch of the commit's fence, with one more run.
    Claim {
        /// Which.
        task: TaskId,
        /// Its new revision, one above the row's.
        rev: u64,
        /// When.
        at: Moment,
    },
    /// To another state, by the table ([`TaskState::may_become`]). The fields are the row's new values.
    Move(Box<TaskMove>),
    /// Words of a task for the chat its turn came from: an outbox row with the next number of its event. Idempotent by
    /// (task, step).
    Post {
        /// Which task.
        task: TaskId,
        /// Which step; `None`: how it ended.
        step: Option<u32>,
        /// The inbox row it came of.
        seq: i64,
        /// Its context.
        context: Address,
        /// Where it goes.
        chat: Chat,
        /// The words.
        text: String,
        /// Paths they quote.
        sources: Vec<String>,
        /// When.
        at: Moment,
    },
    /// The record file shows this revision.
    Recorded {
        /// Which.
        task: TaskId,
        /// What it shows.
        rev: u64,
        /// It shows the task's words. It is to be written again if those were erased meanwhile.
        has_words: bool,
    },
    /// A dead letter was read.
    Discard {
        /// Which.
        task: TaskId,
        /// By whom.
        by: String,
        /// When.
        at: Moment,
    },
}

/// A change of a task's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskMove {
    /// Which.
    pub task: TaskId,
    /// Its new revision, one above the row's.
    pub rev: u64,
    /// Where to.
    pub to: TaskState,
    /// What for, if it waits.
    pub wait: Option<Wait>,
    /// Not to be run, or looked at, before.
    pub not_before: Option<Moment>,
    /// 0 interactive, 1 resumed, 2 schedules, 3 background.
    pub priority: u8,
    /// Failures of its own.
    pub failures: u32,
    /// Times that its node was lost under it.
    pub lost: u32,
    /// What it may use up.
    pub budget: Budget,
    /// Why, in one sentence; empty when the state says all.
    pub reason: String,
    /// What came of it; empty unless it succeeded.
    pub result: String,
    /// When.
    pub at: Moment,
}

/// A durable change of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepWrite {
    /// A step begins, or begins again: then what it had reserved is charged, as it may have been used.
    /// Refused as a conflict when it has ended as done or refused, or when an account would be overdrawn.
    Start {
        /// Whose.
        work: Work,
        /// Which, from 0 without gaps.
        seq: u32,
        /// What it does.
        what: What,
        /// What it may cost.
        reserve: Option<Reserve>,
        /// When.
        at: Moment,
    },
    /// A step has ended; it need not have been started if it may be repeated at will and reserved nothing. What it
    /// reserved is released, what it cost is charged. Refused as a conflict when it has ended as done or refused.
    End {
        /// Whose.
        work: Work,
        /// Which.
        seq: u32,
        /// What it did.
        what: What,
        /// How it ended; not `Started`.
        status: StepStatus,
        /// What it gave: a model's answer as JSON, a tool's words.
        output: String,
        /// What it cost; `None`: nothing.
        cost: Option<Cost>,
        /// When.
        at: Moment,
    },
}

impl TaskWrite {
    /// Who may write this; empty: anyone.
    #[must_use]
    pub fn owners(&self) -> &'static [Owner] {
        match self {
            Self::Put(_) => &[Owner::Context, Owner::Task],
            Self::Claim { .. } | Self::Recorded { .. } => &[Owner::Workspace],
            Self::Move(_) | Self::Post { .. } => &[Owner::Task, Owner::Workspace],
            Self::Discard { .. } => &[Owner::Task],
        }
    }

    /// The variant's name, for errors and snapshots.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Put(_) => "TaskPut",
            Self::Claim { .. } => "TaskClaim",
            Self::Move(_) => "TaskMove",
            Self::Post { .. } => "TaskPost",
            Self::Recorded { .. } => "TaskRecorded",
            Self::Discard { .. } => "TaskDiscard",
        }
    }
}

impl StepWrite {
    /// Whose step it is.
    #[must_use]
    pub fn work(&self) -> &Work {
        match self {
            Self::Start { work, .. } | Self::End { work, .. } => work,
        }
    }

    /// Who may write this: a turn's steps are its context's, a task's and a memory's their own.
    #[must_use]
    pub fn owners(&self) -> &'static [Owner] {
        match self.work() {
            Work::Turn(_) => &[Owner::Context],
            Work::Task(_) => &[Owner::Task],
            Work::Memory(_) => &[Owner::Memory],
        }
    }

    /// The variant's name, for errors and snapshots.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "StepStart",
            Self::End { .. } => "StepEnd",
        }
    }
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRow {
    /// Its id.
    pub id: TaskId,
    /// Its key.
    pub key: String,
    /// Its workspace.
    pub workspace: Slug,
    /// The context it works for.
    pub context: Address,
    /// The inbox row it came of.
    pub seq: i64,
    /// The id of that row.
    pub inbound: InboundId,
    /// Its trace.
    pub trace: Trace,
    /// The task it is a subtask of.
    pub parent: Option<TaskId>,
    /// The first of its line.
    pub root: TaskId,
    /// Parents above it.
    pub depth: u32,
    /// How far it is.
    pub state: TaskState,
    /// What it waits for.
    pub wait: Option<Wait>,
    /// 0 goes first.
    pub priority: u8,
    /// Counts its changes.
    pub rev: u64,
    /// Counts its claims.
    pub run: u32,
    /// The epoch of its workspace under which it was claimed last.
    pub epoch: u64,
    /// Failures of its own.
    pub failures: u32,
    /// Times that its node was lost under it.
    pub lost: u32,
    /// What it is to do.
    pub spec: TaskSpec,
    /// What it may use up.
    pub budget: Budget,
    /// Why it is where it is.
    pub reason: String,
    /// What came of it.
    pub result: String,
    /// Not to be run, or looked at, before.
    pub not_before: Option<Moment>,
    /// When it was made.
    pub created_at: Moment,
    /// Since when it is in its state.
    pub moved_at: Moment,
    /// When its last run began.
    pub started_at: Option<Moment>,
    /// When it is too late.
    pub deadline: Moment,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// Who has read this dead letter.
    pub discarded_by: Option<String>,
    /// The revision that its record file shows.
    pub recorded: u64,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRow {
    /// Its number.
    pub seq: u32,
    /// What it does.
    pub what: What,
    /// How far it is.
    pub status: StepStatus,
    /// Times it was begun.
    pub attempt: u32,
    /// What it gave.
    pub output: String,
    /// The model that was asked last; empty for tools.
    pub model: String,
    /// Tokens of all its attempts that are known.
    pub usage: Usage,
    /// Millionths of a dollar that all its attempts were charged.
    pub micro_usd: u64,
    /// What it has reserved, while it runs.
    pub reserve: Option<Reserve>,
    /// When it began.
    pub started_at: Moment,
    /// When it ended.
    pub ended_at: Option<Moment>,
}

/// A task in short, for lists and for its parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskView {
    /// Its id.
    pub id: TaskId,
    /// The task it is a subtask of.
    pub parent: Option<TaskId>,
    /// Its context.
    pub context: Address,
    /// One line for people.
    pub title: String,
    /// How far it is.
    pub state: TaskState,
    /// What it waits for.
    pub wait: Option<Wait>,
    /// Why it is where it is.
    pub reason: String,
    /// What came of it.
    pub result: String,
    /// Not to be run, or looked at, before; what waits for a quota and has none goes on when a person says so.
    pub not_before: Option<Moment>,
    /// What it may use up.
    pub budget: Budget,
    /// What its own steps and those of all below it have used.
    pub spent: Spent,
    /// Its place among all tasks of its workspace: a page begins after the last one's.
    pub place: i64,
    /// When it was made.
    pub created_at: Moment,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// Who has read this dead letter.
    pub discarded_by: Option<String>,
}

/// All that a task opens from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRows {
    /// Its own row.
    pub task: TaskRow,
    /// Its journal, by number.
    pub steps: Vec<StepRow>,
    /// Its subtasks, oldest first.
    pub children: Vec<TaskView>,
    /// All tasks below its root, the root not counted.
    pub descendants: u32,
    /// The tasks it depends on: those that exist.
    pub depends_on: Vec<(TaskId, TaskState)>,
    /// Open tasks that depend on it.
    pub dependents: Vec<TaskId>,
    /// How its parent stands.
    pub parent: Option<TaskState>,
    /// The epoch of its workspace that is in force.
    pub epoch: u64,
    /// The latest day of each account that it is charged to.
    pub spending: Vec<Spending>,
}

/// A task that holds a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningRow {
    /// Its id.
    pub id: TaskId,
    /// Its context.
    pub context: Address,
}

/// A task that waits for a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedRow {
    /// Its id.
    pub id: TaskId,
    /// Its context.
    pub context: Address,
    /// Its revision.
    pub rev: u64,
    /// 0 goes first.
    pub priority: u8,
    /// Since when it waits.
    pub queued_at: Moment,
    /// Not to be run before.
    pub not_before: Option<Moment>,
    /// Too late to be begun from then on: its wait for a slot is over, or its deadline.
    pub start_by: Moment,
}

/// What a workspace decides on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRows {
    /// All that hold a slot.
    pub running: Vec<RunningRow>,
    /// The first that wait, of up to [`super::QUEUE_CONTEXTS_MAX`] contexts after the one that was asked for, a few of each
    /// priority of each.
    pub queued: Vec<QueuedRow>,
    /// Contexts with queued tasks that were not looked at this time.
    pub more: bool,
    /// Tasks whose record file is behind, counted up to 256.
    pub unrecorded: u64,
    /// The earliest moment at which a queued task may be run that may not now, or is too late to be begun.
    pub next: Option<Moment>,
}

/// What a task is found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskFound {
    /// None begins so.
    Unknown,
    /// Several do; the first few.
    Ambiguous(Vec<TaskId>),
    /// This one, with all below it (in order of their making).
    Found(Box<TaskRows>, Vec<TaskView>),
}
