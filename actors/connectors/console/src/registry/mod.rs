//! The sessions of this node: where replies go. This is the way out that lanes use.

pub(crate) mod core;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lane::{Found, MaySend, Sending, Sink};
use messages::InboundId;
use messages::store::OutboxRow;
use messages::turn::{Chat, Outcome};
use runtime::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio_util::bytes::{Bytes, BytesMut};

use self::core::{Begin, Ended, Number, Table};
use crate::port::Duplex;
use crate::wire::{FromNode, Reply, encode};

/// The connector's name: in chats, in ids of inbound events, in addresses.
pub const CONNECTOR: &str = "console";
/// How long a client may take to flush a reply, in milliseconds.
pub const DELIVERY_MS_MAX: u64 = 10_000;
/// Replies that wait for one session's attention.
const PUSHES_MAX: usize = 16;
/// Streams of this process that wait to be attached.
const ATTACHING_MAX: usize = 16;
/// When a reply that a busy session did not take up is tried again, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// The registry of attached sessions, and the [`Sink`] of the console's lanes. Cheap to clone; made once a process, and
/// outlives restarts of the service.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    attach: mpsc::Sender<Box<dyn Duplex>>,
    attaching: tokio::sync::Mutex<mpsc::Receiver<Box<dyn Duplex>>>,
}

#[derive(Default)]
struct State {
    table: Table,
    waiters: HashMap<i64, oneshot::Sender<Ended>>,
    links: HashMap<Number, Link>,
}

/// What the registry holds of one connection.
struct Link {
    pushes: mpsc::Sender<Push>,
    /// Dropped when a newer connection takes the session's name.
    _stays: oneshot::Sender<()>,
}

/// A reply on its way to a session.
#[derive(Debug)]
pub(crate) struct Push {
    pub(crate) delivery: i64,
    pub(crate) inbound: InboundId,
    pub(crate) outcome: Option<Outcome>,
    /// The whole frame.
    pub(crate) line: Bytes,
    pub(crate) may_send: MaySend,
}

/// A reply's frame on its last way: whether it may go is asked right before it is written.
pub(crate) struct Handing {
    sessions: Sessions,
    number: Number,
    delivery: i64,
    line: Bytes,
    pub(crate) may_send: MaySend,
}

/// A connection's place in the registry; leaving is dropping it.
pub(crate) struct Place {
    sessions: Sessions,
    number: Number,
    pub(crate) pushes: mpsc::Receiver<Push>,
    /// Ends when a newer connection took the session's name.
    pub(crate) replaced: oneshot::Receiver<()>,
}

/// Why a stream of this process was not attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{ATTACHING_MAX} streams wait to be attached already; try again when the console runs")]
pub struct AttachError;

impl Default for Sessions {
    fn default() -> Self {
        Self::new()
    }
}

impl Sessions {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        let (attach, attaching) = mpsc::channel(ATTACHING_MAX);
        let state = Mutex::default();
        Self { inner: Arc::new(Inner { state, attach, attaching: tokio::sync::Mutex::new(attaching) }) }
    }

    /// Serves one end of a stream of this process as if it had come by the socket. The console takes it up when it
    /// runs; the other end goes to [`crate::client::Client::over`].
    ///
    /// # Errors
    /// [`AttachError`] when too many wait.
    pub fn attach(&self, stream: impl Duplex + 'static) -> Result<(), AttachError> {
        self.inner.attach.try_send(Box::new(stream)).map_err(|_| AttachError)
    }

    /// The next stream that was attached in this process.
    pub(crate) async fn attached(&self) -> Option<Box<dyn Duplex>> {
        self.inner.attaching.lock().await.recv().await
    }

    /// Takes a place for a connection; an older one of the same session loses its own.
    pub(crate) fn enter(&self, session: &str, chat: &str, flushed: &[i64]) -> Place {
        let (pushes, pushed) = mpsc::channel(PUSHES_MAX);
        let (stays, replaced) = oneshot::channel();
        let mut state = self.state();
        let (number, older, ended) = state.table.attach(session, chat, flushed);
        if let Some(older) = older {
            state.links.remove(&older);
        }
        state.links.insert(number, Link { pushes, _stays: stays });
        state.tell(ended);
        Place { sessions: self.clone(), number, pushes: pushed, replaced }
    }

    /// The attached sessions: name, chat, deliveries on their way, stalled.
    pub(crate) fn list(&self) -> Vec<(String, String, usize, bool)> {
        self.state().table.list().map(|(s, c, n, stalled)| (s.to_owned(), c.to_owned(), n, stalled)).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chooses who gets the reply, and begins to wait for it.
    fn begin(&self, row: &OutboxRow) -> Result<(Waiting, mpsc::Sender<Push>), Sending> {
        let mut state = self.state();
        match state.table.begin(row.id, &row.event, &row.chat.chat) {
            Begin::Already { session } => Err(Sending::Sent { platform_id: platform_id(&session, row.id) }),
            Begin::Nobody => Err(nobody(&row.chat)),
            Begin::To(number) => {
                let Some(pushes) = state.links.get(&number).map(|link| link.pushes.clone()) else {
                    state.table.give_up(row.id);
                    return Err(nobody(&row.chat));
                };
                let (told, ended) = oneshot::channel();
                state.waiters.insert(row.id, told);
                Ok((Waiting { sessions: self.clone(), delivery: row.id, ended }, pushes))
            }
        }
    }

    async fn deliver(self, row: OutboxRow, may_send: MaySend) -> Sending {
        let line = match frame(&row) {
            Ok(line) => line,
            Err(error) => return Sending::Refused { error },
        };
        let (mut waiting, pushes) = match self.begin(&row) {
            Ok(begun) => begun,
            Err(sending) => return sending,
        };
        let push = Push { delivery: row.id, inbound: row.inbound.clone(), outcome: row.outcome, line, may_send };
        let told = tokio::time::timeout(Duration::from_millis(DELIVERY_MS_MAX), async {
            // A session that is gone drops its end; `detach` says how the delivery stands.
            drop(pushes.send(push).await);
            (&mut waiting.ended).await
        });
        match told.await {
            Ok(Ok(ended)) => sending(ended, row.id, None),
            Ok(Err(_)) | Err(_) => sending(self.state().give_up(row.id), row.id, Some(RETRY_MS)),
        }
    }
}

