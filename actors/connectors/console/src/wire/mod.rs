//! What a console session and the node say to each other: one JSON object a line, both ways.
//!
//! The client speaks first with [`Hello`]; the node answers [`FromNode::Welcome`] or [`FromNode::Refused`]. After that
//! both speak when they have something to say. Nothing here does I/O but the codec, which only cuts bytes into frames.

mod codec;

pub use codec::{Frames, WireError, encode};

use messages::InboundId;
use messages::admin::{ActorView, StatusView};
use messages::context::View;
use messages::turn::Outcome;
use serde::{Deserialize, Serialize};

/// The version both ends must have. It changes when a frame changes its meaning.
pub const WIRE_VERSION: u32 = 1;
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
    /// The last deliveries this session has flushed, oldest first, [`FLUSHED_MAX`] at most.
    #[serde(default)]
    pub flushed: Vec<i64>,
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
    /// Events wait because the store does not take them now; the node goes on trying.
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
    /// What its delivery makes of the event; `None`: more comes.
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
    /// It could not be answered: what failed and why.
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden<T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(frame: &T, text: &str) {
        assert_eq!(serde_json::to_string(frame).unwrap(), text);
        assert_eq!(&serde_json::from_str::<T>(text).unwrap(), frame);
    }

    #[test]
    fn what_the_client_says_reads_the_same_in_every_build_of_this_version() {
        let hello = Hello {
            version: 1,
            user: "ann".into(),
            workspace: "home".into(),
            context: "general".into(),
            session: "s1".into(),
            previews: true,
            flushed: vec![7],
        };
        golden(
            &FromClient::Hello(hello),
            r#"{"hello":{"version":1,"user":"ann","workspace":"home","context":"general","session":"s1","previews":true,"flushed":[7]}}"#,
        );
        golden(
            &FromClient::Submit { event: "s1:1".into(), text: "a\u{200b}\n".into() },
            "{\"submit\":{\"event\":\"s1:1\",\"text\":\"a\u{200b}\\n\"}}",
        );
        golden(
            &FromClient::Edit { event: "s1:2".into(), target: "s1:1".into(), text: "b".into() },
            r#"{"edit":{"event":"s1:2","target":"s1:1","text":"b"}}"#,
        );
        golden(
            &FromClient::Delete { event: "s1:3".into(), target: "s1:1".into() },
            r#"{"delete":{"event":"s1:3","target":"s1:1"}}"#,
        );
        golden(&FromClient::Flushed { delivery: 9 }, r#"{"flushed":{"delivery":9}}"#);
        golden(&FromClient::Ask { n: 1, what: AdminAsk::Actors }, r#"{"ask":{"n":1,"what":"actors"}}"#);
        golden(
            &FromClient::Ask { n: 2, what: AdminAsk::Restart { address: "models".into() } },
            r#"{"ask":{"n":2,"what":{"restart":{"address":"models"}}}}"#,
        );
        golden(&FromClient::Bye, r#""bye""#);
    }

    #[test]
    fn what_the_node_says_reads_the_same_in_every_build_of_this_version() {
        let inbound = InboundId::from_row("in_4k2v9m0x4k2v9m0x".into());
        golden(
            &FromNode::Welcome(Welcome {
                node: "n1".into(),
                workspace: "home".into(),
                context: "general".into(),
                lines: vec!["hi".into()],
            }),
            r#"{"welcome":{"node":"n1","workspace":"home","context":"general","lines":["hi"]}}"#,
        );
        golden(&FromNode::Refused { why: "no".into() }, r#"{"refused":{"why":"no"}}"#);
        golden(
            &FromNode::Accepted { event: "s1:1".into(), inbound: inbound.clone(), duplicate: false },
            r#"{"accepted":{"event":"s1:1","inbound":"in_4k2v9m0x4k2v9m0x","duplicate":false}}"#,
        );
        golden(
            &FromNode::NotAccepted { event: "s1:1".into(), why: "no".into() },
            r#"{"not_accepted":{"event":"s1:1","why":"no"}}"#,
        );
        golden(
            &FromNode::Preview { inbound: inbound.clone(), piece: "He".into() },
            r#"{"preview":{"inbound":"in_4k2v9m0x4k2v9m0x","piece":"He"}}"#,
        );
        golden(
            &FromNode::Reply(Reply {
                delivery: 3,
                inbound: inbound.clone(),
                context: "ws/home/context/general".into(),
                outcome: Some(Outcome::Replied),
                text: "Hello".into(),
                sources: vec!["notes/a.md".into()],
            }),
            r#"{"reply":{"delivery":3,"inbound":"in_4k2v9m0x4k2v9m0x","context":"ws/home/context/general","outcome":"replied","text":"Hello","sources":["notes/a.md"]}}"#,
        );
        golden(
            &FromNode::Settled { inbound, outcome: Outcome::InDoubt, reason: "cut off".into() },
            r#"{"settled":{"inbound":"in_4k2v9m0x4k2v9m0x","outcome":"in_doubt","reason":"cut off"}}"#,
        );
        golden(
            &FromNode::Answer { n: 1, reply: Answered::Failed("no".into()) },
            r#"{"answer":{"n":1,"reply":{"failed":"no"}}}"#,
        );
        golden(&FromNode::Busy { why: "disk".into() }, r#"{"busy":{"why":"disk"}}"#);
    }

    #[test]
    fn a_hello_may_leave_out_what_an_older_client_does_not_know() {
        let text = r#"{"hello":{"version":1,"user":"a","workspace":"w","context":"c","session":"s"}}"#;
        let FromClient::Hello(hello) = serde_json::from_str(text).unwrap() else { panic!("not a hello") };
        assert!(!hello.previews && hello.flushed.is_empty());
    }
}
