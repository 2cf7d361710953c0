//! When and where the node is killed.

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::node::Stage;
use super::truth::Truth;
use super::{Load, Plan, Report};
use crate::dice::Dice;
use crate::process::NodeProcess;

/// Every marker by which a node can die, but for those of memory: no load here fills one.
const POINTS: [&str; 24] = [
    "store.group.begin",
    "store.before_commit",
    "store.after_commit",
    "store.before_answer",
    "context.before_commit",
    "context.after_commit",
    "context.before_effect",
    "context.after_effect",
    "context.before_ask",
    "context.after_ask",
    "context.before_run",
    "context.after_run",
    "lane.before_commit",
    "lane.after_commit",
    "lane.before_effect",
    "lane.after_effect",
    "lane.before_send",
    "lane.after_send",
    "console.before_accept_commit",
    "console.before_ack",
    "console.before_send",
    "console.after_send",
    "console.after_accept_commit",
    "console.after_flushed",
];
/// Those that only tasks and tools come by. `gate.put_back` is left out: nobody edits the files between a look and a write.
const POINTS_OF_TASKS: [&str; 22] = [
    "task.before_commit",
    "task.after_commit",
    "task.before_effect",
    "task.after_effect",
    "task.before_ask",
    "task.after_ask",
    "task.before_tool",
    "task.after_tool",
    "workspace.before_commit",
    "workspace.after_commit",
    "workspace.before_effect",
    "workspace.after_effect",
    "workspace.before_record",
    "context.before_tool",
    "context.after_tool",
    "gate.version.written",
    "gate.version.kept",
    "gate.new.begun",
    "gate.new.written",
    "gate.exchanged",
    "gate.placed",
    "gate.synced",
];
/// A marker that was not met after so long is given up for a kill from outside.
const MET_MAX: Duration = Duration::from_secs(10);
/// The latest moment of a random kill after the start.
const RANDOM_MS_MAX: u64 = 700;
/// The longest count of passes by a marker, and by one that is passed less often than those of [`OFTEN`].
const PASSES_MAX: u64 = 6;
const PASSES_OFTEN_MAX: u64 = 24;
/// How markers begin that everything comes by.
const OFTEN: [&str; 3] = ["store.", "lane.", "console."];

/// Where a node is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillMode {
    /// By itself, at a marker.
    Failpoints,
    /// From outside, at any time.
    Random,
    /// In turn.
    Both,
}

impl std::str::FromStr for KillMode {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "failpoints" => Ok(Self::Failpoints),
            "random" => Ok(Self::Random),
            "both" => Ok(Self::Both),
            other => Err(format!("`{other}` is none of failpoints, random, both")),
        }
    }
}

pub(super) struct Killer {
    kills: u32,
    mode: KillMode,
    points: Vec<String>,
    dice: Dice,
    pub(super) report: Report,
}

impl Killer {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut dice = Dice::new(plan.seed);
        let of_tasks: &[&str] = if plan.load == Load::Tasks { &POINTS_OF_TASKS } else { &[] };
        let mut all: Vec<String> = POINTS.iter().chain(of_tasks).map(|point| (*point).to_owned()).collect();
        // A run of fewer kills than there are markers has others with each seed.
        all.sort_by_cached_key(|_| dice.below(u64::MAX));
        let points = plan.at.clone().map_or(all, |at| vec![at]);
        Self { kills: plan.kills, mode: plan.mode, points, dice, report: Report::default() }
    }

    /// Starts and kills, so often as planned.
    pub(super) async fn kill_all(&mut self, stage: &Stage, truth: &Truth) -> anyhow::Result<()> {
        for n in 0..self.kills {
            let at_point = match self.mode {
                KillMode::Failpoints => true,
                KillMode::Random => false,
                KillMode::Both => n % 2 == 0,
            };
            let before = truth.known().accepted.len();
            if at_point {
                self.at_point(stage).await.with_context(|| format!("kill {n}"))?;
            } else {
                self.at_random(stage).await.with_context(|| format!("kill {n}"))?;
            }
            self.report.kills_total += 1;
            self.report.kills_idle += u32::from(truth.known().accepted.len() == before);
        }
        Ok(())
    }

    async fn at_point(&mut self, stage: &Stage) -> anyhow::Result<()> {
        let turn = self.report.kills_at_points + self.report.kills_missed;
        let point = self.points.get(turn as usize % self.points.len()).cloned().context("a failpoint")?;
        let is_often = OFTEN.iter().any(|kind| point.starts_with(kind));
        let passes_max = if is_often { PASSES_OFTEN_MAX } else { PASSES_MAX };
        let at = format!("{point}:{}", 1 + self.dice.below(passes_max));
        let began = Instant::now();
        let mut node = stage.spawn(Some(&at))?;
        if node.ready().await?.is_none() {
            self.report.starts_ms.push(ms(began));
        }
        let until = Instant::now() + MET_MAX;
        while Instant::now() < until && node.ended()?.is_none() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        if node.ended()?.is_none() {
            self.report.kills_missed += 1;
            self.report.missed.push(at);
            return node.kill9();
        }
        self.report.kills_at_points += 1;
        was_killed(&mut node)
    }

    async fn at_random(&mut self, stage: &Stage) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut node = stage.spawn(None)?;
        // One in eight while it starts.
        if self.dice.below(8) > 0 {
            if let Some(status) = node.ready().await? {
                bail!("the node ended by itself with {status}:\n{}", node.said());
            }
            self.report.starts_ms.push(ms(began));
        }
        tokio::time::sleep(Duration::from_millis(self.dice.below(RANDOM_MS_MAX))).await;
        if node.ended()?.is_some() {
            was_killed(&mut node)?;
        }
        self.report.kills_random += 1;
        node.kill9()
    }
}

fn was_killed(node: &mut NodeProcess) -> anyhow::Result<()> {
    match node.ended()? {
        Some(status) if status.signal() == Some(9) => Ok(()),
        status => bail!("the node ended by itself with {status:?}:\n{}", node.said()),
    }
}

fn ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
