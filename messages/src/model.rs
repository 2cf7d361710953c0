//! What a model may be asked.

use serde::{Deserialize, Serialize};

use crate::id::Trace;
use crate::protocol::Protocol;

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
    Described(Vec<String>),
}

/// A question with everything it is to be answered from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Models the context allows, by name; empty: any.
    pub allowed: Vec<String>,
    /// The context's prompt.
    pub system: String,
    /// What was said before, oldest first.
    pub history: Vec<Said>,
    /// What is asked now.
    pub question: String,
    /// Passages that may answer it, best first.
    pub passages: Vec<crate::index::Hit>,
    /// The answer is cut after this many bytes.
    pub answer_bytes_max: usize,
    /// Seconds in all before it is given up.
    pub seconds_max: u64,
    /// Whose turn it is; previews of the answer are published under it.
    pub trace: Trace,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The words; never empty.
    pub text: String,
    /// Paths it quotes.
    pub sources: Vec<String>,
    /// Which model gave it.
    pub model: String,
    /// It was longer than allowed and was cut.
    pub cut: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure.
    pub class: Class,
    /// What failed and why, in one sentence.
    pub message: String,
    /// What to do about it, in one sentence.
    pub advice: String,
}

/// What kind of failure it was; decides what is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The key is missing or refused.
    Auth,
    /// Too many requests at once.
    RateLimited,
    /// It could not be reached, or broke off.
    Unreachable,
    /// It took too long: to begin, between two words, or in all.
    TimedOut,
    /// It ended in the middle.
    Truncated,
    /// It answered with nothing.
    Empty,
    /// It does not understand the request.
    Refused,
    /// It failed inside.
    Upstream,
    /// The context allows no model that is there.
    NotAllowed,
}
