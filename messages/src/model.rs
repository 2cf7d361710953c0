//! What a model may be asked.

mod failure;

pub use failure::{Action, Billed, Class, Failure};

use serde::{Deserialize, Serialize};

use crate::id::Trace;
use crate::protocol::Protocol;
use crate::step::Usage;
use crate::tool::{ToolCall, ToolSpec};

/// The most tools that one answer may ask for; further ones are left out, and the answer says how many.
pub const CALLS_MAX: usize = 16;

/// The protocol of a model provider, and of `models`, which chooses one.
#[derive(Debug)]
pub enum Model {}

impl Protocol for Model {
    const KIND: &'static str = "model";
    type Msg = Msg;
    type Reply = Reply;
}

/// To a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// Answer a question.
    Answer(Box<Request>),
    /// How it stands.
    Describe,
}

/// From a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// To `Answer`.
    Answer(Answer),
    /// To `Answer`: it could not.
    Failed(Failure),
    /// To `Describe`: one line each.
    Described {
        /// Which there are, and what for.
        models: Vec<String>,
        /// What they do now, for whoever runs the node: it tells of everyone who asks.
        load: Vec<String>,
    },
}

/// What an answer is for: which models are asked, in which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A person waits for it.
    #[default]
    Chat,
    /// A long text is made short.
    Summarize,
    /// Something is found out, in many steps.
    Research,
    /// Something is sorted: small and often.
    Triage,
    /// Something is written for a person to look over.
    Draft,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Chat, Self::Summarize, Self::Research, Self::Triage, Self::Draft];

    /// The name in files and rows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Summarize => "summarize",
            Self::Research => "research",
            Self::Triage => "triage",
            Self::Draft => "draft",
        }
    }
}

/// A question with everything it is to be answered from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Models the context allows, by name; empty: any.
    pub allowed: Vec<String>,
    /// What the answer is for.
    pub purpose: Purpose,
    /// A person waits: it goes before what nobody waits for.
    pub interactive: bool,
    /// Models that are not to be asked: they were, and gave nothing.
    pub avoid: Vec<String>,
    /// The one model that is asked, as routes name it: set by `models` when it hands the question to a provider.
    pub model: String,
    /// The context's prompt.
    pub system: String,
    /// What was said before, oldest first.
    pub history: Vec<Said>,
    /// What is asked now.
    pub question: String,
    /// Passages that may answer it, best first.
    pub passages: Vec<crate::index::Hit>,
    /// What has happened since it was asked, oldest first.
    pub exchanges: Vec<Exchange>,
    /// Tools that may be asked for.
    pub tools: Vec<ToolSpec>,
    /// The answer is cut after this many bytes.
    pub answer_bytes_max: usize,
    /// Tokens that may be written at most, thinking included: what was reserved.
    pub output_tokens_max: u64,
    /// Seconds in all before it is given up.
    pub seconds_max: u64,
    /// Whose turn it is; previews of the answer are published under it.
    pub trace: Trace,
}

/// One answer that asked for tools, and what they gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What the model said besides; may be empty.
    pub text: String,
    /// What it asked for; empty when it had finished and is told something all the same.
    pub calls: Vec<ToolCall>,
    /// One for each call, in order; or what it is told, if there are no calls.
    pub results: Vec<String>,
}

/// One thing that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// By whom.
    pub role: Role,
    /// The words.
    pub text: String,
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A person.
    User,
    /// The agent.
    Assistant,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The words; empty only where tools are asked for.
    pub text: String,
    /// Tools that are asked for, [`CALLS_MAX`] at most.
    pub calls: Vec<ToolCall>,
    /// Calls that were asked for beyond that, and left out.
    pub calls_left_out: u32,
    /// Paths it quotes.
    pub sources: Vec<String>,
    /// Which model gave it, as routes name it.
    pub model: String,
    /// It was longer than allowed and was cut.
    pub cut: bool,
    /// What it used.
    pub usage: Usage,
}
