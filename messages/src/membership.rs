//! The protocol of the actor `cluster`: what hub and nodes tell each other, and what people ask of it.

use serde::{Deserialize, Serialize};

use crate::admin::ActorView;
use crate::cluster::{NodeFacts, ToHub, ToNode, Unit};
use crate::id::{Slug, Trace};
use crate::protocol::Protocol;

/// The protocol of the actor `cluster`.
#[derive(Debug)]
pub enum Membership {}

impl Protocol for Membership {
    const KIND: &'static str = "cluster";
    type Msg = Msg;
    type Reply = Reply;
}

/// To the actor `cluster`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Msg {
    /// What a node says of itself, first of all on each link.
    Facts(NodeFacts),
    /// A node to the hub.
    ToHub(ToHub),
    /// The hub to a node.
    ToNode(ToNode),
    /// The list of revoked certificates, in PEM.
    List(String),
    /// A node asks the hub for its next certificate: a request in PEM.
    Renew(String),
    /// The next certificate of a node, in PEM.
    Certificate(String),
    /// How the cluster stands, for people.
    Describe,
    /// The node is to give all its units away, or to take some again.
    Drain {
        /// Away, or again.
        away: bool,
    },
    /// The same of a node by its name. The hub tells it; another node passes this on to the hub.
    DrainOf {
        /// Which node.
        node: Slug,
        /// Away, or again.
        away: bool,
    },
    /// The live trees of this node and of all that it has links to, or of one of them.
    Actors {
        /// Only of this one.
        node: Option<Slug>,
    },
    /// Previews of the answer under this trace are wanted, of who holds the unit.
    Listen {
        /// The unit of the context.
        unit: Unit,
        /// The trace of the event.
        trace: Trace,
    },
    /// The next words of an answer, [`PREVIEW_BYTES_MAX`] at most. Not heard any more, it is answered with `NotOwner`.
    Preview {
        /// The trace.
        trace: Trace,
        /// The words.
        text: String,
        /// There are no more.
        is_last: bool,
    },
    /// For what a unit waits, if it does; the hub knows.
    Waits {
        /// Which.
        unit: Unit,
    },
}

/// The most bytes of one preview between nodes.
pub const PREVIEW_BYTES_MAX: usize = 16_384;

/// From the actor `cluster`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It was heard; what comes of it is told by messages of their own.
    Heard,
    /// To `Describe`.
    Described(ClusterView),
    /// To `Drain`: words when it could not be heard.
    Draining(Result<(), String>),
    /// To `Actors`, in the order of names; words when none can be asked.
    Actors(Result<Vec<NodeActors>, String>),
    /// To `Waits`: one sentence; `None`: it is held, or will be in a moment.
    Waits(Option<String>),
}

/// The live tree of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeActors {
    /// Its name.
    pub node: String,
    /// Parents before their children, of all nodes together at most [`ACTORS_SHOWN_MAX`]; words when it did not answer.
    pub actors: Result<Vec<ActorView>, String>,
    /// How many more there are.
    pub left_out: u64,
}

/// The most actors that are told of several nodes together, each node's share the same; all are looked at one by one.
pub const ACTORS_SHOWN_MAX: usize = 4_000;

/// How the cluster stands, as the node that was asked knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterView {
    /// The node that was asked.
    pub node: String,
    /// Itself, nodes that it has a link to, and those that proved who they are and have none.
    pub nodes: Vec<NodeView>,
    /// Who holds what. From the hub with reasons, from another node as it was told.
    pub units: Vec<UnitView>,
}

/// A node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    /// Its name.
    pub node: String,
    /// Which start of it.
    pub incarnation: String,
    /// `hub, worker`.
    pub roles: String,
    /// The version of its program; empty where there is no link to it.
    pub program: String,
    /// The version of the protocol on the link to it; of the node itself, those that it speaks.
    pub protocol: String,
    /// Where it is.
    pub at: String,
    /// How long the link has been up, in milliseconds.
    pub up_ms: u64,
    /// How many units it holds.
    pub units: u32,
    /// It was asked to give all its units away.
    pub draining: bool,
    /// Why there is no link to it, although it tries; empty where there is one.
    pub why: String,
    /// The workspaces whose files it has, as it declared them; at most [`DECLARED_SHOWN_MAX`]. Of other nodes the hub knows.
    pub workspaces: Vec<String>,
    /// It has no link at the moment; the hub remembers it.
    pub away: bool,
}

/// The most declared workspaces of one node that are shown.
pub const DECLARED_SHOWN_MAX: usize = 64;

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitView {
    /// `ws/home`.
    pub unit: String,
    /// Who holds it; `None`: nobody.
    pub node: Option<String>,
    /// Under which epoch; 0 where it was never held.
    pub epoch: u64,
    /// For how long, in milliseconds, where it is known.
    pub since_ms: Option<u64>,
    /// Why it is there, or why nobody holds it: one sentence.
    pub why: String,
    /// How many commits of other nodes were refused as stale, since the hub that was asked began: another node held the
    /// unit, or held it again under a newer epoch.
    pub stale: u64,
    /// How long ago the first of them was, in milliseconds.
    pub stale_since_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Unit;

    /// Another version reads these: what changes here needs a new version of the protocol between nodes.
    #[test]
    fn what_members_say_has_these_bytes() {
        let golden = |msg: Msg, bytes: &[u8]| assert_eq!(postcard::to_stdvec(&msg).unwrap(), bytes, "{msg:?}");
        golden(Msg::ToHub(ToHub::Goodbye), &[1, 2]);
        let unit = Unit::parse("ws/a").unwrap();
        golden(Msg::ToNode(ToNode::Yield { unit, epoch: 9 }), &[2, 2, 4, b'w', b's', b'/', b'a', 9]);
        golden(Msg::List("a".into()), &[3, 1, b'a']);
        golden(Msg::Renew("a".into()), &[4, 1, b'a']);
        golden(Msg::Certificate("a".into()), &[5, 1, b'a']);
        golden(Msg::Describe, &[6]);
        golden(Msg::Drain { away: true }, &[7, 1]);
        let node = Slug::parse("a").unwrap();
        golden(Msg::DrainOf { node: node.clone(), away: false }, &[8, 1, b'a', 0]);
        golden(Msg::Actors { node: Some(node) }, &[9, 1, 1, b'a']);
        let trace = Trace("t".into());
        let unit = Unit::parse("ws/a").unwrap();
        golden(Msg::Listen { unit, trace: trace.clone() }, &[10, 4, b'w', b's', b'/', b'a', 1, b't']);
        golden(Msg::Preview { trace, text: "x".into(), is_last: true }, &[11, 1, b't', 1, b'x', 1]);
        golden(Msg::Waits { unit: Unit::parse("ws/a").unwrap() }, &[12, 4, b'w', b's', b'/', b'a']);
        assert_eq!(postcard::to_stdvec(&Reply::Heard).unwrap(), [0]);
    }
}
