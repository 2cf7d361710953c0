//! Killing a node under load again and again, and counting afterwards what became of every event.
//!
//! Customers talk in contexts of their own and note what they see on the wire: that is the platform's truth, and no kill
//! reaches it. At the end the store, the logs, the files, the tasks and `verify` are held against it.

pub(crate) mod admin;
mod count;
pub(crate) mod customer;
mod files;
mod kill;
mod logs;
pub(crate) mod node;
mod tasks;
mod truth;
mod watch;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::task::JoinSet;

pub use count::Report;
pub use kill::KillMode;
pub use tasks::TaskReport;
pub use watch::Slots;

use self::admin::{Admin, is_parked};
use self::customer::Customer;
use self::files::Disk;
use self::kill::Killer;
use self::logs::Promised;
use self::node::Stage;
use self::tasks::Found;
use self::truth::Truth;
use crate::fake_model::{FakeModel, Mode};
use crate::process::NodeProcess;

/// How long the last node may take until every accepted event has its outcome.
const SETTLE_MAX: Duration = Duration::from_secs(60);
/// The same until every task has ended or waits for another day.
const TASKS_SETTLE_MAX: Duration = Duration::from_secs(180);
/// How long a memory may take, which is written when turns and tasks have ended, until nothing is reserved any more.
const RESERVED_MAX: Duration = Duration::from_secs(60);
/// Tasks that are run at the very end: as many as have a slot, and one more.
const FRESH: u32 = 6;
/// Millionths of a dollar in a cent.
const MICRO_USD_OF_CENT: u64 = 10_000;

/// What customers ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Answers.
    Talk,
    /// Answers, tasks, and turns that write files.
    Tasks,
}

/// What a node leaves out, so that the count must find doubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// Attempts to deliver are not marked.
    Marks,
    /// Uses of tools are not marked.
    Journal,
}

