//! `nodes`, `placement`, `drain`: how a cluster stands, asked of any of its nodes.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use console::wire::{AdminAsk, Answered};
use messages::membership::{ClusterView, NodeView, Reply, UnitView};

use super::operator::ask;
use super::{give_json, give_table};
use crate::cli::{Drain, Read, Where};
use crate::logging;
use crate::node::HOME;

/// How often it is looked whether a node has given everything away, and how often at most.
const LOOK_EVERY: Duration = Duration::from_millis(200);
const LOOKS_MAX: u32 = 150;

pub(super) async fn nodes(args: Read) -> anyhow::Result<ExitCode> {
    let view = view(&args.place).await?;
    if args.json {
        give_json(&view.nodes)?;
    } else {
        let heads = ["NODE", "ROLES", "UNITS", "UP", "AT", "VERSION", "PROTOCOL", "STATE", "WORKSPACES"];
        give_table(&heads, view.nodes.iter().map(|node| row_of_node(&view, node)));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn placement(args: Read) -> anyhow::Result<ExitCode> {
    let view = view(&args.place).await?;
    if args.json {
        give_json(&view.units)?;
    } else if view.units.is_empty() {
        logging::say("there is nothing to hold: no worker has shown a workspace, and no connector is there");
    } else {
        give_table(&["UNIT", "NODE", "EPOCH", "SINCE", "REFUSED", "WHY"], view.units.iter().map(row_of_unit));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn drain(args: Drain) -> anyhow::Result<ExitCode> {
    let what = AdminAsk::Drain { node: args.node.clone(), away: !args.undo };
    match ask(&args.place, what, HOME, "general").await? {
        Answered::Cluster(Some(Reply::Draining(Ok(())))) => {}
        Answered::Cluster(Some(Reply::Draining(Err(why)))) => bail!("{why}"),
        Answered::Cluster(None) => bail!("{ALONE}"),
        _ => bail!("the node answered something else"),
    }
    if args.undo || args.no_wait {
        return Ok(ExitCode::SUCCESS);
    }
    drained(&args).await
}

/// Shows how far it is, until the end.
async fn drained(args: &Drain) -> anyhow::Result<ExitCode> {
    let mut told = usize::MAX;
    for _ in 0..LOOKS_MAX {
        tokio::time::sleep(LOOK_EVERY).await;
        // A connector closes the door by which it was asked, and opens another.
        let Ok(view) = view(&args.place).await else { continue };
        let name = args.node.as_ref().map_or(view.node.as_str(), |node| node.as_str());
        let held = view.units.iter().filter(|unit| unit.node.as_deref() == Some(name)).count();
        if held == 0 {
            logging::say(&format!("{name} holds nothing any more, and can be stopped"));
            return Ok(ExitCode::SUCCESS);
        }
        if held < told {
            logging::say(&format!("{held} units to go"));
        }
        told = held;
    }
    bail!("it holds units still; `agent-runtime placement` at the hub says why");
}

pub(super) const ALONE: &str = "this node stands alone; docs/cluster.md tells how several work together";

async fn view(place: &Where) -> anyhow::Result<ClusterView> {
    match ask(place, AdminAsk::Cluster, HOME, "general").await? {
        Answered::Cluster(Some(Reply::Described(view))) => Ok(view),
        Answered::Cluster(None) => bail!("{ALONE}"),
        _ => bail!("the node answered something else than how its cluster stands"),
    }
}

fn row_of_node(view: &ClusterView, node: &NodeView) -> Vec<String> {
    let state = match (node.away, node.draining, node.node == view.node) {
        _ if !node.why.is_empty() => format!("no link: {}", node.why),
        (true, ..) => "away".to_owned(),
        (_, true, _) => "drains".to_owned(),
        (.., true) => "asked".to_owned(),
        _ => "linked".to_owned(),
    };
    vec![
        node.node.clone(),
        node.roles.clone(),
        node.units.to_string(),
        if node.up_ms == 0 { String::new() } else { seconds(node.up_ms) },
        node.at.clone(),
        node.program.clone(),
        node.protocol.clone(),
        state,
        node.workspaces.join(" "),
    ]
}

fn row_of_unit(unit: &UnitView) -> Vec<String> {
    vec![
        unit.unit.clone(),
        unit.node.clone().unwrap_or_else(|| "nobody".to_owned()),
        unit.epoch.to_string(),
        unit.since_ms.map(seconds).unwrap_or_default(),
        match unit.stale_since_ms {
            Some(first) => format!("{} stale, the first {} ago", unit.stale, seconds(first)),
            None => String::new(),
        },
        unit.why.clone(),
    ]
}

fn seconds(ms: u64) -> String {
    format!("{} s", ms / 1_000)
}
