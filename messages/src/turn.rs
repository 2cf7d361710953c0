//! A turn: one inbound event on its way to exactly one outcome.

use serde::{Deserialize, Serialize};

use crate::id::{Moment, Slug};

/// A chat at a connector: where an event came from and where its reply goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Chat {
    /// The connector's name, `console`.
    pub connector: String,
    /// The chat's id as the connector has it; for the console `<workspace>/<context>`.
    pub chat: String,
}

/// Who speaks, as the connector vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The connector that vouches.
    pub connector: String,
    /// The user's name or id at that connector.
    pub user: String,
}

/// `connector:user`, as records and the audit log name it.
impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.connector, self.user)
    }
}

/// What the turn was decided to be when it was taken. Fixed from then on: it travels with all that comes of the turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Where its reply goes.
    pub reply_to: Chat,
    /// Who asked.
    pub principal: Principal,
    /// What was asked for: `talk`, or a command's name with its slash.
    pub action: String,
    /// The policy's version under which it was decided.
    pub policy: u64,
    /// The rules that decided it, by name.
    pub rules: Vec<String>,
    /// What its memory and its searches may touch.
    pub scope: Scope,
    /// Which version of the context's file was in force: the first 12 hexadecimal characters of its SHA-256, or `built-in`.
    pub definition: String,
    /// When it was taken.
    pub taken_at: Moment,
}

/// What a turn may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The workspace it is in.
    pub workspace: Slug,
    /// The context it is in; logs and memory of no other are read.
    pub context: Slug,
    /// Path patterns (`**`, `notes/**`) of knowledge that may be searched and opened.
    pub paths: Vec<String>,
}

/// How an inbound event ended. Each accepted event has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A reply was delivered; the platform's message id is on the outbox row.
    Replied,
    /// Written down; no answer was due.
    Noted,
    /// Refused by policy, and the person was told.
    Denied,
    /// It could not be done, and the person was told.
    Failed,
    /// Stopped by a person.
    Cancelled,
    /// It waited longer than its context allows.
    Expired,
    /// Policy says not to react to it.
    Ignored,
    /// A reply may or may not have been delivered; a person must look.
    InDoubt,
}

impl Outcome {
    /// All outcomes, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Replied,
        Self::Noted,
        Self::Denied,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::Ignored,
        Self::InDoubt,
    ];

    /// The name in rows, JSON and chat.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replied => "replied",
            Self::Noted => "noted",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Ignored => "ignored",
            Self::InDoubt => "in_doubt",
        }
    }

    /// Reads the name back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.as_str() == text)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
