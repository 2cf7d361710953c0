//! Tasks a second, CPU a task, and what a chat feels of many tasks.

use std::time::Duration;

use console::client::Client;
use console::wire::FromNode;
use serde_json::json;

use super::child::{self, Folder};
use super::load::{self, Pace, Say, Seat};
use super::numbers::{latency, now, round};
use crate::commands::give_json;

/// Seconds of each run that are not counted.
const WARM_UP: Duration = Duration::from_secs(2);
/// Tasks that are being made at once.
const OPEN_MAX: usize = 128;
/// How long a chat turn may take before the measurement is given up.
const TURN_MAX: Duration = Duration::from_secs(30);

pub(super) struct Plan {
    pub(super) workspaces: usize,
    pub(super) contexts: usize,
    pub(super) in_flight: usize,
    pub(super) seconds: u64,
}

pub(super) async fn run(plan: &Plan) -> anyhow::Result<()> {
    let folder = Folder::new()?;
    let names = folder.make_workspaces(plan.workspaces, plan.contexts)?;
    let seats: Vec<Seat> =
        names.iter().flat_map(|name| (0..plan.contexts).map(|context| (name.clone(), context))).collect();
    let (_stub, url) = child::stub()?;
    let (node, _) = child::node(&folder, &url, 600).await?;
    let (begin, counted) = (now() + WARM_UP, Duration::from_secs(plan.seconds));
    let data = folder.data();
    let load = load::run(&data, &seats, (Pace::InFlight(plan.in_flight), Say::Task), WARM_UP + counted);
    let cpu = async {
        tokio::time::sleep_until(begin.into()).await;
        let before = node.cpu_seconds();
        tokio::time::sleep(counted).await;
        node.cpu_seconds() - before
    };
    let (ended, cpu) = tokio::join!(load, cpu);
    let window = ended?.into_iter().filter(|(at, _)| *at >= begin && *at < begin + counted);
    let took: Vec<Duration> = window.map(|(_, took)| took).collect();
    #[allow(clippy::cast_precision_loss)]
    let (count, seconds) = (took.len() as f64, plan.seconds as f64);
    give_json(&json!({
        "bench": "tasks",
        "workspaces": plan.workspaces,
        "contexts": plan.workspaces * plan.contexts,
        "in_flight": plan.in_flight,
        "tasks_per_s": round(count / seconds),
        "cpu_ms_per_task": round(cpu * 1_000.0 / count.max(1.0)),
        "from_chat_to_end": latency(took),
        "rss_mb_after": round(node.rss_mb()),
    }))
}

/// Chat turns alone, and again while tasks are queued that the model is slow with.
pub(super) async fn starve(tasks: usize, turns: usize) -> anyhow::Result<()> {
    let folder = Folder::new()?;
    let names = folder.make_workspaces(1, 3)?;
    let workspace = names.first().map_or("home", String::as_str);
    let (_stub, url) = child::stub()?;
    let (node, _) = child::node(&folder, &url, 600).await?;
    let data = folder.data();
    let mut chat = child::client_in(&data, workspace, 0, "chat").await?;
    let alone = talk(&mut chat, turns, "alone").await?;
    let mut flood = child::client_in(&data, workspace, 1, "flood").await?;
    let mut made = 0;
    let (mut submitted, mut open) = (0, 0);
    while made < tasks {
        while submitted < tasks && open < OPEN_MAX {
            flood.submit(&format!("{}:{submitted}", flood.session()), "/task take your time")?;
            (submitted, open) = (submitted + 1, open + 1);
        }
        if let FromNode::Reply(reply) = tokio::time::timeout(TURN_MAX, flood.next()).await?? {
            flood.flushed(reply.delivery)?;
            // The one that tells its id, not the one that tells its end.
            if reply.outcome.is_some() {
                (made, open) = (made + 1, open - 1);
            }
        }
    }
    // Its replies are taken all the while, as a chat does.
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let talks = async {
        let beside = talk(&mut chat, turns, "beside").await;
        drop(sender);
        beside
    };
    let (beside, ended) = tokio::join!(talks, drain(flood, receiver));
    give_json(&json!({
        "bench": "starvation",
        "tasks": tasks,
        "tasks_ended_before_or_during": ended?,
        "turns_alone": latency(alone),
        "turns_beside_tasks": latency(beside?),
        "rss_mb_after": round(node.rss_mb()),
    }))
}

async fn drain(mut client: Client, mut over: tokio::sync::oneshot::Receiver<()>) -> anyhow::Result<u64> {
    let mut ended = 0;
    loop {
        tokio::select! {
            _ = &mut over => return Ok(ended),
            frame = client.next() => if let FromNode::Reply(reply) = frame? {
                client.flushed(reply.delivery)?;
                ended += u64::from(reply.outcome.is_none());
            },
        }
    }
}

/// One turn after the other; how long each took.
async fn talk(client: &mut Client, turns: usize, name: &str) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::with_capacity(turns);
    for n in 0..turns {
        let begun = now();
        let inbound = client.submit(&format!("{}:{name}{n}", client.session()), "what does the stub always answer?")?;
        loop {
            match tokio::time::timeout(TURN_MAX, client.next()).await?? {
                FromNode::Reply(reply) => {
                    client.flushed(reply.delivery)?;
                    if reply.inbound == inbound {
                        break;
                    }
                }
                FromNode::NotAccepted { why, .. } | FromNode::Refused { why } => anyhow::bail!("refused: {why}"),
                _ => {}
            }
        }
        took.push(begun.elapsed());
    }
    Ok(took)
}
