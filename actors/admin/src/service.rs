//! The inspector's actor.

use std::sync::Arc;
use std::time::Duration;

use messages::admin::{Admin, Msg, Reply, StatusView};
use messages::index::{Index, Msg as IndexMsg, Reply as IndexReply};
use messages::model::{Model, Msg as ModelMsg, Reply as ModelReply};
use messages::store::{Counts, Query, Rows};
use messages::{Address, AskError, Protocol as _};
use runtime::{ReplyPort, Service, ServiceCx, ServiceError, System};

use crate::memory::rss_bytes;

/// How long one part of the node may take to describe itself.
const DESCRIBE_MAX: Duration = Duration::from_millis(1_500);
/// Files that an index leaves out and that are named for each; the rest is counted.
const LEFT_OUT_SHOWN_MAX: usize = 10;
/// Indexes that are asked for one status.
const INDEXES_MAX: usize = 64;

/// What is wrong with the store now; `None` when nothing is.
pub type StoreHealth = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// What the inspector shows beside what it asks for.
#[derive(Clone)]
pub struct AdminConfig {
    /// The program's version.
    pub version: String,
    /// The data folder.
    pub data: String,
    /// What is wrong with the store now.
    pub store: StoreHealth,
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
        match msg {
            Msg::Actors => reply.send(Reply::Actors(cx.system.actors())),
            Msg::Status => {
                let (config, system) = (self.config.clone(), cx.system.clone());
                cx.spawn("status", async move {
                    let status = status(&config, &system).await;
                    reply.send(Reply::Status(Box::new(status)));
                });
            }
            Msg::Restart { address } => restart(address, reply, cx),
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

async fn status(config: &AdminConfig, system: &System) -> StatusView {
    system.alarm("store", (config.store)());
    let counts = match system.store().query(Query::Counts).await {
        Ok(Rows::Counts(counts)) => counts,
        _ => Counts::default(),
    };
    let mut alarms = system.alarms();
    if counts.in_doubt > 0 {
        alarms.push(format!("{} replies are in doubt: `agent-runtime verify` names them", counts.in_doubt));
    }
    StatusView {
        version: config.version.clone(),
        node: system.node().to_owned(),
        pid: std::process::id(),
        uptime_ms: u64::try_from(system.uptime().as_millis()).unwrap_or(u64::MAX),
        data: config.data.clone(),
        actors: system.actors_len() as u64,
        counts,
        alarms,
        models: models(system).await,
        indexes: indexes(system).await,
        rss_bytes: rss_bytes(),
    }
}

async fn models(system: &System) -> Vec<String> {
    match system.to::<Model>(&Address::fixed("models")).ask(ModelMsg::Describe, DESCRIBE_MAX).await {
        Ok(ModelReply::Described(lines)) => lines,
        Ok(_) => Vec::new(),
        Err(error) => vec![format!("models do not answer: {error}")],
    }
}

async fn indexes(system: &System) -> Vec<String> {
    let (mut lines, mut left_out) = (Vec::new(), Vec::new());
    let live = system.actors().into_iter().filter(|actor| actor.kind == Index::KIND).take(INDEXES_MAX);
    for actor in live {
        let Ok(address) = Address::parse(&actor.address) else { continue };
        let line = match system.to::<Index>(&address).ask(IndexMsg::Describe, DESCRIBE_MAX).await {
            Ok(IndexReply::Described(view)) => {
                let scanning = view.scanning.map(|n| format!(", scanning ({n} files looked at)")).unwrap_or_default();
                let skipped =
                    if view.skipped_total > 0 { format!(", {} left out", view.skipped_total) } else { String::new() };
                let roots = view.roots.join(", ");
                left_out.extend(
                    view.skipped.iter().take(LEFT_OUT_SHOWN_MAX).map(|why| format!("{address}: left out {why}")),
                );
                format!("{address}: {} files, {} passages{scanning}{skipped}; {roots}", view.files, view.passages)
            }
            Ok(_) => continue,
            Err(error) => format!("{address}: {error}"),
        };
        lines.push(line);
        lines.append(&mut left_out);
    }
    lines
}
