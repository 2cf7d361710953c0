//! What a run is given when it begins: all that was fixed for it.

use messages::model::{Purpose, Said};
use messages::step::Work;
use messages::task::{Budget, TaskId};
use messages::turn::Turn;
use messages::{Address, Slug, Trace};

/// The fixed part of a run.
#[derive(Debug, Clone)]
pub(crate) struct Brief {
    pub(crate) work: Work,
    pub(crate) workspace: Slug,
    pub(crate) context: Address,
    /// The inbox row it came of.
    pub(crate) seq: i64,
    pub(crate) trace: Trace,
    pub(crate) turn: Turn,
    /// Its place among tasks; `None` for a turn.
    pub(crate) line: Option<Line>,
    pub(crate) system: String,
    pub(crate) history: Vec<Said>,
    pub(crate) question: String,
    pub(crate) purpose: Purpose,
    /// Models that are allowed, by name; empty: any.
    pub(crate) models: Vec<String>,
    /// Tools that the context allowed when the work was made.
    pub(crate) tools: Vec<String>,
    pub(crate) limits: RunLimits,
    pub(crate) budget: Budget,
}

/// Where a task stands among its parents.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) id: TaskId,
    pub(crate) root: TaskId,
    pub(crate) depth: u32,
}

/// The limits of a run that are no budget.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunLimits {
    pub(crate) model_turns: u32,
    pub(crate) answer_bytes: usize,
    pub(crate) passages: u32,
    pub(crate) seconds: u64,
}

impl Brief {
    /// The accounts that its calls are charged to, the widest first.
    pub(crate) fn accounts(&self) -> Vec<String> {
        vec!["node".to_owned(), format!("ws/{}", self.workspace), self.context.to_string()]
    }

    /// A person waits for it.
    pub(crate) fn is_interactive(&self) -> bool {
        self.line.is_none()
    }
}
