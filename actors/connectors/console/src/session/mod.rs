//! One attached client: from its first frame to its last.

pub(crate) mod accept;
pub(crate) mod core;
mod flow;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use messages::{Address, Slug};
use tokio::io::ReadHalf;
use tokio::sync::mpsc;
use tokio_util::codec::FramedRead;

use self::accept::{Acceptor, chat_of};
use self::core::Who;
use self::writer::{OUT_MAX, Out};
use crate::port::{Duplex, Host};
use crate::registry::Sessions;
use crate::service::NoChat;
use crate::wire::{FLUSHED_MAX, Frames, FromClient, FromNode, Hello, Welcome};

/// How long a new connection may take to say hello, in milliseconds.
pub(crate) const HELLO_MS_MAX: u64 = 10_000;
/// The chat of a session that only asks: no reply is for it.
const NO_CHAT: &str = "";
/// How long the last frames of a session may take, in milliseconds.
const LAST_WORDS_MS_MAX: u64 = 5_000;

/// Whether a workspace and a context exist; if not, one sentence that says so and what to do.
pub type Knows = Arc<dyn Fn(&Slug, &Slug) -> Result<(), String> + Send + Sync>;

type Reader = FramedRead<ReadHalf<Box<dyn Duplex>>, Frames<FromClient>>;

/// What all sessions of a node have in common.
pub(crate) struct Common {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) sessions: Sessions,
    pub(crate) node: String,
    pub(crate) lines: Vec<String>,
    pub(crate) refuses: Option<NoChat>,
    pub(crate) knows: Knows,
    pub(crate) generation: i64,
}

/// Serves one connection until it ends.
pub(crate) async fn run(common: Arc<Common>, stream: Box<dyn Duplex>) {
    let (read, write) = tokio::io::split(stream);
    let (out, frames) = mpsc::channel(OUT_MAX);
    let mut writing = std::pin::pin!(writer::run(frames, write));
    tokio::select! {
        () = serve(common, FramedRead::new(read, Frames::default()), out) => {
            // What was said last still goes out; a client that is gone does not keep us.
            drop(tokio::time::timeout(Duration::from_millis(LAST_WORDS_MS_MAX), writing).await);
        }
        () = &mut writing => {}
    }
}

async fn serve(common: Arc<Common>, mut reader: Reader, out: mpsc::Sender<Out>) {
    let hello = match first(&mut reader).await {
        Ok(Some(hello)) => hello,
        Ok(None) => return,
        Err(why) => return refuse(&out, why).await,
    };
    // Where nobody can chat, questions are about the node, in whatever context they are asked.
    let only_asks_here = common.refuses.is_some() && hello.only_asks;
    let who = match core::greet(&hello).and_then(|who| if only_asks_here { Ok(who) } else { known(&common, who) }) {
        Ok(who) => who,
        Err(why) => return refuse(&out, why).await,
    };
    if let Some(why) = common.refuses.clone().filter(|_| !hello.only_asks) {
        return match why {
            NoChat::Ever(why) => refuse(&out, why).await,
            // The client may be gone already.
            NoChat::Now(why) => drop(out.send(Out::Frame(FromNode::Busy { why })).await),
        };
    }
    let chat = chat_of(&who);
    // What a store from before a restore has delivered bears numbers that this one gives to other replies.
    let flushed = if hello.generation == common.generation { hello.flushed.as_slice() } else { &[] };
    let reported = flushed.len().saturating_sub(FLUSHED_MAX);
    let takes = if hello.only_asks { NO_CHAT } else { &chat.chat };
    let place = common.sessions.enter(&who.session, takes, flushed.get(reported..).unwrap_or_default());
    let welcome = Welcome {
        node: common.node.clone(),
        workspace: who.workspace.to_string(),
        context: who.context.to_string(),
        lines: common.lines.clone(),
        generation: common.generation,
    };
    // A failed send shows as the end of the stream in the flow.
    drop(out.send(Out::Frame(FromNode::Welcome(welcome))).await);
    // The longest slugs make a lane's address that is short enough; see the test.
    let lane = Address::lane(&chat).ok().filter(|_| !hello.only_asks);
    if let Some(lane) = &lane {
        common.host.wake(lane);
    }
    let acceptor =
        Acceptor { host: common.host.clone(), context: Address::context(&who.workspace, &who.context), who, chat, out };
    flow::Flow::new(Arc::new(acceptor), place, lane, hello.previews).run(&mut reader).await;
}

/// The client's hello; `None` when it left before.
async fn first(reader: &mut Reader) -> Result<Option<Hello>, String> {
    match tokio::time::timeout(Duration::from_millis(HELLO_MS_MAX), reader.next()).await {
        Ok(Some(Ok(FromClient::Hello(hello)))) => Ok(Some(hello)),
        Ok(Some(Ok(_))) => Err("the first frame must be a hello".into()),
        Ok(Some(Err(error))) => Err(error.to_string()),
        Ok(None) => Ok(None),
        Err(_) => Err(format!("no hello came within {} seconds", HELLO_MS_MAX / 1_000)),
    }
}

fn known(common: &Common, who: Who) -> Result<Who, String> {
    (common.knows)(&who.workspace, &who.context).map(|()| who)
}

pub(crate) async fn refuse(out: &mpsc::Sender<Out>, why: String) {
    // The client may be gone already.
    drop(out.send(Out::Frame(FromNode::Refused { why })).await);
}

#[cfg(test)]
mod tests;
