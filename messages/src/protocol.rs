//! What siblings may know of each other: a kind of actor, its messages, its replies, and how an ask can fail.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The words of one kind of actor. A typed reference is an address together with a `Protocol`.
///
/// `Msg` and `Reply` cross between nodes, so they are plain data: no reference, no channel, nothing that is not
/// `'static`.
pub trait Protocol: Send + Sync + 'static {
    /// The kind's name, as `actors` shows it: `context`, `lane`, `store`.
    const KIND: &'static str;
    /// What may be asked.
    type Msg: Serialize + DeserializeOwned + Send + std::fmt::Debug + 'static;
    /// What may be answered.
    type Reply: Serialize + DeserializeOwned + Send + std::fmt::Debug + 'static;
}

/// How an ask fails. Every ask has a deadline, so one of these or a reply always comes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum AskError {
    /// No answer before the deadline; whether it was done is not known.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The node that serves the address is not reachable.
    #[error("the node that serves it is not reachable")]
    NodeLost,
    /// The node asked does not serve this address now.
    #[error("this node does not serve it")]
    NotOwner,
    /// Nothing has this address, or no kind is registered for it.
    #[error("there is no such address: {0}")]
    NoSuchAddress(String),
    /// Its mailbox, or what it stands on, is full; try again after the time given.
    #[error("it is busy ({what}); try again in {retry_after:?}")]
    Busy {
        /// Which limit was met, with its number.
        what: String,
        /// When another try makes sense.
        retry_after: Duration,
    },
    /// It failed while it worked on this, or was stopped after failing too often.
    #[error("{0}")]
    Failed(String),
    /// The message or the reply could not be read.
    #[error("message can't be read: {0}")]
    Decode(String),
    /// The message is larger than one envelope may be.
    #[error("message of {bytes} bytes is larger than {bytes_max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The peer that asks may not ask this.
    #[error("denied: {0}")]
    Denied(String),
}
