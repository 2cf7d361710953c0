//! The console's actor: it listens on the node's socket and gives every client a session.

use std::path::PathBuf;
use std::sync::Arc;

use messages::Protocol;
use runtime::{ReplyPort, Service, ServiceCx, ServiceError};
use serde::{Deserialize, Serialize};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::bytes::BytesMut;

use crate::port::Duplex;
use crate::registry::Sessions;
use crate::session::{self, Common, Knows};
use crate::socket;
use crate::wire::{FromNode, encode};

/// The most sessions a node serves at once.
pub const SESSIONS_MAX: usize = 1_024;

/// The protocol of the console.
#[derive(Debug)]
pub enum Console {}

impl Protocol for Console {
    const KIND: &'static str = "console";
    type Msg = Msg;
    type Reply = Described;
}

/// To the console.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// Who is attached.
    Describe,
}

/// From the console, to [`Msg::Describe`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// The attached sessions, oldest first.
    pub sessions: Vec<SessionView>,
}

/// One attached session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Its name.
    pub session: String,
    /// Its chat, `<workspace>/<context>`.
    pub chat: String,
    /// Replies on their way to it.
    pub open: usize,
    /// It let a reply's time run out and is given no other until it says something of one.
    pub stalled: bool,
}

/// What the console is opened with.
#[derive(Clone)]
pub struct ConsoleConfig {
    /// Where it listens, as [`crate::socket_path`] gives; its folder exists, and the node's lock is held.
    pub socket: PathBuf,
    /// The node's name, for the welcome.
    pub node: String,
    /// What a person should know first, a line each.
    pub lines: Vec<String>,
    /// Why nobody can chat here: it answers questions about its node alone.
    pub refuses: Option<NoChat>,
    /// Whether a workspace and a context exist. Called in a session's task: it must not block for long.
    pub knows: Knows,
    /// The generation of the store: deliveries that clients report are those of one generation.
    pub generation: i64,
}

/// Why nobody can chat at a console; one sentence.
#[derive(Debug, Clone)]
pub enum NoChat {
    /// Its node is no connector.
    Ever(String),
    /// Its node does not have the account: clients try again.
    Now(String),
}

/// The console's actor, at `connector/console`.
pub struct ConsoleService {
    config: ConsoleConfig,
    sessions: Sessions,
}

impl ConsoleService {
    /// A console on a registry that its lanes use too. A restart opens it again with the same registry.
    #[must_use]
    pub fn open(config: ConsoleConfig, sessions: Sessions) -> Self {
        Self { config, sessions }
    }
}

impl Service for ConsoleService {
    type Proto = Console;

    async fn started(&mut self, cx: &ServiceCx) -> Result<(), ServiceError> {
        let path = &self.config.socket;
        let listener = socket::bind(path)
            .map_err(|error| ServiceError::new(format!("the console can't listen at {}: {error}", path.display())))?;
        let common = Common {
            host: Arc::new(cx.system.clone()),
            sessions: self.sessions.clone(),
            node: self.config.node.clone(),
            lines: self.config.lines.clone(),
            refuses: self.config.refuses.clone(),
            knows: self.config.knows.clone(),
            generation: self.config.generation,
        };
        let door = Door { common: Arc::new(common), places: Arc::new(Semaphore::new(SESSIONS_MAX)), cx: cx.clone() };
        cx.spawn("accepting console sessions", door.keep(listener));
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Console>, _: &ServiceCx) -> Result<(), ServiceError> {
        let Msg::Describe = msg;
        let view = |(session, chat, open, stalled)| SessionView { session, chat, open, stalled };
        reply.send(Described { sessions: self.sessions.list().into_iter().map(view).collect() });
        Ok(())
    }

    async fn stopping(&mut self, _: &ServiceCx) {
        if let Err(error) = socket::remove(&self.config.socket) {
            tracing::warn!(%error, path = %self.config.socket.display(), "the console's socket could not be removed");
        }
    }
}

/// Lets clients in.
struct Door {
    common: Arc<Common>,
    places: Arc<Semaphore>,
    cx: ServiceCx,
}

impl Door {
    async fn keep(self, listener: UnixListener) {
        loop {
            tokio::select! {
                came = listener.accept() => match came {
                    Ok((stream, _)) => self.socket(stream),
                    Err(error) => {
                        // Out of file descriptors, most likely: sessions that end give some back.
                        tracing::warn!(%error, "a console client could not be accepted");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                },
                Some(stream) = self.common.sessions.attached() => match self.places.clone().try_acquire_owned() {
                    Ok(place) => self.open(stream, place),
                    Err(_) => tracing::warn!(sessions_max = SESSIONS_MAX, "no place for another console session"),
                },
            }
        }
    }

    fn socket(&self, stream: UnixStream) {
        match self.places.clone().try_acquire_owned() {
            Ok(place) => self.open(Box::new(stream), place),
            Err(_) => turn_away(&stream),
        }
    }

    fn open(&self, stream: Box<dyn Duplex>, place: OwnedSemaphorePermit) {
        let common = self.common.clone();
        self.cx.spawn("a console session", async move {
            session::run(common, stream).await;
            drop(place);
        });
    }
}

/// Says why there is no place. A fresh socket takes so few bytes at once.
fn turn_away(stream: &UnixStream) {
    let why = format!("{SESSIONS_MAX} sessions are attached, which is the limit; leave one of them first");
    let mut line = BytesMut::new();
    if encode(&FromNode::Refused { why }, &mut line).is_ok() {
        drop(stream.try_write(&line));
    }
    // A socket that is closed with words unread takes the refusal back from the client.
    drop(stream.try_read(&mut [0; 4_096]));
}

#[cfg(test)]
mod tests;
