//! Turns a second, CPU a turn, added latency.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::child::{self, Folder};
use super::load::{self, Pace};
use super::numbers::{latency, now, round};
use crate::commands::give_json;
use crate::node::HOME;

/// Seconds of each run that are not counted.
const WARM_UP: Duration = Duration::from_secs(2);

pub(super) struct Plan {
    pub(super) contexts: usize,
    pub(super) in_flight: usize,
    pub(super) seconds: u64,
    pub(super) rates: Vec<u32>,
    pub(super) search: bool,
}

pub(super) async fn run(plan: &Plan) -> anyhow::Result<()> {
    let folder = Folder::new()?;
    folder.make(plan.contexts, plan.search)?;
    let (_stub, url) = child::stub()?;
    let (node, ready) = child::node(&folder, &url, 600).await?;
    let idle_mb = node.rss_mb();
    let mut latencies = Vec::new();
    let data = folder.data();
    let load = Load { data: &data, nodes: &[&node], contexts: plan.contexts, seconds: plan.seconds };
    for rate in &plan.rates {
        let (turns, cpu) = counted(&load, Pace::PerSecond(*rate)).await?;
        let cpu_ms = cpu_ms(cpu.iter().sum(), turns.len());
        latencies.push(json!({ "rate_per_s": rate, "added": latency(turns), "cpu_ms_per_turn": cpu_ms }));
    }
    let before = node.cpu_by_thread();
    let (turns, cpu) = counted(&load, Pace::InFlight(plan.in_flight)).await?;
    let by_thread = shares(&before, &node.cpu_by_thread());
    #[allow(clippy::cast_precision_loss)]
    let (count, seconds) = (turns.len() as f64, plan.seconds as f64);
    give_json(&json!({
        "bench": "turns",
        "contexts": plan.contexts,
        "in_flight": plan.in_flight,
        "search": plan.search,
        "ready_ms": round(ready * 1_000.0),
        "idle_rss_mb": round(idle_mb),
        "turns_per_s": round(count / seconds),
        "cpu_ms_per_turn": cpu_ms(cpu.iter().sum(), turns.len()),
        "cpu_share_by_thread": by_thread,
        "saturated": latency(turns),
        "at_rate": latencies,
        "rss_mb_after": round(node.rss_mb()),
    }))
}

/// What part of the CPU each kind of thread has used in between.
fn shares(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let used = after.iter().map(|(kind, cpu)| (kind.clone(), cpu - before.get(kind).copied().unwrap_or_default()));
    let used: Vec<(String, f64)> = used.filter(|(_, cpu)| *cpu > 0.0).collect();
    let all: f64 = used.iter().map(|(_, cpu)| cpu).sum();
    used.into_iter().map(|(kind, cpu)| (kind, round(cpu / all))).collect()
}

/// Who is loaded, by whom, for how long.
pub(super) struct Load<'a> {
    /// The data folder at whose node is talked.
    pub(super) data: &'a Path,
    /// Whose CPU is counted.
    pub(super) nodes: &'a [&'a child::Process],
    pub(super) contexts: usize,
    pub(super) seconds: u64,
}

/// One run; only what ended after the warm-up counts, with the CPU that each node used in that time.
pub(super) async fn counted(load: &Load<'_>, pace: Pace) -> anyhow::Result<(Vec<Duration>, Vec<f64>)> {
    let (begin, counted) = (now() + WARM_UP, Duration::from_secs(load.seconds));
    let seats: Vec<load::Seat> = (0..load.contexts).map(|n| (HOME.to_owned(), n)).collect();
    let run = load::run(load.data, &seats, (pace, load::Say::Talk), WARM_UP + counted);
    let used = || load.nodes.iter().map(|node| node.cpu_seconds());
    let cpu = async {
        tokio::time::sleep_until(begin.into()).await;
        let before: Vec<f64> = used().collect();
        tokio::time::sleep(counted).await;
        used().zip(before).map(|(after, before)| after - before).collect()
    };
    let (ended, cpu) = tokio::join!(run, cpu);
    let window = ended?.into_iter().filter(|(at, _)| *at >= begin && *at < begin + counted);
    Ok((window.map(|(_, took)| took).collect(), cpu))
}

/// CPU a turn in milliseconds.
pub(super) fn cpu_ms(cpu_s: f64, turns: usize) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let turns = turns.max(1) as f64;
    round(cpu_s * 1_000.0 / turns)
}
