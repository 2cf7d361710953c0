//! A mailbox as senders see it: bounded, counted, with a wake that coalesces.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use messages::{AskError, Protocol};
use tokio::sync::oneshot;

use crate::gauge::{Gauge, Ticket};
use crate::service::ReplyPort;
use crate::wire;

/// When a sender that met a full mailbox may try again.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// What arrives in a mailbox.
pub(crate) enum Mail<P: Protocol> {
    Wake,
    /// A date that was a row has come.
    Due(String),
    Ask {
        msg: P::Msg,
        reply: ReplyPort<P>,
    },
    /// It has been idle for long; it may end.
    Passivate,
}

/// What ractor carries: the mail with its ticket, and what an actor says to itself.
pub(crate) struct Envelope<M> {
    pub(crate) mail: M,
    pub(crate) ticket: Option<Ticket>,
}

impl<M: Send + 'static> ractor::Message for Envelope<M> {}

/// A mailbox without its type.
pub(crate) trait Post: Send + Sync {
    fn wake(&self);
    fn due(&self, name: &str);
    fn passivate(&self);
    /// The wire form: what a message from another node looks like.
    fn ask_bytes(&self, bytes: &[u8], answer: oneshot::Sender<Result<Vec<u8>, AskError>>) -> Result<(), AskError>;
    fn as_any(&self) -> &dyn Any;
}

type Deliver<P> = Box<dyn Fn(Mail<P>, Ticket) -> bool + Send + Sync>;

/// A mailbox with its type.
pub(crate) struct TypedPost<P: Protocol> {
    gauge: Arc<Gauge>,
    /// Set while a wake waits; the host clears it before it reads.
    pub(crate) woken: Arc<AtomicBool>,
    depth_max: usize,
    deliver: Deliver<P>,
}

impl<P: Protocol> TypedPost<P> {
    pub(crate) fn new(gauge: Arc<Gauge>, woken: Arc<AtomicBool>, depth_max: usize, deliver: Deliver<P>) -> Self {
        Self { gauge, woken, depth_max, deliver }
    }

    /// Puts an ask into the mailbox.
    pub(crate) fn ask(&self, msg: P::Msg) -> Result<oneshot::Receiver<Result<P::Reply, AskError>>, AskError> {
        if self.gauge.depth() >= self.depth_max {
            let what = format!("its mailbox of {} is full", self.depth_max);
            return Err(AskError::Busy { what, retry_after: RETRY_AFTER });
        }
        let (sender, receiver) = oneshot::channel();
        self.put(Mail::Ask { msg, reply: ReplyPort::new(sender) })?;
        Ok(receiver)
    }

    fn put(&self, mail: Mail<P>) -> Result<(), AskError> {
        if (self.deliver)(mail, self.gauge.ticket()) { Ok(()) } else { Err(just_ended()) }
    }
}

/// It never had it: one that was passivated, or has ended, is opened by the next try.
pub(crate) fn just_ended() -> AskError {
    AskError::Busy { what: "it has just ended".into(), retry_after: RETRY_AFTER }
}

impl<P: Protocol> Post for TypedPost<P> {
    fn wake(&self) {
        if !self.woken.swap(true, Ordering::SeqCst) && self.put(Mail::Wake).is_err() {
            self.woken.store(false, Ordering::SeqCst);
        }
    }

    fn due(&self, name: &str) {
        // Lost, it is found again: the date stays a row until it was dealt with.
        drop(self.put(Mail::Due(name.to_owned())));
    }

    fn passivate(&self) {
        drop(self.put(Mail::Passivate));
    }

    fn ask_bytes(&self, bytes: &[u8], answer: oneshot::Sender<Result<Vec<u8>, AskError>>) -> Result<(), AskError> {
        let receiver = self.ask(wire::decode(bytes)?)?;
        tokio::task::spawn(async move {
            let mut answer = answer;
            let reply = tokio::select! {
                reply = receiver => reply.unwrap_or_else(|_| Err(AskError::Failed("it ended before it answered".into()))),
                // Nobody waits any more; dropping the receiver tells the actor so.
                () = answer.closed() => return,
            };
            drop(answer.send(reply.and_then(|reply| wire::encode(&reply))));
        });
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
