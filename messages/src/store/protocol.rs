//! The protocol of the actor `store`, and what other nodes ask of the one that has it.

use serde::{Deserialize, Serialize};

use super::{Commit, CommitError, Committed, Query, QueryError, Rows};
use crate::protocol::Protocol;

/// The protocol of the actor `store`.
#[derive(Debug)]
pub enum StoreProto {}

impl Protocol for StoreProto {
    const KIND: &'static str = "store";
    type Msg = StoreMsg;
    type Reply = StoreReply;
}

/// To the store's actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreMsg {
    /// How the store stands.
    Describe,
}

/// From the store's actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreReply {
    /// To `Describe`: one sentence for people.
    Described(String),
}

/// What other nodes ask of the one that has the store. It goes to the store itself and not through its actor's mailbox, for
/// rows may be larger than a message between actors. The first case is the one of [`StoreMsg`], also as bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreCall {
    /// How the store stands; the actor answers.
    Describe,
    /// Write all of it or nothing.
    Commit(Commit),
    /// Read.
    Query(Query),
}

/// What is answered to a [`StoreCall`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreAnswer {
    /// To `Describe`: one sentence for people.
    Described(String),
    /// To `Commit`.
    Committed(Result<Committed, CommitError>),
    /// To `Query`.
    Rows(Result<Rows, QueryError>),
}
