//! What a context may be asked. Its work comes by the inbox; a wake tells it to look.

use serde::{Deserialize, Serialize};

use crate::id::InboundId;
use crate::protocol::Protocol;

/// The protocol of a context.
#[derive(Debug)]
pub enum Context {}

impl Protocol for Context {
    const KIND: &'static str = "context";
    type Msg = Msg;
    type Reply = Reply;
}

/// To a context.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// Look at the context's file again, and tell what is in force.
    Describe,
}

/// From a context.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// To `Describe`.
    Described(View),
}

/// A context as it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Which version of its file is in force: 12 hexadecimal characters, or `built-in`.
    pub definition: String,
    /// What is wrong with the file as it stands now, with its line, when that is not the version in force.
    pub broken: Option<String>,
    /// The turn that runs.
    pub running: Option<InboundId>,
    /// Turns that wait.
    pub queued: usize,
}
