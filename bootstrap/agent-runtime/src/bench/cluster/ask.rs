//! An ask from one process to another by a link with certificates of both: how long it takes, and how many go.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::cluster::{Call, Cluster, Config, Link, Peer, Serve, Served, Tcp};
use anyhow::{Context as _, bail};
use messages::Address;
use messages::cluster::{Role, Roles};
use messages::envelope::{Head, Kind};
use serde_json::{Value, json};

use super::super::child::{helper, program};
use super::super::numbers::{now, round};
use super::nodes::{HUB, Nodes, WORKER};
use crate::logging;
use crate::node::{VERSION, credentials, own_folder, versions};

/// Bytes of an ask and of its answer.
const BYTES: usize = 256;
/// Asks under way at once.
const MANY: usize = 64;
/// How long an ask may take, and the link until it is up.
const ASK_MS_MAX: u32 = 10_000;

/// Answers with what was asked.
struct Echo;

impl Serve for Echo {
    fn serve(&self, _: Arc<Peer>, _: u64, call: Call) -> Served {
        Box::pin(std::future::ready(Ok(call.body)))
    }
}

/// Serves until the process is ended, as the hub; the first line of standard output is where it listens.
pub(crate) async fn echo(data: &Path) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let links = links(data, (HUB, Role::Hub), Some(listener), Vec::new()).await?;
    logging::give(&links.address().context("the listener has no address")?.to_string());
    std::future::pending().await
}

async fn links(
    data: &Path,
    (node, role): (&str, Role),
    listener: Option<TcpListener>,
    peers: Vec<String>,
) -> anyhow::Result<Cluster> {
    let roles = Roles::of(&[role]);
    let (trust, cookie) = credentials(&own_folder(data), node, roles)?;
    let config = Config {
        node: node.to_owned(),
        incarnation: std::process::id().to_string(),
        roles,
        program: VERSION.to_owned(),
        versions: versions()?,
        net: Arc::new(Tcp::new(listener)?),
        peers,
        cookie,
        trust,
        serve: Arc::new(Echo),
    };
    Cluster::start(config).await.map_err(anyhow::Error::msg)
}

pub(super) async fn measure(nodes: &Nodes<'_>, seconds: u64) -> anyhow::Result<Value> {
    let (peer, address) = helper(program()?.args(["bench", "echo"]).arg(nodes.data(HUB)))?;
    let links = links(&nodes.data(WORKER), (WORKER, Role::Worker), None, vec![address]).await?;
    let mut up = links.watch();
    let link = async { up.wait_for(|up| up.contains_key(HUB)).await.map(|up| up.get(HUB).cloned()) };
    let link = tokio::time::timeout(Duration::from_millis(u64::from(ASK_MS_MAX)), link).await;
    let link = link.context("no link to the other process came up")??.context("the link is gone again")?;
    let time = Duration::from_secs(seconds);
    let alone = many(&link, 1, time).await?;
    let before = peer.cpu_seconds();
    let together = many(&link, MANY, time).await?;
    let cpu_s = peer.cpu_seconds() - before;
    links.stop().await;
    #[allow(clippy::cast_precision_loss)]
    let cpu_us = round(cpu_s * 1e6 / together.len().max(1) as f64);
    Ok(json!({
        "bytes": BYTES,
        "processes": 2,
        "one_in_flight": shown(alone, time),
        "in_flight": MANY,
        "many_in_flight": shown(together, time),
        "cpu_us_of_the_asked": cpu_us,
    }))
}

/// So many asks at once for so long: how long each took.
async fn many(link: &Arc<Link>, at_once: usize, time: Duration) -> anyhow::Result<Vec<Duration>> {
    let (until, mut askers) = (now() + time, tokio::task::JoinSet::new());
    for _ in 0..at_once {
        askers.spawn(one_by_one(link.clone(), until));
    }
    let mut all = Vec::new();
    while let Some(took) = askers.join_next().await {
        all.extend(took??);
    }
    Ok(all)
}

async fn one_by_one(link: Arc<Link>, until: Instant) -> anyhow::Result<Vec<Duration>> {
    let (body, mut took) = ([7; BYTES], Vec::new());
    while now() < until {
        let begin = now();
        let answer = link.ask(head(), &body).await.map_err(|error| anyhow::anyhow!("an ask: {error}"))?;
        took.push(begin.elapsed());
        if answer != body {
            bail!("an ask was answered with something else");
        }
    }
    Ok(took)
}

fn head() -> Head {
    Head {
        token: [0; 16],
        to: Address::fixed("store"),
        from: None,
        trace: None,
        deadline_ms: ASK_MS_MAX,
        kind: Kind::Ask,
        whole: None,
    }
}

/// p50 and p99 in microseconds, and how many a second.
fn shown(mut took: Vec<Duration>, time: Duration) -> Value {
    took.sort();
    let at = |hundredths: usize| {
        let index = (took.len() * hundredths / 100).min(took.len().saturating_sub(1));
        took.get(index).map_or(0.0, |took| round(took.as_secs_f64() * 1e6))
    };
    #[allow(clippy::cast_precision_loss)]
    let per_s = round(took.len() as f64 / time.as_secs_f64());
    json!({ "count": took.len(), "p50_us": at(50), "p99_us": at(99), "per_s": per_s })
}
