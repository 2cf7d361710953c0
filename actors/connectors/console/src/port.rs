//! What a session needs of its node, as a trait, and the node itself behind it.

use std::time::Duration;

use messages::cluster::Unit;
use messages::store::{Commit, CommitError, Committed, Fence, Query, QueryError, Rows};
use messages::turn::Principal;
use messages::{Address, AskError, Moment, Trace, admin, context, membership, retention};
use runtime::{BoxFuture, System};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use crate::registry::CONNECTOR;
use crate::wire::{AdminAsk, Answered};

/// The unit that the console's commits belong to.
const UNIT: &str = "connector/console";
/// How long the node may take to answer a question of a session, in milliseconds.
pub(crate) const ASK_MS_MAX: u64 = 5_000;
/// The same for a test of a model, which may think for a while.
const TEST_MS_MAX: u64 = 130_000;

/// Bytes both ways: a unix stream, or one end of a pair in memory.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// The node, as a session sees it.
pub(crate) trait Host: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Moment;
    /// What a commit of the console must carry now.
    ///
    /// # Errors
    /// `Unavailable` while this node may not write for it.
    fn fences(&self) -> Result<Vec<Fence>, CommitError>;
    /// Writes all or nothing.
    fn commit(&self, commit: Commit) -> BoxFuture<Result<Committed, CommitError>>;
    /// Reads.
    fn query(&self, query: Query) -> BoxFuture<Result<Rows, QueryError>>;
    /// Tells an actor to look.
    fn wake(&self, address: &Address);
    /// The node is about to stop: nothing new is accepted.
    fn is_draining(&self) -> bool {
        false
    }
    /// Previews of the answer of one turn of a context.
    fn listen(&self, context: &Address, trace: Trace) -> mpsc::Receiver<String>;
    /// For what a context waits that does not answer, where its node is away.
    fn waits(&self, _: &Address) -> BoxFuture<Option<String>> {
        Box::pin(std::future::ready(None))
    }
    /// Asks the inspector, or the session's context.
    fn ask(&self, what: AdminAsk, asker: Asker) -> BoxFuture<Answered>;
}

/// Who asks about the node, and where.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) context: Address,
    pub(crate) user: String,
}

impl Asker {
    fn principal(&self) -> Principal {
        Principal { connector: CONNECTOR.to_owned(), user: self.user.clone() }
    }
}

impl Host for System {
    fn now(&self) -> Moment {
        Self::now(self)
    }

    fn is_draining(&self) -> bool {
        Self::is_draining(self)
    }

