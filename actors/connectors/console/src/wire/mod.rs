//! What a console session and the node say to each other: one JSON object a line, both ways.
//!
//! The client speaks first with [`Hello`]; the node answers [`FromNode::Welcome`] or [`FromNode::Refused`]. After that
//! both speak when they have something to say. Nothing here does I/O but the codec, which only cuts bytes into frames.

mod codec;

pub use codec::{Frames, WireError, encode};

use messages::admin::{ActorView, IndexAnswer, IndexAsk, ModelTest, StatusView, TaskDo};
use messages::context::View;
use messages::membership::Reply as ClusterReply;
use messages::offer::Offers;
use messages::retention::Reply as RetentionReply;
use messages::step::{Day, Spending};
use messages::store::{Person, TaskFound, TaskView};
use messages::turn::Outcome;
use messages::{InboundId, Slug};
use serde::{Deserialize, Serialize};

/// The version both ends must have. It changes when a frame changes its meaning.
pub const WIRE_VERSION: u32 = 2;
/// The longest frame in bytes, its line end not counted, both ways.
pub const FRAME_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The longest text of one inbound event in bytes.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// The longest name of a session in bytes.
pub const SESSION_BYTES_MAX: usize = 64;
/// The longest id of an event in bytes, its session's name included.
pub const EVENT_BYTES_MAX: usize = 128;
/// The longest name of a user in bytes.
pub const USER_BYTES_MAX: usize = 64;
/// How many deliveries a client remembers and reports in its next [`Hello`].
pub const FLUSHED_MAX: usize = 256;

/// The client's first frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`WIRE_VERSION`] of the client.
    pub version: u32,
    /// Who speaks.
    pub user: String,
    /// The workspace's id.
    pub workspace: String,
    /// The context's name.
    pub context: String,
    /// The session's name: 1 to [`SESSION_BYTES_MAX`] of `A-Z a-z 0-9 - _`. Its events' ids begin with it and a colon.
    pub session: String,
    /// Previews of answers are wanted.
    #[serde(default)]
    pub previews: bool,
    /// It only asks about the node: no reply is given to it, so that none is lost in it.
    #[serde(default)]
    pub only_asks: bool,
    /// The last deliveries this session has flushed, oldest first, [`FLUSHED_MAX`] at most.
    #[serde(default)]
    pub flushed: Vec<i64>,
    /// The generation of the store that gave them, as its [`Welcome`] said.
    #[serde(default)]
    pub generation: i64,
}

/// From the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromClient {
    /// First, once.
    Hello(Hello),
    /// An inbound event.
    Submit {
        /// Its id, `<session>:<number>`.
        event: String,
        /// The words, at most [`TEXT_BYTES_MAX`].
        text: String,
    },
    /// New words for an earlier event.
    Edit {
        /// The edit's own id.
        event: String,
        /// The event that is edited.
        target: String,
        /// The new words.
        text: String,
    },
    /// An earlier event is to be forgotten.
    Delete {
        /// The deletion's own id.
        event: String,
        /// The event that is to be forgotten.
        target: String,
    },
    /// A reply has left the client's hands: it is printed and flushed.
    Flushed {
        /// Which, as [`Reply::delivery`] gave it.
        delivery: i64,
    },
    /// A question about the node.
    Ask {
        /// Comes back in the answer.
        n: u32,
        /// What is asked.
        what: AdminAsk,
    },
    /// The client leaves.
    Bye,
}

/// What may be asked about the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminAsk {
    /// The live tree.
    Actors,
    /// How the node stands.
    Status,
    /// Open a stopped actor again.
    Restart {
        /// Its address.
        address: String,
    },
    /// The session's own context.
    Context,
    /// Tasks of a workspace, newest first, a page of them.
    Tasks {
        /// Which workspace.
        workspace: Slug,
        /// Only those that have not ended, and dead letters that nobody has read.
        open: bool,
        /// Those before this place ([`TaskView::place`]).
        before: Option<i64>,
        /// At most; the node may give fewer.
        limit: u32,
    },
    /// One task, with all below it.
    Task {
        /// Of which workspace.
        workspace: Slug,
        /// The beginning of its id, as `TaskId::prefix` gives.
        prefix: String,
    },
    /// Ask a task to do something, as the session's user.
    TaskDo {
        /// Of which workspace.
        workspace: Slug,
        /// The beginning of its id.
        prefix: String,
        /// What.
        what: TaskDo,
    },
    /// A question to the index of a workspace.
    Index {
        /// Which workspace.
        workspace: Slug,
        /// What.
        ask: IndexAsk,
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
    /// How the cluster stands, as this node knows it.
    Cluster,
    /// A node is to give all its units away, or to take some again.
    Drain {
        /// Which; this one when none is named.
        node: Option<Slug>,
        /// Away, or again.
        away: bool,
    },
    /// The live trees of this node and of those that it has links to.
    NodeActors {
        /// Only of this one.
        node: Option<Slug>,
    },
    /// How retention stands.
    Retention,
    /// What there is of a person's words, for the session's user.
    ForgetCount {
        /// Who.
        person: Person,
        /// Only in this workspace.
        workspace: Option<Slug>,
        /// After this place of the inbox; 0 at first.
        after: i64,
    },
    /// Forget a person, for the session's user.
    Forget {
        /// Who.
        person: Person,
        /// Only in this workspace.
        workspace: Option<Slug>,
    },
    /// How a forgetting stands.
    Forgetting {
        /// Which.
        id: i64,
    },
    /// The models that can be asked, and their chains.
    Models,
    /// Ask one model something small, for real.
    TestModel {
        /// Its name; empty: the first of the chat route.
        model: String,
    },
}

