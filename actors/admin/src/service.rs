//! The inspector's actor.

use std::sync::Arc;
use std::time::Duration;

use messages::admin::{Admin, Msg, Reply};
use messages::membership::Membership;
use messages::offer::Offers;
use messages::retention::{self, Retention};
use messages::{Address, AskError};
use runtime::{ReplyPort, Service, ServiceCx, ServiceError};

use crate::index;
use crate::metrics::StoreStats;
use crate::models;
use crate::status::status;
use crate::tasks;

/// How long retention may take to answer: it may have to count.
const RETENTION_MAX: Duration = Duration::from_secs(4);

/// How long the cluster's actor may take.
const CLUSTER_MAX: Duration = Duration::from_secs(4);

/// What is wrong with the store now; `None` when nothing is.
pub type StoreHealth = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// How the store's threads work now.
pub type StoreStatsNow = Arc<dyn Fn() -> StoreStats + Send + Sync>;

/// What the inspector shows beside what it asks for.
#[derive(Clone)]
pub struct AdminConfig {
    /// The program's version.
    pub version: String,
    /// The data folder.
    pub data: String,
    /// What is wrong with the store now.
    pub store: StoreHealth,
    /// How the store's threads work now.
    pub stats: StoreStatsNow,
    /// Where health and metrics are told; empty: nowhere.
    pub http: String,
    /// The models that can be asked.
    pub offers: Arc<Offers>,
}

/// The actor at `admin`.
pub struct AdminService {
    config: AdminConfig,
}

impl AdminService {
    /// Opens at once.
    #[must_use]
    pub fn new(config: AdminConfig) -> Self {
        Self { config }
    }
}

impl Service for AdminService {
    type Proto = Admin;

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Admin>, cx: &ServiceCx) -> Result<(), ServiceError> {
        let (config, system) = (self.config.clone(), cx.system.clone());
        match msg {
            Msg::Actors => reply.send(Reply::Actors(system.actors())),
            Msg::Models => reply.send(Reply::Models((*config.offers).clone())),
            Msg::Restart { address } => restart(address, reply, cx),
            Msg::Status => cx.spawn("status", async move {
                let status = status(&config, &system).await;
                reply.send(Reply::Status(Box::new(status)));
            }),
            Msg::TestModel { model } => cx.spawn("a test of a model", async move {
                reply.send(Reply::ModelTested(models::test(&config.offers, &system, &model).await));
            }),
            Msg::Index { workspace, ask } => cx.spawn("a question to an index", async move {
                match index::answer(&system, &workspace, ask).await {
                    Ok(answer) => reply.send(Reply::Index(answer)),
                    Err(error) => reply.fail(error),
                }
            }),
            Msg::Retention(ask) => cx.spawn("a question to retention", async move {
                match system.to::<Retention>(&retention::address()).ask(ask, RETENTION_MAX).await {
                    Ok(answer) => reply.send(Reply::Retention(answer)),
                    Err(error) => reply.fail(error),
                }
            }),
            Msg::Cluster(ask) => cx.spawn("a question to the cluster", async move {
                match system.to::<Membership>(&Address::fixed("cluster")).ask(ask, CLUSTER_MAX).await {
                    Ok(answer) => reply.send(Reply::Cluster(Some(answer))),
                    Err(AskError::NoSuchAddress(_)) => reply.send(Reply::Cluster(None)),
                    Err(error) => reply.fail(error),
                }
            }),
            rows => cx.spawn("rows for the inspector", async move {
                match tasks::answer(&system, rows).await {
                    Ok(rows) => reply.send(rows),
                    Err(error) => reply.fail(error),
                }
            }),
        }
        Ok(())
    }
}

fn restart(address: String, reply: ReplyPort<Admin>, cx: &ServiceCx) {
    let system = cx.system.clone();
    cx.spawn("restart", async move {
        let done = match Address::parse(&address) {
            Ok(address) => system.restart(&address).await.map(|()| {
                system.alarm(&format!("stopped:{address}"), None);
                format!("{address} is opened again")
            }),
            Err(error) => Err(error.to_string()),
        };
        match done {
            Ok(done) => reply.send(Reply::Restarted(done)),
            Err(error) => reply.fail(AskError::Failed(error)),
        }
    });
}
