//! Puts a batch of events into the store, and goes on trying while the store does not take it.

use std::sync::Arc;
use std::time::Duration;

use messages::store::{Accepted, Commit, CommitError, Committed, Owner, Write};
use messages::turn::Chat;
use messages::{Address, Moment, Trace};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::core::{Event, Who};
use super::writer::Out;
use crate::port::Host;
use crate::registry::CONNECTOR;
use crate::wire::FromNode;

/// How long a batch waits for the store in all, in milliseconds; then its events are not accepted.
pub(crate) const ACCEPT_MS_MAX: u64 = 60_000;
const BACKOFF_MS_MIN: u64 = 50;
const BACKOFF_MS_MAX: u64 = 500;

/// An event and whether it is on disk.
pub(crate) type Results = Vec<(Event, Result<Accepted, String>)>;

/// What commits of one session have in common.
pub(crate) struct Acceptor {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) who: Who,
    pub(crate) chat: Chat,
    pub(crate) context: Address,
    /// To tell the client that it waits.
    pub(crate) out: mpsc::Sender<Out>,
}

impl Acceptor {
    /// Commits a batch and wakes its context. If the store refuses the batch, each of its events is tried alone, so
    /// that one bad event costs no other.
    pub(crate) async fn accept(self: Arc<Self>, batch: Vec<Event>) -> Results {
        let until = Instant::now() + Duration::from_millis(ACCEPT_MS_MAX);
        fail::fail_point!("console.before_accept_commit");
        let results = match self.put(&batch, until).await {
            Ok(accepted) => batch.into_iter().zip(accepted.into_iter().map(Ok)).collect(),
            Err(CommitError::Refused(_) | CommitError::Conflict(_)) if batch.len() > 1 => self.each(batch, until).await,
            Err(error) => batch.into_iter().map(|event| (event, Err(why(&error)))).collect(),
        };
        fail::fail_point!("console.after_accept_commit");
        self.log(&results);
        results
    }

    /// The first line of a trace. Making one costs a hash, so only for who reads it.
    fn log(&self, results: &Results) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        for (event, accepted) in results {
            let trace = Trace::of(&event.inbound);
            match accepted {
                Ok(Accepted { duplicate, .. }) => {
                    tracing::debug!(actor = "connector/console", %trace, inbound = %event.inbound, context = %self.context, duplicate, "accepted");
                }
                Err(why) => {
                    tracing::debug!(actor = "connector/console", %trace, inbound = %event.inbound, why, "not accepted");
                }
            }
        }
    }

    async fn each(&self, batch: Vec<Event>, until: Instant) -> Results {
        let mut results = Vec::with_capacity(batch.len());
        for event in batch {
            let put = self.put(std::slice::from_ref(&event), until).await;
            let result = put.map_err(|error| why(&error)).and_then(|a| a.into_iter().next().ok_or_else(miscounted));
            results.push((event, result));
        }
        results
    }

    async fn put(&self, batch: &[Event], until: Instant) -> Result<Vec<Accepted>, CommitError> {
        let mut commit = self.commit(batch)?;
        let mut backoff_ms = BACKOFF_MS_MIN;
        loop {
            if self.host.is_draining() {
                // Neither accepted nor refused: the client, which hears nothing, sends it again to the node's next start.
                std::future::pending::<()>().await;
            }
            let put = match self.host.fences() {
                Ok(fences) => {
                    commit.fences = fences;
                    self.host.commit(commit.clone()).await
                }
                Err(error) => Err(error),
            };
            let error = match put {
                Ok(Committed { inbox, .. }) if inbox.len() == batch.len() => return Ok(inbox),
                Ok(_) => return Err(CommitError::Unknown(miscounted())),
                Err(error) => error,
            };
            // `Unknown` too: an event that was written after all is found again by its id.
            let again =
                matches!(error, CommitError::Busy { .. } | CommitError::Unavailable(_) | CommitError::Unknown(_));
            let pause = Duration::from_millis(backoff_ms);
            if !again || Instant::now() + pause >= until {
                return Err(error);
            }
            if backoff_ms == BACKOFF_MS_MIN {
                // A client that does not read learns it by waiting.
                drop(self.out.try_send(Out::Frame(FromNode::Busy { why: error.to_string() })));
            }
            tokio::time::sleep(pause).await;
            backoff_ms = (backoff_ms * 2).min(BACKOFF_MS_MAX);
        }
    }

    fn commit(&self, batch: &[Event]) -> Result<Commit, CommitError> {
        let now = self.host.now();
        let writes =
            batch.iter().map(|event| Ok(self.write(event, salt()?, now))).collect::<Result<_, CommitError>>()?;
        Ok(Commit { by: Owner::Connector, fences: Vec::new(), writes })
    }

    fn write(&self, event: &Event, salt: [u8; 16], received_at: Moment) -> Write {
        Write::InboxPut {
            id: event.inbound.clone(),
            event: event.event.clone(),
            context: self.context.clone(),
            chat: self.chat.clone(),
            user: self.who.user.clone(),
            kind: event.kind,
            target: event.target.clone(),
            text: event.text.clone(),
            salt,
            trace: Trace::of(&event.inbound),
            received_at,
        }
    }
}

/// The chat of a context, as the console names it.
pub(crate) fn chat_of(who: &Who) -> Chat {
    Chat { connector: CONNECTOR.to_owned(), chat: format!("{}/{}", who.workspace, who.context) }
}

fn salt() -> Result<[u8; 16], CommitError> {
    let mut salt = [0; 16];
    let filled = rustix::rand::getrandom(&mut salt, rustix::rand::GetRandomFlags::empty());
    match filled {
        Ok(n) if n == salt.len() => Ok(salt),
        Ok(_) => Err(CommitError::Unavailable("the system gave too few random bytes".into())),
        Err(error) => Err(CommitError::Unavailable(format!("the system gives no random bytes: {error}"))),
    }
}

fn miscounted() -> String {
    "the store answered for another number of events".into()
}

fn why(error: &CommitError) -> String {
    match error {
        CommitError::Unknown(_) => format!("{error}; send it again under the same id"),
        CommitError::Busy { .. } | CommitError::Unavailable(_) => {
            format!("{error}, for {} seconds; send it again later", ACCEPT_MS_MAX / 1_000)
        }
        CommitError::Fenced { .. } => format!("{error}; another node serves the console now"),
        CommitError::Conflict(_) | CommitError::Refused(_) => error.to_string(),
    }
}
