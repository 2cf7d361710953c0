//! What the inspector may be asked: how the node stands, and which actors live.

use serde::{Deserialize, Serialize};

use crate::protocol::Protocol;
use crate::store::Counts;

/// The protocol of the inspector.
#[derive(Debug)]
pub enum Admin {}

impl Protocol for Admin {
    const KIND: &'static str = "admin";
    type Msg = Msg;
    type Reply = Reply;
}

/// To the inspector.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// The live tree with its gauges.
    Actors,
    /// How the node stands.
    Status,
    /// Let an actor that was stopped after a restart storm be opened again.
    Restart {
        /// Its address.
        address: String,
    },
}

/// From the inspector.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// To `Actors`: parents before their children.
    Actors(Vec<ActorView>),
    /// To `Status`.
    Status(Box<StatusView>),
    /// To `Restart`: what was done.
    Restarted(String),
}

/// One live actor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorView {
    /// Its address.
    pub address: String,
    /// Its kind: `supervisor`, `context`, `store`.
    pub kind: String,
    /// Its supervisor's address; empty for the root.
    pub parent: String,
    /// `running`, `paused`, `restarting`, `stopped`.
    pub state: String,
    /// Messages that wait.
    pub mailbox: u64,
    /// How long the oldest has waited, in milliseconds.
    pub oldest_wait_ms: u64,
    /// Messages handled since it was first opened on this node.
    pub handled: u64,
    /// Times it was restarted.
    pub restarts: u64,
    /// The last error, if it ever had one.
    pub last_error: String,
    /// What it is doing now.
    pub doing: String,
}

/// How the node stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// The program's version.
    pub version: String,
    /// The node's name.
    pub node: String,
    /// Its process.
    pub pid: u32,
    /// How long it has run, in milliseconds.
    pub uptime_ms: u64,
    /// The data folder.
    pub data: String,
    /// Actors that live.
    pub actors: u64,
    /// The store's counts.
    pub counts: Counts,
    /// What is wrong now, one line each: stopped actors, a disk that refuses, broken files.
    pub alarms: Vec<String>,
    /// The models that answer.
    pub models: Vec<String>,
    /// One line for each workspace's index.
    pub indexes: Vec<String>,
    /// Resident memory in bytes.
    pub rss_bytes: u64,
}