    fn fences(&self) -> Result<Vec<Fence>, CommitError> {
        Self::fences(self, &Address::fixed(UNIT)).map_err(CommitError::Unavailable)
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

    fn listen(&self, context: &Address, trace: Trace) -> mpsc::Receiver<String> {
        Self::listen(self, context, trace)
    }

    fn waits(&self, context: &Address) -> BoxFuture<Option<String>> {
        let (cluster, unit) = (self.to::<membership::Membership>(&Address::fixed("cluster")), Unit::of(context));
        Box::pin(async move {
            let asked = cluster.ask(membership::Msg::Waits { unit: unit? }, Duration::from_millis(ASK_MS_MAX)).await;
            match asked {
                Ok(membership::Reply::Waits(told)) => told,
                // Where the node stands alone, nobody is away.
                _ => None,
            }
        })
    }

    fn ask(&self, what: AdminAsk, asker: Asker) -> BoxFuture<Answered> {
        let system = self.clone();
        Box::pin(async move { answer(&system, what, &asker).await.unwrap_or_else(|e| Answered::Failed(e.to_string())) })
    }
}

async fn answer(system: &System, what: AdminAsk, asker: &Asker) -> Result<Answered, AskError> {
    if matches!(what, AdminAsk::Context) {
        let deadline = Duration::from_millis(ASK_MS_MAX);
        let context::Reply::Described(view) =
            system.to::<context::Context>(&asker.context).ask(context::Msg::Describe, deadline).await?;
        return Ok(Answered::Context(view));
    }
    let deadline =
        Duration::from_millis(if matches!(what, AdminAsk::TestModel { .. }) { TEST_MS_MAX } else { ASK_MS_MAX });
    let Some(msg) = of_inspector(what, asker) else { return Err(AskError::Failed("this is not asked".into())) };
    let reply = system.to::<admin::Admin>(&Address::fixed("admin")).ask(msg, deadline).await?;
    Ok(answered(reply))
}

/// What the inspector is asked; `None` for what is not its to answer. Who asks is the session's own user, whatever the
/// client says.
fn of_inspector(what: AdminAsk, asker: &Asker) -> Option<admin::Msg> {
    Some(match what {
        AdminAsk::Context => return None,
        AdminAsk::Actors => admin::Msg::Actors,
        AdminAsk::Status => admin::Msg::Status,
        AdminAsk::Restart { address } => admin::Msg::Restart { address },
        AdminAsk::Tasks { workspace, open, before, limit } => admin::Msg::Tasks { workspace, open, before, limit },
        AdminAsk::Task { workspace, prefix } => admin::Msg::Task { workspace, prefix },
        AdminAsk::TaskDo { workspace, prefix, what } => {
            admin::Msg::TaskDo { workspace, prefix, what, principal: asker.principal() }
        }
        AdminAsk::Index { workspace, ask } => admin::Msg::Index { workspace, ask },
        AdminAsk::Usage { from, to, account } => admin::Msg::Usage { from, to, account },
        AdminAsk::Cluster => admin::Msg::Cluster(membership::Msg::Describe),
        AdminAsk::Drain { node: None, away } => admin::Msg::Cluster(membership::Msg::Drain { away }),
        AdminAsk::Drain { node: Some(node), away } => admin::Msg::Cluster(membership::Msg::DrainOf { node, away }),
        AdminAsk::NodeActors { node } => admin::Msg::Cluster(membership::Msg::Actors { node }),
        AdminAsk::Retention => admin::Msg::Retention(retention::Msg::Describe),
        AdminAsk::ForgetCount { person, workspace, after } => {
            let by = asker.principal().to_string();
            admin::Msg::Retention(retention::Msg::Count { person, workspace, after, by })
        }
        AdminAsk::Forget { person, workspace } => {
            let by = asker.principal().to_string();
            admin::Msg::Retention(retention::Msg::Forget { person, workspace, by })
        }
        AdminAsk::Forgetting { id } => admin::Msg::Retention(retention::Msg::Forgetting { id }),
        AdminAsk::Models => admin::Msg::Models,
        AdminAsk::TestModel { model } => admin::Msg::TestModel { model },
    })
}

fn answered(reply: admin::Reply) -> Answered {
    match reply {
        admin::Reply::Actors(actors) => Answered::Actors(actors),
        admin::Reply::Status(status) => Answered::Status(status),
        admin::Reply::Restarted(done) => Answered::Restarted(done),
        admin::Reply::Tasks(tasks) => Answered::Tasks(tasks),
        admin::Reply::Task(found) => Answered::Task(found),
        admin::Reply::TaskDone(done) => Answered::TaskDone(done),
        admin::Reply::Index(answer) => Answered::Index(answer),
        admin::Reply::Usage(spending) => Answered::Usage(spending),
        admin::Reply::Models(offers) => Answered::Models(offers),
        admin::Reply::Retention(reply) => Answered::Retention(reply),
        admin::Reply::Cluster(reply) => Answered::Cluster(reply),
        admin::Reply::ModelTested(test) => Answered::ModelTested(Box::new(test)),
    }
}

#[cfg(test)]
mod tests {
    use messages::Slug;

    use super::*;

    #[test]
    fn a_task_is_asked_in_the_name_of_the_sessions_own_user() {
        let asker = Asker { context: Address::fixed("ws/home/context/general"), user: "ann".into() };
        let what = admin::TaskDo::Cancel;
        let ask = AdminAsk::TaskDo { workspace: Slug::parse("home").unwrap(), prefix: "tsk_4k2v".into(), what };
        let Some(admin::Msg::TaskDo { principal, prefix, .. }) = of_inspector(ask, &asker) else { panic!("not asked") };
        assert_eq!((principal.connector.as_str(), principal.user.as_str()), (CONNECTOR, "ann"));
        assert_eq!(prefix, "tsk_4k2v");
        assert!(of_inspector(AdminAsk::Context, &asker).is_none());
    }
}