impl Without {
    fn variable(self) -> &'static str {
        match self {
            Self::Marks => "AGENT_RUNTIME_TEST_WITHOUT_MARKS",
            Self::Journal => "AGENT_RUNTIME_TEST_WITHOUT_JOURNAL",
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The program with failpoints.
    pub program: PathBuf,
    /// How often the node is killed.
    pub kills: u32,
    /// What decides everything that is random here.
    pub seed: u64,
    /// Where it is killed.
    pub mode: KillMode,
    /// The one failpoint at which it is killed; `None`: all in turn.
    pub at: Option<String>,
    /// Contexts, each with one customer.
    pub contexts: usize,
    /// What customers ask for.
    pub load: Load,
    /// Messages take their wire form.
    pub wire: bool,
    /// What the node leaves out.
    pub without: Option<Without>,
    /// What the node may spend in a day, in cents; `None`: more than it can.
    pub node_day_cents: Option<u64>,
    /// Each sync of the disk takes so many milliseconds longer.
    pub disk_delay_ms: Option<u64>,
    /// Where data, logs and configuration go; a folder that is thrown away, if there is none.
    pub keep: Option<PathBuf>,
}

/// Kills the node as planned and counts.
///
/// # Errors
/// When the run itself can't be carried out; broken promises stand in the report.
pub async fn run(plan: Plan) -> anyhow::Result<Report> {
    let began = Instant::now();
    let temporary = tempfile::tempdir()?;
    let folder = plan.keep.clone().unwrap_or_else(|| temporary.path().to_owned());
    let model = FakeModel::start(0).await?;
    model.set(Mode::Random { seed: plan.seed, odds: odds() });
    let stage = Arc::new(Stage::set(&plan, &folder, &model.base_url()).await?);
    let truth = Arc::new(Truth::default());
    let mut customers = JoinSet::new();
    for n in 0..plan.contexts {
        customers.spawn(Customer::new(n, &stage, truth.clone(), &plan).talk());
    }
    let watcher = (plan.load == Load::Tasks).then(|| tokio::spawn(watch::watch(stage.clone(), truth.clone())));
    let mut killer = Killer::new(&plan);
    let told = killer.kill_all(&stage, &truth).await;
    truth.draining.store(true, Ordering::SeqCst);
    let mut report = Report { seed: plan.seed, wire: plan.wire, contexts: plan.contexts, ..killer.report };
    told?;
    let mut node = stage.start(None).await.context("the last start, without kills")?;
    if plan.load == Load::Tasks {
        node = rest(&plan, (&stage, node, &model), &mut report).await?;
    }
    truth.over.store(true, Ordering::SeqCst);
    let settled = tokio::time::timeout(SETTLE_MAX, all(&mut customers)).await;
    if let Some(status) = node.ended()? {
        bail!("the last node ended with {status}:\n{}", node.said());
    }
    settled.ok().transpose()?;
    if let Some(watcher) = watcher {
        report.tasks.slots = watcher.await?;
    }
    finish(&plan, (&stage, node, &truth), &mut report).await?;
    report.model_calls = model.stats().calls;
    report.seconds = began.elapsed().as_secs_f64();
    Ok(report)
}

/// Lets the tasks come to rest. Those that wait for another day go on under a larger budget then, and at the very end some
/// more are run, for which all slots must be free.
async fn rest(
    plan: &Plan,
    (stage, node, model): (&Stage, NodeProcess, &FakeModel),
    report: &mut Report,
) -> anyhow::Result<NodeProcess> {
    let mut admin = Admin::of(&stage.data, &stage.account).await?;
    admin.settled(TASKS_SETTLE_MAX).await?;
    let allowed = plan.node_day_cents.map(|cents| cents * MICRO_USD_OF_CENT);
    let spending = admin.spending_at_rest(RESERVED_MAX).await?;
    tasks::spent(report, &spending, allowed);
    tasks::reserved(report, &spending);
    model.set(Mode::default());
    let parked: Vec<_> = admin.tasks(true).await?.into_iter().filter(is_parked).collect();
    report.tasks.parked = parked.len() as u64;
    drop(admin);
    stage.budget(None)?;
    stop(node).await?;
    let node = stage.start(None).await.context("a start with a larger budget")?;
    let mut admin = Admin::of(&stage.data, &stage.account).await?;
    for task in &parked {
        admin.retry(&task.id).await?;
    }
    admin.settled(TASKS_SETTLE_MAX).await?;
    for n in 0..FRESH {
        let ended = stage.task(&format!("the last one, number {n}")).await?;
        report.tasks.fresh += 1;
        if !ended.starts_with("succeeded") {
            report.fault(format!("a fresh task at the end is {ended}"));
        }
    }
    admin.settled(TASKS_SETTLE_MAX).await?;
    tasks::reserved(report, &admin.spending_at_rest(RESERVED_MAX).await?);
    Ok(node)
}

/// Asks for all outcomes and tasks, stops the node, and counts.
async fn finish(
    plan: &Plan,
    (stage, node, truth): (&Stage, NodeProcess, &Arc<Truth>),
    report: &mut Report,
) -> anyhow::Result<()> {
    let outcomes = customer::ask_all(stage, truth, plan.contexts).await?;
    let rows = Admin::of(&stage.data, &stage.account).await?.rows().await?;
    stop(node).await?;
    let verified = stage.verify().await?;
    let known = truth.known();
    count::store(report, &known, &outcomes);
    let dues = match plan.load {
        Load::Talk => BTreeMap::new(),
        Load::Tasks => {
            let disk = Disk::read(&stage.workspace())?;
            tasks::count(report, Found { known: &known, outcomes: &outcomes, rows, disk })
        }
    };
    count::verified(report, &verified);
    logs::compare(report, stage, &Promised { known: &known, outcomes: &outcomes, dues: &dues })
}

async fn stop(node: NodeProcess) -> anyhow::Result<()> {
    let status = node.stop().await?;
    if !status.success() {
        bail!("a node that was told to stop ended with {status}");
    }
    Ok(())
}

async fn all(customers: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = customers.join_next().await {
        ended.context("a customer failed")??;
    }
    Ok(())
}

/// Mostly answers, often enough none, and nothing that takes longer than the run.
fn odds() -> Vec<(String, f64)> {
    let odds = [
        ("normal", 0.86),
        ("cut_in_middle", 0.03),
        ("cut_in_arguments", 0.01),
        ("no_done", 0.02),
        ("empty", 0.02),
        ("server_error", 0.02),
        ("invalid_json", 0.03),
        ("rate_limited", 0.01),
    ];
    odds.map(|(name, odds)| (name.to_owned(), odds)).to_vec()
}
