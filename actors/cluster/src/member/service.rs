//! The actor `cluster`: a node's part in its cluster. It starts the links and the member's loop, and shows how it stands.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use messages::Address;
use messages::membership::{Membership, Msg, Reply};
use runtime::{ReplyPort, Service, ServiceCx, ServiceError};
use tokio::sync::{mpsc, oneshot};

use super::driver::Loop;
use super::inbox::Inbox;
use super::reign::Reign;
use super::{Event, Hands, Member, certificates, declare, executor, lanes};
use crate::cluster::{Cluster, Config};

/// How long the loop may take to say why things are as they are.
const DESCRIBE_MAX: Duration = Duration::from_secs(2);

/// What the actor begins with; it begins once, and a node whose cluster actor has failed ends.
pub struct Begin {
    /// The links.
    pub config: Config,
    /// What opens and closes units.
    pub hands: Arc<dyn Hands>,
    /// On the hub.
    pub reign: Option<Reign>,
}

/// What the actor begins with, until it has.
pub type BeginOnce = Arc<Mutex<Option<Begin>>>;

/// The actor.
pub struct ClusterService {
    member: Arc<Member>,
    begin: BeginOnce,
}

impl ClusterService {
    /// Where it is.
    #[must_use]
    pub fn address() -> Address {
        Address::fixed("cluster")
    }

    /// Opens it; `begin` is taken by its first start.
    #[must_use]
    pub fn new(member: Arc<Member>, begin: BeginOnce) -> Self {
        Self { member, begin }
    }
}

impl Service for ClusterService {
    type Proto = Membership;

    async fn started(&mut self, cx: &ServiceCx) -> Result<(), ServiceError> {
        let begin = self.begin.lock().unwrap_or_else(PoisonError::into_inner).take();
        let heard = self.member.heard.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(begin), Some(heard)) = (begin, heard) else {
            return Err(ServiceError::new("a node can't join its cluster twice; it starts again as a whole"));
        };
        drop(self.member.system.set(cx.system.clone()));
        let config = Config { serve: Arc::new(Inbox(self.member.clone())), ..begin.config };
        let links = Arc::new(Cluster::start(config).await.map_err(ServiceError::new)?);
        let up = links.watch();
        drop(self.member.links.set(links));
        let (jobs, performed) = mpsc::channel(lanes::JOBS_MAX);
        let turns = Loop::new(self.member.clone(), begin.reign, jobs, up);
        cx.spawn("workspaces of this node", declare::run(self.member.clone(), begin.hands.clone()));
        cx.spawn("units of this node", executor::run(self.member.clone(), begin.hands, performed));
        cx.spawn("membership", turns.run(heard));
        cx.spawn("certificates", certificates::run(self.member.clone()));
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Membership>, cx: &ServiceCx) -> Result<(), ServiceError> {
        match msg {
            Msg::Describe => {
                let (sender, told) = oneshot::channel();
                let member = self.member.clone();
                cx.spawn("a look at the cluster", async move {
                    // The loop knows why; one that is busy is not waited for.
                    let asked = member.events.try_send(Event::Describe(sender)).is_ok();
                    let told = tokio::time::timeout(DESCRIBE_MAX, told).await;
                    let view = told.ok().and_then(Result::ok).filter(|_| asked);
                    reply.send(Reply::Described(view.unwrap_or_else(|| member.view())));
                });
            }
            Msg::Drain { away } => {
                reply.send(Reply::Draining(self.member.drain(away)));
            }
            Msg::DrainOf { node, away } => {
                let member = self.member.clone();
                cx.spawn("a drain of a node", async move {
                    reply.send(Reply::Draining(member.drain_of(&node, away).await));
                });
            }
            Msg::Waits { unit } => {
                let member = self.member.clone();
                cx.spawn("what a unit waits for", async move {
                    reply.send(Reply::Waits(member.waits(&unit).await));
                });
            }
            Msg::Actors { node } => {
                let member = self.member.clone();
                cx.spawn("the trees of nodes", async move {
                    reply.send(Reply::Actors(member.actors(node.as_ref()).await));
                });
            }
            // What nodes say comes by their links.
            _ => reply.send(Reply::Heard),
        }
        Ok(())
    }

    async fn stopping(&mut self, _: &ServiceCx) {
        if let Some(links) = self.member.links.get() {
            links.end().await;
        }
    }
}

impl Member {
    /// Closes all that this node holds and says goodbye, so that others take it over at once.
    pub async fn leave(&self, within: Duration) {
        let (done, said) = oneshot::channel();
        if self.events.send(Event::Goodbye(done)).await.is_ok() {
            drop(tokio::time::timeout(within, said).await);
        }
    }
}
