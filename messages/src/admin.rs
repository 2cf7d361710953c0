//! What the inspector may be asked: how the node stands, and which actors live.

use serde::{Deserialize, Serialize};

use crate::id::Slug;
use crate::index::{Explained, View};
use crate::membership::{Msg as ClusterMsg, Reply as ClusterReply};
use crate::model::{Answer, Failure};
use crate::offer::Offers;
use crate::protocol::Protocol;
use crate::retention::{Msg as RetentionMsg, Reply as RetentionReply};
use crate::step::{Day, Spending};
use crate::store::{Counts, TaskFound, TaskView};
use crate::turn::Principal;

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
    /// Tasks of a workspace, newest first.
    Tasks {
        /// Which workspace.
        workspace: Slug,
        /// Only those that have not ended, and dead letters that nobody has read.
        open: bool,
        /// Those before this place ([`TaskView::place`]).
        before: Option<i64>,
        /// At most.
        limit: u32,
    },
    /// One task, with all below it.
    Task {
        /// Of which workspace.
        workspace: Slug,
        /// The beginning of its id, as `TaskId::prefix` gives.
        prefix: String,
    },
    /// Ask a task to do something. It decides itself whether this person may.
    TaskDo {
        /// Of which workspace.
        workspace: Slug,
        /// The beginning of its id.
        prefix: String,
        /// What.
        what: TaskDo,
        /// Who asks.
        principal: Principal,
    },
    /// What was spent, by day and account.
    Usage {
        /// From this day.
        from: Day,
        /// To this one.
        to: Day,
        /// Only accounts that begin so; empty: all.
        account: String,
    },
    /// The models that can be asked, and their chains.
    Models,
    /// Ask one model something small, for real.
    TestModel {
        /// Its name, as routes have it; empty: the first of the chat route.
        model: String,
    },
    /// How a workspace's index stands, why it finds what it finds, or that it is to be made again.
    Index {
        /// Of which workspace.
        workspace: Slug,
        /// What.
        ask: IndexAsk,
    },
    /// What retention is asked.
    Retention(RetentionMsg),
    /// What the actor `cluster` is to answer.
    Cluster(ClusterMsg),
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
    /// To `Tasks`.
    Tasks(Vec<TaskView>),
    /// To `Task`.
    Task(TaskFound),
    /// To `TaskDo`: it was done, in words; or why not.
    TaskDone(Result<String, String>),
    /// To `Usage`.
    Usage(Vec<Spending>),
    /// To `Models`.
    Models(Offers),
    /// To `TestModel`.
    ModelTested(ModelTest),
    /// To `Index`.
    Index(IndexAnswer),
    /// To `Retention`.
    Retention(RetentionReply),
    /// To `Cluster`; `None` where the node stands alone.
    Cluster(Option<ClusterReply>),
    /// To `Restart`: what was done.
    Restarted(String),
}

/// What an operator may ask of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexAsk {
    /// How it stands.
    Describe,
    /// Make it again from nothing.
    Rebuild,
    /// Why passages of all knowledge are found.
    Explain {
        /// The query.
        query: String,
        /// At most so many passages.
        limit: u32,
    },
}

/// The answer to an [`IndexAsk`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexAnswer {
    /// To `Describe`.
    Described(View),
    /// To `Rebuild`: it is being made.
    Rebuilding,
    /// To `Explain`, best first.
    Explained(Vec<Explained>),
}

/// What a person may ask of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskDo {
    /// Stop.
    Cancel,
    /// Go on, or try again.
    Retry,
    /// A dead letter was read.
    Discard,
}

/// What came of a small question to a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelTest {
    /// The model that was asked.
    pub model: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Its answer and what it used; or why there is none.
    pub answer: Result<Answer, Failure>,
    /// What it cost, in millionths of a dollar.
    pub micro_usd: u64,
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
    /// What the whole node has spent today.
    pub today: Spending,
    /// One line for each workspace's index.
    pub indexes: Vec<String>,
    /// Resident memory in bytes.
    pub rss_bytes: u64,
    /// Where health, readiness and metrics are told, `http://127.0.0.1:8080`; empty: nowhere.
    #[serde(default)]
    pub http: String,
}
