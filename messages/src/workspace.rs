//! What a workspace may be asked.

use serde::{Deserialize, Serialize};

use crate::id::Slug;
use crate::protocol::Protocol;

/// The protocol of a workspace.
#[derive(Debug)]
pub enum Workspace {}

impl Protocol for Workspace {
    const KIND: &'static str = "workspace";
    type Msg = Msg;
    type Reply = Reply;
}

/// To a workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// What it is, and what is wrong with its files.
    Describe,
    /// Its contexts, in order, after `after`, at most `limit` (1,000 at most).
    Contexts {
        /// After this one.
        after: Option<Slug>,
        /// At most.
        limit: u32,
    },
    /// A context found its file broken (`problem`), or good again (`None`).
    Broken {
        /// Which file, relative to the workspace.
        path: String,
        /// Where and why.
        problem: Option<String>,
    },
}

/// From a workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// To `Describe`.
    Described(View),
    /// To `Contexts`.
    Contexts(Vec<Slug>),
    /// To `Broken`.
    Noted,
}

/// A workspace as it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its name for people.
    pub name: String,
    /// `community` or `private`.
    pub kind: String,
    /// Files that are broken, with line and reason; the last good version of each stays in force.
    pub broken: Vec<String>,
}
