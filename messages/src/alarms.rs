//! What a node tells of itself to who operates it: whether it can work, its alarms, its metrics.

use serde::{Deserialize, Serialize};

use crate::protocol::Protocol;

/// The protocol of the actor that samples the node.
#[derive(Debug)]
pub enum Alarms {}

impl Protocol for Alarms {
    const KIND: &'static str = "alarms";
    type Msg = Msg;
    type Reply = Reply;
}

/// To that actor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// Whether mailboxes are worked on at all.
    Alive,
    /// Whether the node can do all of its work.
    Ready,
    /// All metrics in Prometheus' text form.
    Metrics,
}

/// From that actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To `Alive`.
    Alive,
    /// To `Ready`.
    Ready(Readiness),
    /// To `Metrics`.
    Metrics(String),
}

/// Whether a node can do all of its work. Names no actor, person, context or path: whoever reaches the address reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Nothing is listed below.
    pub ready: bool,
    /// What is not ready.
    pub not_ready: Vec<NotReady>,
    /// Names of the alarms that stand, those that leave the node ready included.
    pub alarms: Vec<String>,
}

/// One thing that is not ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotReady {
    /// `store`, `audit`, `index`, `model`, `actors`, `disk`, `stopping`.
    pub what: String,
    /// Why, and what tells more.
    pub why: String,
}
