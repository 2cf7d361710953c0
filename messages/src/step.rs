//! Steps: the journal of a turn or a task. What was done is never done again; what had begun is known.
//!
//! A step is named by whose it is ([`Work`]) and its number. Model calls and tools are steps; each is written before and
//! after where that matters: a call that may cost money reserves what it may cost at most, a tool that can't be repeated
//! is marked before it begins.

use serde::{Deserialize, Serialize};

use crate::id::{InboundId, Moment};
use crate::memory::MemoryId;
use crate::task::TaskId;
use crate::tool::ToolCall;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Whose steps they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Work {
    /// A turn of a context.
    Turn(InboundId),
    /// A task.
    Task(TaskId),
    /// A part of a conversation on its way into memory.
    Memory(MemoryId),
}

impl Work {
    /// The id in rows: `in_…`, `tsk_…` or `mem_…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Turn(id) => id.as_str(),
            Self::Task(id) => id.as_str(),
            Self::Memory(id) => id.as_str(),
        }
    }

    /// Reads an id back.
    #[must_use]
    pub fn from_row(text: String) -> Self {
        if text.starts_with("tsk_") {
            Self::Task(TaskId::from_row(text))
        } else if text.starts_with("mem_") {
            Self::Memory(MemoryId::from_row(text))
        } else {
            Self::Turn(InboundId::from_row(text))
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Asks a model.
    Model,
    /// Uses a tool as the model asked for it.
    Tool(ToolCall),
    /// Waits until all subtasks have ended, and tells the model how.
    Children,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Begun; whether it was done is not known until it has ended.
    Started,
    /// Done; its output is used again after a crash.
    Done,
    /// A tool said no: its words go to the model. A model that gave no answer: the step may be tried again.
    Failed,
    /// Not allowed, or not understood; its words go to the model and nothing was done.
    Refused,
    /// It may or may not have been done, and can't be asked; a person must look.
    Unknown,
}

impl StepStatus {
    /// All of them, by their number in rows.
    pub const ALL: [Self; 5] = [Self::Started, Self::Done, Self::Failed, Self::Refused, Self::Unknown];

    /// The name in JSON and chat.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// Tokens of a model call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Read, those from the provider's cache included.
    pub input: u64,
    /// Written, those of thinking included.
    pub output: u64,
    /// Of `input`, from the provider's cache.
    pub cached: u64,
    /// Of `output`, thinking.
    pub reasoning: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cached: self.cached.saturating_add(other.cached),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }

    /// All tokens that count.
    #[must_use]
    pub fn tokens(self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

/// A day in UTC: days since the Unix epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i64);

impl Day {
    /// The day of a moment.
    #[must_use]
    pub fn of(at: Moment) -> Self {
        Self(at.0.div_euclid(DAY_MS))
    }

    /// When it begins.
    #[must_use]
    pub fn begins(self) -> Moment {
        Moment(self.0.saturating_mul(DAY_MS))
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What may be spent on one account at most; `None`: no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// The account: `node`, `ws/home`, `ws/home/context/general`.
    pub account: String,
    /// Millionths of a dollar a day.
    pub micro_usd: Option<u64>,
    /// Tokens a day.
    pub tokens: Option<u64>,
}

/// What a call may cost at most, put aside before it is made. Refused as a conflict where an account would be overdrawn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve {
    /// On which day's accounts.
    pub day: Day,
    /// Millionths of a dollar.
    pub micro_usd: u64,
    /// Tokens, read and written.
    pub tokens: u64,
    /// The accounts, with what each may hold.
    pub limits: Vec<Limit>,
}

/// What a call has cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// On which day's accounts.
    pub day: Day,
    /// The accounts that are charged; `model/<name>` is charged besides.
    pub accounts: Vec<String>,
    /// The model that was asked, as routes name it.
    pub model: String,
    /// Its tokens.
    pub usage: Usage,
    /// Millionths of a dollar.
    pub micro_usd: u64,
}

/// What one account has spent on one day, and what is reserved on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// The day.
    pub day: Day,
    /// The account.
    pub account: String,
    /// Millionths of a dollar, spent.
    pub micro_usd: u64,
    /// Tokens, spent.
    pub usage: Usage,
    /// Model calls.
    pub calls: u64,
    /// Millionths of a dollar, reserved by calls that run.
    pub reserved_micro_usd: u64,
    /// Tokens, reserved by calls that run.
    pub reserved_tokens: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_of_utc_also_before_the_epoch() {
        assert_eq!(Day::of(Moment(0)), Day(0));
        assert_eq!(Day::of(Moment(DAY_MS - 1)), Day(0));
        assert_eq!(Day::of(Moment(DAY_MS)), Day(1));
        assert_eq!(Day::of(Moment(-1)), Day(-1));
        assert_eq!(Day(20_000).next().begins(), Moment(20_001 * DAY_MS));
    }

    #[test]
    fn whose_steps_they_are_is_read_back() {
        let memory = MemoryId::of(&crate::Address::fixed("ws/home/context/general"), 1);
        for work in [Work::Turn(InboundId::of("c", "e")), Work::Task(TaskId::of("home", "k")), Work::Memory(memory)] {
            assert_eq!(Work::from_row(work.as_str().to_owned()), work);
        }
    }
}
