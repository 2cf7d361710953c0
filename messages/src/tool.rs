//! What a tool may be asked, and what is known of each.

mod arguments;

pub use arguments::{Post, SpawnTask};

use serde::{Deserialize, Serialize};

use crate::id::Trace;
use crate::protocol::Protocol;
use crate::step::Work;
use crate::turn::Scope;

/// The longest arguments of one call, in bytes.
pub const ARGUMENTS_BYTES_MAX: usize = 256 * 1024;
/// The longest result of one call that a model is given, in bytes; a longer one is cut and says so.
pub const RESULT_BYTES_MAX: usize = 16 * 1024;

/// The protocol of `tools`, which performs what needs I/O.
#[derive(Debug)]
pub enum Tools {}

impl Protocol for Tools {
    const KIND: &'static str = "tools";
    type Msg = Msg;
    type Reply = Reply;
}

/// To `tools`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// Use a tool. The caller has decided that it may be used.
    Use(Box<Use>),
    /// How it stands: a line each.
    Describe,
}

/// From `tools`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// To `Use`: what came of it.
    Done(Output),
    /// To `Use`: it was not done, and nothing was changed.
    Failed(Failure),
    /// To `Use`: it may or may not have been done.
    Unknown(String),
    /// To `Describe`.
    Described(Vec<String>),
}

/// One use of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// What the model asked for.
    pub call: ToolCall,
    /// Whose step it is.
    pub work: Work,
    /// Which step: with `work` the key under which it is done once.
    pub seq: u32,
    /// What it may touch.
    pub scope: Scope,
    /// It had been begun before a crash: what was done then is looked for first.
    pub again: bool,
    /// What follows it through the logs.
    pub trace: Trace,
}

/// A tool as a model asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id of the call; goes back with its result.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// JSON, as the model wrote it: it may be invalid.
    pub arguments: String,
}

/// What a tool gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// For the model; at most [`RESULT_BYTES_MAX`].
    pub text: String,
    /// Paths that it read or wrote.
    pub sources: Vec<String>,
}

/// Why a tool did nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure.
    pub class: Class,
    /// What failed, why, and what to do, for the model and for people.
    pub message: String,
}

/// What kind of failure a tool met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// There is no such tool.
    NoSuchTool,
    /// The arguments are no JSON, or not as the tool's schema wants them.
    Arguments,
    /// What it names is not there, or not in scope: both read the same.
    NotFound,
    /// It is not what the model thinks it is: a file changed meanwhile.
    Conflict,
    /// The place is not for tools.
    Reserved,
    /// Too large, too many.
    TooLarge,
    /// The disk or a service refuses.
    Failed,
}

/// How much harm a tool can do. Policy decides by it; the model has no say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Reads what the turn may read anyway, or answers where it was asked.
    Low,
    /// Changes the workspace's knowledge, with what was there kept.
    Medium,
    /// Reaches outside of the workspace.
    High,
    /// Changes policy, identities or secrets.
    Critical,
}

impl Risk {
    /// All of them, least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name in rows, files and chat.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl std::fmt::Display for Risk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a use that was cut off may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// It changes nothing: at will.
    Free,
    /// What it changed can be found: it is asked first, and made again only if it was not made.
    Asks,
    /// Never by itself: a person must look.
    Never,
    /// It is a row of the commit that ends its step: it can't be cut off.
    InCommit,
}

/// A tool: what a model is told of it, and what policy is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name, `md_read`.
    pub name: String,
    /// What it does, for the model.
    pub what: String,
    /// JSON Schema of its arguments.
    pub schema: String,
    /// How much harm it can do.
    pub risk: Risk,
    /// Whether it may be made again.
    pub repeat: Repeat,
    /// Only tasks may use it.
    pub tasks_only: bool,
}

impl ToolSpec {
    /// The sentence for a model whose arguments are not as the schema wants them; `why` is cut to 300 characters.
    #[must_use]
    pub fn refuses(&self, why: &str) -> Failure {
        let why: String = why.chars().filter(|c| !c.is_control()).take(300).collect();
        let Self { name, schema, .. } = self;
        let message = format!("The arguments of `{name}` can't be used: {why}. They must fit this schema: {schema}");
        Failure { class: Class::Arguments, message }
    }
}
