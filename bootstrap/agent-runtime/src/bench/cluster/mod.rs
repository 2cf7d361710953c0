//! Several nodes on this machine: what they cost beside one process, and beside each other.

mod ask;
mod join;
mod memory;
mod nodes;

use serde_json::{Map, Value, json};

pub(super) use ask::echo;
use nodes::{CONNECTOR, HUB, Nodes, WORKER};

use super::child::{self, Folder, Process};
use super::contexts;
use super::load::Pace;
use super::numbers::{latency, round};
use super::turns::{Load, counted, cpu_ms};
use crate::commands::give_json;
use crate::logging;

pub(super) struct Plan {
    pub(super) contexts: usize,
    pub(super) in_flight: usize,
    pub(super) seconds: u64,
    pub(super) rate: u32,
    pub(super) known: usize,
    pub(super) active: usize,
}

pub(super) async fn run(plan: &Plan) -> anyhow::Result<()> {
    let (_stub, url) = child::stub()?;
    let mut said = Map::new();
    said.insert("bench".into(), "cluster".into());
    said.insert("one".into(), alone(plan, &url).await?);
    together(plan, &url, &mut said).await?;
    said.insert("known".into(), plan.known.into());
    said.insert("join_known".into(), knowing(plan, &url).await?);
    give_json(&said)
}

/// What one process does.
async fn alone(plan: &Plan, url: &str) -> anyhow::Result<Value> {
    logging::say("one process");
    let folder = Folder::new()?;
    folder.make(plan.contexts, false)?;
    let (node, _) = child::node(&folder, url, 600).await?;
    let data = folder.data();
    let load = Load { data: &data, nodes: &[&node], contexts: plan.contexts, seconds: plan.seconds };
    turns(plan, &load, &["node"]).await
}

/// What three do, with the same contexts, stub and client.
async fn together(plan: &Plan, url: &str, said: &mut Map<String, Value>) -> anyhow::Result<()> {
    let folder = Folder::new()?;
    folder.make(plan.contexts.max(plan.active), false)?;
    let mut nodes = Nodes::lay(&folder, url)?;
    logging::say("asks between two processes");
    said.insert("ask".into(), ask::measure(&nodes, plan.seconds).await?);
    logging::say("hub, connector and worker");
    nodes.start().await?;
    said.insert("idle_rss_mb".into(), memory::of(&nodes)?);
    said.insert("join".into(), latency(join::measure(&mut nodes).await?));
    said.insert("peer_rss_mb".into(), memory::of_peers(&nodes, "early").await?);
    let data = nodes.data(CONNECTOR);
    let all = [nodes.process(HUB)?, nodes.process(CONNECTOR)?, nodes.process(WORKER)?];
    let load = Load { data: &data, nodes: &all, contexts: plan.contexts, seconds: plan.seconds };
    said.insert("three".into(), turns(plan, &load, &[HUB, CONNECTOR, WORKER]).await?);
    logging::say(&format!("{} contexts become active", plan.active));
    said.insert("active".into(), plan.active.into());
    contexts::wake(&data, plan.active).await?;
    said.insert("active_rss_mb".into(), memory::of(&nodes)?);
    said.insert("peer_rss_active_mb".into(), memory::of_peers(&nodes, "late").await?);
    Ok(())
}

/// How soon a worker is of use to a hub that knows much.
async fn knowing(plan: &Plan, url: &str) -> anyhow::Result<Value> {
    logging::say(&format!("a hub that knows {} contexts", plan.known));
    let folder = Folder::new()?;
    let mut nodes = Nodes::lay(&folder, url)?;
    contexts::fill(&nodes.data(HUB), plan.known, plan.known).await?;
    nodes.start().await?;
    Ok(latency(join::measure(&mut nodes).await?))
}

/// Turns at the plan's rate, and as many as go; CPU by node.
async fn turns(plan: &Plan, load: &Load<'_>, names: &[&str]) -> anyhow::Result<Value> {
    let (at_rate, _) = counted(load, Pace::PerSecond(plan.rate)).await?;
    let (ended, cpu) = counted(load, Pace::InFlight(plan.in_flight)).await?;
    #[allow(clippy::cast_precision_loss)]
    let per_s = round(ended.len() as f64 / plan.seconds as f64);
    let each: Map<String, Value> =
        names.iter().zip(cpu).map(|(name, cpu)| ((*name).to_owned(), cpu_ms(cpu, ended.len()).into())).collect();
    Ok(json!({
        "contexts": plan.contexts,
        "in_flight": plan.in_flight,
        "turns_per_s": per_s,
        "cpu_ms_per_turn": each,
        "saturated": latency(ended),
        "rate_per_s": plan.rate,
        "added": latency(at_rate),
    }))
}

/// Resident memory of a process, rounded.
fn rss(process: &Process) -> Value {
    round(process.rss_mb()).into()
}
