//! What a session needs of its node, as a trait, and the node itself behind it.

use std::time::Duration;

use messages::store::{Commit, CommitError, Committed, Query, QueryError, Rows};
use messages::{Address, AskError, Moment, Trace, admin, context};
use runtime::{BoxFuture, System};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use crate::wire::{AdminAsk, Answered};

/// How long the node may take to answer a question of a session, in milliseconds.
pub(crate) const ASK_MS_MAX: u64 = 5_000;

/// Bytes both ways: a unix stream, or one end of a pair in memory.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// The node, as a session sees it.
pub(crate) trait Host: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Moment;
    /// Writes all or nothing.
    fn commit(&self, commit: Commit) -> BoxFuture<Result<Committed, CommitError>>;
    /// Reads.
    fn query(&self, query: Query) -> BoxFuture<Result<Rows, QueryError>>;
    /// Tells an actor to look.
    fn wake(&self, address: &Address);
    /// Previews of one turn's answer.
    fn listen(&self, trace: Trace) -> mpsc::Receiver<String>;
    /// Asks the inspector, or the session's context.
    fn ask(&self, what: AdminAsk, context: Address) -> BoxFuture<Answered>;
}

impl Host for System {
    fn now(&self) -> Moment {
        Self::now(self)
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<Committed, CommitError>> {
        self.store().commit(commit)
    }

    fn query(&self, query: Query) -> BoxFuture<Result<Rows, QueryError>> {
        self.store().query(query)
    }

    fn wake(&self, address: &Address) {
        Self::wake(self, address);
    }

    fn listen(&self, trace: Trace) -> mpsc::Receiver<String> {
        self.feed().listen(trace)
    }

    fn ask(&self, what: AdminAsk, context: Address) -> BoxFuture<Answered> {
        let system = self.clone();
        Box::pin(
            async move { answer(&system, what, &context).await.unwrap_or_else(|e| Answered::Failed(e.to_string())) },
        )
    }
}

async fn answer(system: &System, what: AdminAsk, context: &Address) -> Result<Answered, AskError> {
    let deadline = Duration::from_millis(ASK_MS_MAX);
    let msg = match what {
        AdminAsk::Context => {
            let context::Reply::Described(view) =
                system.to::<context::Context>(context).ask(context::Msg::Describe, deadline).await?;
            return Ok(Answered::Context(view));
        }
        AdminAsk::Actors => admin::Msg::Actors,
        AdminAsk::Status => admin::Msg::Status,
        AdminAsk::Restart { address } => admin::Msg::Restart { address },
    };
    let reply = system.to::<admin::Admin>(&Address::fixed("admin")).ask(msg, deadline).await?;
    Ok(match reply {
        admin::Reply::Actors(actors) => Answered::Actors(actors),
        admin::Reply::Status(status) => Answered::Status(status),
        admin::Reply::Restarted(done) => Answered::Restarted(done),
    })
}
