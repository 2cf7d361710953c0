//! A node under mixed load and faults for as long as one likes, and whether it stays as it is.
//!
//! For most of the time one process runs, with every fault that it can live through: its memory, open files, threads, zombies,
//! CPU and disk are sampled, and their slopes say whether anything grows. Then it is killed and restarted again and again.
//! At the end everything that was submitted must have come to one end, and `verify` must find nothing.
//!
//! It is a program of its own and not a bench of the release binary: its faults need the model that misbehaves on command.

mod fault;
mod guest;
mod ledger;
mod report;
mod sample;
mod series;
mod slope;
mod stage;
mod words;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::Signal;
use tokio::task::{JoinHandle, JoinSet};

pub use self::fault::Fault;
pub use self::ledger::Counts;
pub use self::report::{DiskGrowth, Report};
pub use self::sample::{Disk, Sample};
pub use self::slope::{Limits, Measure, Verdict};

use self::guest::{Guest, House};
use self::report::Steady;
use self::series::Series;
use self::stage::Stage;
use crate::chaos::admin::Admin;
use crate::dice::Dice;
use crate::fake_model::FakeModel;
use crate::process::NodeProcess;

/// The part of the time in which the process is not restarted, in tenths.
const STEADY_TENTHS: u32 = 8;
/// How often it is looked whether anything is due.
const LOOK: Duration = Duration::from_millis(100);
/// How often it is told how things stand.
const TELL: Duration = Duration::from_secs(60);
/// How long the last node may take until every event has its outcome, and every task its end.
const SETTLE_MAX: Duration = Duration::from_secs(180);
/// How long the index may take to know the last changes, on a machine that is busy.
const INDEXED_MAX: Duration = Duration::from_secs(60);

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The program.
    pub program: PathBuf,
    /// How long events are submitted.
    pub time: Duration,
    /// What decides everything that is random here.
    pub seed: u64,
    /// Contexts, each with one guest.
    pub contexts: usize,
    /// Events a second, over all guests.
    pub rate: u64,
    /// Which faults there are.
    pub faults: Vec<Fault>,
    /// Where everything lies; a folder that is thrown away, if there is none.
    pub keep: Option<PathBuf>,
}

/// A soak under way.
struct Soak {
    plan: Plan,
    stage: Arc<Stage>,
    house: Arc<House>,
    model: FakeModel,
    dice: Dice,
    began: Instant,
    stop: Arc<AtomicBool>,
    series: Series,
    made: BTreeMap<Fault, u64>,
    /// The model is mended then.
    mends_at: Option<Instant>,
    told_at: Instant,
}

/// Runs it. `stop`: whether it is to come to its end early.
///
/// # Errors
/// When the run itself can't be carried out; what was found stands in the report.
pub async fn run(plan: Plan, stop: Arc<AtomicBool>) -> anyhow::Result<Report> {
    let temporary = tempfile::tempdir()?;
    let folder = plan.keep.clone().unwrap_or_else(|| temporary.path().to_owned());
    let model = FakeModel::start(0).await?;
    model.know(words::keeps);
    model.set(fault::usual(plan.seed));
    let stage = Arc::new(Stage::set(&plan.program, &folder, &model.base_url(), plan.contexts).await?);
    let (house, mut guests) = (Arc::new(House::default()), JoinSet::new());
    let pause_ms = 1_000 * plan.contexts as u64 / plan.rate.max(1);
    for n in 0..plan.contexts {
        guests.spawn(Guest::new(n, (&stage, &house), (plan.seed, pause_ms)).stay());
    }
    let garden = tokio::spawn(stage::garden(stage.clone(), house.clone(), plan.seed));
    let (dice, began) = (Dice::new(plan.seed), Instant::now());
    let (series, made) = (Series::new(), BTreeMap::new());
    let mut soak =
        Soak { plan, stage, house, model, dice, began, stop, series, made, mends_at: None, told_at: Instant::now() };
    let node = soak.stage.start().await?;
    let node = soak.steady(node).await?;
    let steady_seconds = soak.began.elapsed().as_secs_f64();
    let node = soak.restarts(node).await?;
    soak.end((node, guests, garden), steady_seconds).await
}

