//! Killing a node under load again and again, and counting afterwards what became of every event.
//!
//! Customers talk in contexts of their own and note what they see on the wire: that is the platform's truth, and no kill
//! reaches it. At the end the store, the logs and `verify` are held against it.

mod count;
mod customer;
mod kill;
mod logs;
mod node;
mod tap;
mod truth;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::task::JoinSet;

pub use count::Report;
pub use kill::KillMode;

use self::customer::Customer;
use self::kill::Killer;
use self::node::Stage;
use self::truth::Truth;
use crate::fake_model::{FakeModel, Mode};

/// How long the last node may take until every accepted event has its outcome.
const SETTLE_MAX: Duration = Duration::from_secs(60);

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
    /// Messages take their wire form.
    pub wire: bool,
    /// Attempts to deliver are not marked: the count must find doubles then.
    pub without_marks: bool,
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
    let stage = Stage::set(&plan, &folder, &model.base_url()).await?;
    let truth = Arc::new(Truth::default());
    let mut customers = JoinSet::new();
    for n in 0..plan.contexts {
        customers.spawn(Customer::new(n, &stage, truth.clone(), &plan).talk());
    }
    let mut killer = Killer::new(&plan);
    let told = killer.kill_all(&stage, &truth).await;
    truth.draining.store(true, Ordering::SeqCst);
    let mut report = Report { seed: plan.seed, wire: plan.wire, contexts: plan.contexts, ..killer.report };
    told?;
    let mut node = stage.start(None).await.context("the last start, without kills")?;
    let settled = tokio::time::timeout(SETTLE_MAX, all(&mut customers)).await;
    if let Some(status) = node.ended()? {
        bail!("the last node ended with {status}:\n{}", node.said());
    }
    settled.ok().transpose()?;
    let outcomes = customer::ask_all(&stage, &truth, plan.contexts).await?;
    let status = node.stop().await?;
    if !status.success() {
        bail!("the last node stopped with {status}");
    }
    count::store(&mut report, &truth, &outcomes);
    count::verified(&mut report, &stage.verify().await?);
    logs::compare(&mut report, &stage, &truth, &outcomes, plan.contexts)?;
    report.model_calls = model.stats().calls;
    report.seconds = began.elapsed().as_secs_f64();
    Ok(report)
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
        ("cut_in_middle", 0.04),
        ("no_done", 0.02),
        ("empty", 0.02),
        ("server_error", 0.02),
        ("invalid_json", 0.03),
        ("rate_limited", 0.01),
    ];
    odds.map(|(name, odds)| (name.to_owned(), odds)).to_vec()
}