impl Place {
    /// Somebody waits for this delivery still.
    pub(crate) fn awaits(&self, delivery: i64) -> bool {
        self.sessions.state().table.awaits(self.number, delivery)
    }

    /// The reply goes to the connection's writer.
    pub(crate) fn handing(&self, push: Push) -> Handing {
        let Push { delivery, line, may_send, .. } = push;
        Handing { sessions: self.sessions.clone(), number: self.number, delivery, line, may_send }
    }

    /// The client has flushed a delivery. `true`: its chat is ready again, its lane is to be woken.
    pub(crate) fn flushed(&self, delivery: i64) -> bool {
        let mut state = self.sessions.state();
        let (ended, again) = state.table.flush(self.number, delivery);
        state.tell(ended.map(|ended| (delivery, ended)));
        again.is_some()
    }
}

impl fmt::Debug for Handing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handing({})", self.delivery)
    }
}

impl Handing {
    /// The frame, which counts as handed over from now on; `None`: nobody waits for it any more, or this node may not
    /// send it.
    pub(crate) fn hand(&self) -> Option<&[u8]> {
        let mut state = self.sessions.state();
        if !self.may_send.now() {
            let ended = state.table.give_up(self.delivery);
            state.tell([(self.delivery, ended)]);
            return None;
        }
        state.table.hand(self.number, self.delivery).then_some(&*self.line)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.sessions.state();
        state.links.remove(&self.number);
        let ended = state.table.detach(self.number);
        state.tell(ended);
    }
}

impl State {
    fn tell(&mut self, ended: impl IntoIterator<Item = (i64, Ended)>) {
        for (delivery, ended) in ended {
            if let Some(waiter) = self.waiters.remove(&delivery) {
                // A lane that was stopped meanwhile waits no more.
                drop(waiter.send(ended));
            }
        }
    }

    fn give_up(&mut self, delivery: i64) -> Ended {
        self.waiters.remove(&delivery);
        self.table.give_up(delivery)
    }
}

/// A lane's wait for one delivery; dropped early, the delivery is given up.
struct Waiting {
    sessions: Sessions,
    delivery: i64,
    ended: oneshot::Receiver<Ended>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.sessions.state();
        if state.waiters.contains_key(&self.delivery) {
            state.give_up(self.delivery);
        }
    }
}

impl Sink for Sessions {
    fn is_ready(&self, chat: &Chat) -> bool {
        self.state().table.is_ready(&chat.chat)
    }

    fn send(&self, row: OutboxRow, may_send: MaySend) -> BoxFuture<Sending> {
        Box::pin(self.clone().deliver(row, may_send))
    }

    fn find(&self, row: OutboxRow) -> BoxFuture<Found> {
        let found = match self.state().table.who_flushed(row.id) {
            Some(session) => Found::Yes { platform_id: platform_id(session, row.id) },
            None => Found::Unknown,
        };
        Box::pin(std::future::ready(found))
    }
}

fn frame(row: &OutboxRow) -> Result<Bytes, String> {
    let mut line = BytesMut::with_capacity(row.text.len() + 256);
    let reply = FromNode::Reply(Reply {
        delivery: row.id,
        inbound: row.inbound.clone(),
        context: row.context.leaf().to_owned(),
        outcome: row.outcome,
        text: row.text.clone(),
        sources: row.sources.clone(),
    });
    encode(&reply, &mut line).map_err(|error| format!("reply {} can't be sent to a console: {error}", row.id))?;
    Ok(line.freeze())
}

fn sending(ended: Ended, delivery: i64, retry_after_ms: Option<u64>) -> Sending {
    match ended {
        Ended::Flushed { session } => Sending::Sent { platform_id: platform_id(&session, delivery) },
        Ended::NotHanded => Sending::NotSent {
            error: "the console session did not take it up, or this node might not send it".into(),
            retry_after_ms,
        },
        Ended::Handed => {
            Sending::InDoubt { error: "the console session was given it and did not say that it was shown".into() }
        }
    }
}

fn nobody(chat: &Chat) -> Sending {
    Sending::NotSent { error: format!("no console session is attached to {}", chat.chat), retry_after_ms: None }
}

fn platform_id(session: &str, delivery: i64) -> String {
    format!("{session}/{delivery}")
}