impl AdminAsk {
    /// It changes nothing and costs nothing, so that it may be asked again when no answer came.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        match self {
            Self::Actors
            | Self::Status
            | Self::Context
            | Self::Tasks { .. }
            | Self::Task { .. }
            | Self::Usage { .. }
            | Self::Cluster
            | Self::NodeActors { .. }
            | Self::Retention
            | Self::ForgetCount { .. }
            | Self::Forgetting { .. }
            | Self::Models => true,
            Self::Index { ask, .. } => !matches!(ask, IndexAsk::Rebuild),
            Self::Restart { .. }
            | Self::TaskDo { .. }
            | Self::Drain { .. }
            | Self::Forget { .. }
            | Self::TestModel { .. } => false,
        }
    }
}

/// From the node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromNode {
    /// The session is attached.
    Welcome(Welcome),
    /// The session is not attached, or ends now; the connection is closed after it.
    Refused {
        /// Why, and what to do.
        why: String,
    },
    /// The event is on disk.
    Accepted {
        /// The client's id of it.
        event: String,
        /// What people call it.
        inbound: InboundId,
        /// It had been accepted before.
        duplicate: bool,
    },
    /// The event was not accepted and will not be.
    NotAccepted {
        /// The client's id of it.
        event: String,
        /// Why.
        why: String,
    },
    /// A piece of an answer while it is made; may be missing, and is not what counts.
    Preview {
        /// Of which event.
        inbound: InboundId,
        /// The piece.
        piece: String,
    },
    /// A reply. The client answers [`FromClient::Flushed`] once it has left its hands.
    Reply(Reply),
    /// An event ended without a reply in this session.
    Settled {
        /// Which.
        inbound: InboundId,
        /// How.
        outcome: Outcome,
        /// Why; may be empty.
        reason: String,
    },
    /// To [`FromClient::Ask`].
    Answer {
        /// Of which question.
        n: u32,
        /// The answer.
        reply: Answered,
    },
    /// Events wait because the store does not take them now, or the node of their context is away; it goes on by itself.
    Busy {
        /// What it waits for.
        why: String,
    },
}

/// What the node says to a new session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The node's name.
    pub node: String,
    /// The workspace's id.
    pub workspace: String,
    /// The context's name.
    pub context: String,
    /// What a person should know first, a line each.
    pub lines: Vec<String>,
    /// The generation of the node's store. One that came out of a backup numbers its deliveries anew.
    #[serde(default)]
    pub generation: i64,
}

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Its id; goes back in [`FromClient::Flushed`].
    pub delivery: i64,
    /// The event it answers.
    pub inbound: InboundId,
    /// The context that says it.
    pub context: String,
    /// What its delivery makes of the event; `None`: more comes, or it had its outcome before, as words of a task have.
    pub outcome: Option<Outcome>,
    /// The words.
    pub text: String,
    /// Paths it quotes.
    pub sources: Vec<String>,
}

/// The answer to an [`AdminAsk`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// To `Actors`: parents before their children.
    Actors(Vec<ActorView>),
    /// To `Status`.
    Status(Box<StatusView>),
    /// To `Restart`: what was done.
    Restarted(String),
    /// To `Context`.
    Context(View),
    /// To `Tasks`; long results are cut.
    Tasks(Vec<TaskView>),
    /// To `Task`; long texts are cut.
    Task(TaskFound),
    /// To `TaskDo`: what was done, in words; or why not.
    TaskDone(Result<String, String>),
    /// To `Index`.
    Index(IndexAnswer),
    /// To `Usage`.
    Usage(Vec<Spending>),
    /// To `Models`.
    Models(Offers),
    /// To `TestModel`.
    ModelTested(Box<ModelTest>),
    /// To `Retention`, `ForgetCount`, `Forget` and `Forgetting`.
    Retention(RetentionReply),
    /// To `Cluster`, `Drain` and `NodeActors`; nothing where the node stands alone.
    Cluster(Option<ClusterReply>),
    /// It could not be answered: what failed and why.
    Failed(String),
}

#[cfg(test)]
mod tests;
