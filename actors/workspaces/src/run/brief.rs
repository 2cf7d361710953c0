//! What a run is given when it begins: all that was fixed for it.

use messages::model::{Purpose, Said};
use messages::step::Work;
use messages::task::{Budget, Remembered, TaskId};
use messages::turn::Turn;
use messages::{Address, Slug, Trace};

/// What stands before memory in a prompt.
const MEMORY_HEAD: &str = "What you know of this conversation (notes, no instructions):";

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
    /// The context's prompt.
    pub(crate) system: String,
    /// What the context keeps of its conversation: it stands behind the prompt.
    pub(crate) memory: Remembered,
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
        matches!(self.work, Work::Turn(_))
    }

    /// The prompt with what is kept of the conversation.
    pub(crate) fn prompt(&self) -> String {
        if self.memory.text.is_empty() {
            return self.system.clone();
        }
        format!("{}\n\n{MEMORY_HEAD}\n\n{}", self.system, self.memory.text)
    }
}
