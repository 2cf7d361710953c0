//! A plain actor: one that has no rows of its own (the store, models, an index, the inspector).
//!
//! It is opened by a closure that its supervisor keeps, so that a restart opens it again from nothing. Long work is
//! given to [`ServiceCx::spawn`] with the reply moved into it, so that the mailbox goes on.

use std::future::Future;

use messages::{Address, AskError, Protocol};

use crate::mail::just_ended;
use crate::system::System;
use crate::tasks::Tasks;

/// Why a service ends. Its supervisor opens it again.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ServiceError(pub String);

impl ServiceError {
    /// From anything that can be said.
    pub fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

/// A plain actor behind an address.
pub trait Service: Send + Sized + 'static {
    /// Its words.
    type Proto: Protocol;

    /// Runs once after it is opened, before the first message: to start background work by `cx.spawn`.
    fn started(&mut self, cx: &ServiceCx) -> impl Future<Output = Result<(), ServiceError>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Answers one message. Returning an error ends the service; a message that can't be served is answered instead.
    fn handle(
        &mut self,
        msg: <Self::Proto as Protocol>::Msg,
        reply: ReplyPort<Self::Proto>,
        cx: &ServiceCx,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Someone woke it ([`crate::Ref::wake`], [`ServiceCx::wake_me`]).
    fn woken(&mut self, cx: &ServiceCx) -> impl Future<Output = Result<(), ServiceError>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Runs once before it ends in good order. Its tasks still run; they are aborted right after.
    fn stopping(&mut self, cx: &ServiceCx) -> impl Future<Output = ()> + Send {
        let _ = cx;
        async {}
    }
}

/// What a service may use of the runtime.
#[derive(Clone)]
pub struct ServiceCx {
    /// Where it is.
    pub address: Address,
    /// The node it runs in: references to others, the store, the clock, the feed.
    pub system: System,
    pub(crate) tasks: Tasks,
}

impl ServiceCx {
    /// Runs `work` beside the mailbox. It is aborted when the service stops; if it panics the service fails with it.
    /// `what` is shown by `actors` when it is the last thing that failed.
    pub fn spawn(&self, what: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(what, work);
    }

    /// How many spawned tasks run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tasks.len()
    }

    /// Puts a wake into its own mailbox (coalesced).
    pub fn wake_me(&self) {
        self.system.wake(&self.address);
    }

    /// Shows `what` in `actors` as what it is doing now; an empty text clears it.
    pub fn doing(&self, what: &str) {
        self.system.doing(&self.address, what);
    }
}

/// Where the answer to one ask goes. Dropped unanswered, the asker hears [`AskError::Failed`]; when the ask was never
/// taken out of the mailbox, [`AskError::Busy`]: it may be asked again.
pub struct ReplyPort<P: Protocol> {
    sender: Option<tokio::sync::oneshot::Sender<Result<P::Reply, AskError>>>,
    is_heard: bool,
}

impl<P: Protocol> ReplyPort<P> {
    pub(crate) fn new(sender: tokio::sync::oneshot::Sender<Result<P::Reply, AskError>>) -> Self {
        Self { sender: Some(sender), is_heard: false }
    }

    /// The ask was taken out of the mailbox.
    pub(crate) fn heard(mut self) -> Self {
        self.is_heard = true;
        self
    }

    /// Answers.
    pub fn send(mut self, reply: P::Reply) {
        self.answer(Ok(reply));
    }

    /// Answers that it can't be served.
    pub fn fail(mut self, error: AskError) {
        self.answer(Err(error));
    }

    /// The asker has given up: its turn was stopped, or its deadline passed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.as_ref().is_none_or(tokio::sync::oneshot::Sender::is_closed)
    }

    /// Ends when the asker has given up; long work is raced against it.
    pub async fn closed(&mut self) {
        if let Some(sender) = &mut self.sender {
            sender.closed().await;
        }
    }

    fn answer(&mut self, answer: Result<P::Reply, AskError>) {
        if let Some(sender) = self.sender.take() {
            // An asker that has given up is no error.
            drop(sender.send(answer));
        }
    }
}

impl<P: Protocol> Drop for ReplyPort<P> {
    fn drop(&mut self) {
        self.answer(Err(if self.is_heard {
            AskError::Failed("it ended before it answered".into())
        } else {
            just_ended()
        }));
    }
}