impl Soak {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// One process, and every fault that it can live through.
    async fn steady(&mut self, mut node: NodeProcess) -> anyhow::Result<NodeProcess> {
        let soft: Vec<Fault> = self.plan.faults.iter().copied().filter(|fault| !fault.restarts()).collect();
        let is_all = soft.len() == self.plan.faults.len();
        let until = self.began + if is_all { self.plan.time } else { self.plan.time * STEADY_TENTHS / 10 };
        let mut next_at = Instant::now() + fault::pause(&mut self.dice);
        while Instant::now() < until && !self.is_stopped() {
            lives(&mut node)?;
            self.sample(&node).await?;
            self.mend();
            if Instant::now() >= next_at
                && let Some(fault) = fault::drawn(&soft, &mut self.dice)
            {
                self.soft(fault, &node)?;
                next_at = Instant::now() + fault::pause(&mut self.dice);
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(node)
    }

    /// The process is ended again and again.
    async fn restarts(&mut self, mut node: NodeProcess) -> anyhow::Result<NodeProcess> {
        let hard: Vec<Fault> = self.plan.faults.iter().copied().filter(|fault| fault.restarts()).collect();
        let until = self.began + self.plan.time;
        while Instant::now() < until && !self.is_stopped() {
            let at = (Instant::now() + fault::pause(&mut self.dice) / 2).min(until);
            while Instant::now() < at && !self.is_stopped() {
                lives(&mut node)?;
                self.mend();
                self.tell(None)?;
                tokio::time::sleep(LOOK).await;
            }
            let Some(fault) = fault::drawn(&hard, &mut self.dice) else { break };
            *self.made.entry(fault).or_default() += 1;
            if fault == Fault::Kill {
                node.kill9()?;
            } else {
                let status = node.stop().await?;
                if !status.success() {
                    bail!("a node that was told to stop ended with {status}");
                }
            }
            node = self.stage.start().await?;
        }
        Ok(node)
    }

    fn soft(&mut self, fault: Fault, node: &NodeProcess) -> anyhow::Result<()> {
        let made = self.made.entry(fault).or_default();
        *made += 1;
        match fault {
            Fault::Model => {
                let (mode, time) = fault::broken(&mut self.dice);
                self.model.set(mode);
                self.mends_at = Some(Instant::now() + time);
            }
            Fault::Clients => drop(self.house.cuts.fetch_add(1, Ordering::SeqCst)),
            Fault::Index => self.stage.take_index_away()?,
            Fault::Hup => {
                self.stage.configure(stage::ALARM_S + *made % 2)?;
                node.signal(Signal::HUP)?;
            }
            Fault::Term | Fault::Kill => {}
        }
        Ok(())
    }

    fn mend(&mut self) {
        if self.mends_at.is_some_and(|at| Instant::now() >= at) {
            self.model.set(fault::usual(self.plan.seed));
            self.mends_at = None;
        }
    }

    async fn sample(&mut self, node: &NodeProcess) -> anyhow::Result<()> {
        let at = self.began.elapsed();
        if self.series.is_due(at) {
            let (pid, data, events) = (node.pid(), self.stage.data.clone(), self.house.ledger.counts().ended);
            let read = move || Sample::read(pid, &data, at.as_secs_f64(), events);
            let sample = tokio::task::spawn_blocking(read).await??;
            self.series.push(at, sample);
            self.tell(Some(&sample))?;
        }
        Ok(())
    }

    /// A line each minute.
    fn tell(&mut self, sample: Option<&Sample>) -> anyhow::Result<()> {
        if self.told_at.elapsed() < TELL {
            return Ok(());
        }
        self.told_at = Instant::now();
        let (minutes, counts) = (self.began.elapsed().as_secs() / 60, self.house.ledger.counts());
        let Counts { ended, tasks, lost, doubled, .. } = counts;
        let process = sample.map_or_else(
            || "restarting".to_owned(),
            |s| {
                let disk = (s.disk.store + s.disk.wal + s.disk.logs + s.disk.index + s.disk.rest) / 1_000_000;
                format!("{:.1} MB, {} files, {} threads, {disk} MB of disk", s.rss_mb, s.open_files, s.threads)
            },
        );
        let line = format!("{minutes} min: {ended} events, {tasks} tasks, lost {lost}, doubled {doubled}; {process}");
        Ok(writeln!(std::io::stderr(), "{line}")?)
    }

    /// Everything comes to its end, and is counted.
    async fn end(
        mut self,
        (node, mut guests, garden): (NodeProcess, JoinSet<anyhow::Result<()>>, JoinHandle<anyhow::Result<u64>>),
        steady_seconds: f64,
    ) -> anyhow::Result<Report> {
        self.model.set(crate::fake_model::Mode::default());
        self.house.draining.store(true, Ordering::SeqCst);
        let pages_changed = garden.await??;
        if let Err(why) = self.settled().await {
            self.house.ledger.fault(format!("{why:#}"));
            self.house.given_up.store(true, Ordering::SeqCst);
        }
        self.house.over.store(true, Ordering::SeqCst);
        let left = async {
            while let Some(left) = guests.join_next().await {
                left.context("a guest failed")??;
            }
            anyhow::Ok(())
        };
        if tokio::time::timeout(SETTLE_MAX, left).await.ok().transpose()?.is_none() {
            self.house.given_up.store(true, Ordering::SeqCst);
        }
        self.house.ledger.close();
        self.indexed().await?;
        let status = node.stop().await?;
        if !status.success() {
            bail!("the last node ended with {status}");
        }
        let verified = self.stage.verify().await?;
        self.house.ledger.stored(verified.store.inbox, verified.store.tasks);
        if !verified.clean {
            self.house.ledger.fault(format!("verify: {}", verified.faults));
        }
        let steady = Steady { warm: self.series.warm(), seconds: steady_seconds };
        Ok(Report {
            seconds: self.began.elapsed().as_secs_f64(),
            counts: self.house.ledger.counts(),
            notes: self.notes(),
            model_calls: self.model.stats().calls,
            made: std::mem::take(&mut self.made),
            pages_changed,
            verify_clean: verified.clean,
            ..Report::of(self.plan.seed, &steady)
        })
    }

    /// Waits until nothing moves any more.
    async fn settled(&self) -> anyhow::Result<()> {
        let until = Instant::now() + SETTLE_MAX;
        loop {
            // A connection that is lost is no event that is: it is asked anew.
            let moving = self.moving().await;
            if matches!(moving, Ok(0)) {
                return Ok(());
            }
            if Instant::now() > until {
                bail!("after {} s something moves still: {moving:?}", SETTLE_MAX.as_secs());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Events, replies and tasks that have not ended.
    async fn moving(&self) -> anyhow::Result<u64> {
        let counts = Admin::of(&self.stage.data, &self.stage.account).await?.status().await?.counts;
        let events = counts.waiting + counts.taken + counts.pending + counts.sending;
        Ok(events + counts.tasks_queued + counts.tasks_running + counts.tasks_waiting)
    }

    /// Waits until the index knows the files as they are now; one that never does is found by the proof after it.
    async fn indexed(&self) -> anyhow::Result<()> {
        let until = Instant::now() + INDEXED_MAX;
        while !self.stage.verify().await?.clean && Instant::now() < until {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Entries of all memories.
    fn notes(&self) -> u64 {
        let file = |n| self.stage.workspace().join("contexts").join(stage::context_name(n)).join("memory.md");
        let entries = |n| {
            let text = std::fs::read_to_string(file(n)).unwrap_or_default();
            markdown::memory::parse(&text).entries.len() as u64
        };
        (0..self.plan.contexts).map(entries).sum()
    }
}

fn lives(node: &mut NodeProcess) -> anyhow::Result<()> {
    match node.ended()? {
        None => Ok(()),
        Some(status) => bail!("the node ended by itself with {status}:\n{}", node.said()),
    }
}
