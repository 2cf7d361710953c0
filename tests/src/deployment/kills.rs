//! One node after the other is killed and started again while something goes on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::{OwnedRwLockReadGuard, RwLock, watch};
use tokio::task::JoinHandle;

use super::Shared;
use super::nodes::Nodes;
use crate::cluster::Cluster;

/// Until the first kill: short enough that nothing comes to its end without one.
const FIRST: Duration = Duration::from_millis(200);
/// Between the moment at which a node is ready again and the next kill: long enough that something goes on.
const BETWEEN: Duration = Duration::from_millis(1_500);

/// Keeps nodes alive while it is there.
#[derive(Debug)]
pub struct Gate(#[allow(dead_code)] Vec<OwnedRwLockReadGuard<()>>);

/// Who may kill a node now, by its data folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Gates(BTreeMap<PathBuf, Arc<RwLock<()>>>);

impl Gates {
    pub(super) fn of(folders: impl Iterator<Item = PathBuf>) -> Self {
        Self(folders.map(|data| (data, Arc::default())).collect())
    }

    pub(super) async fn keep(&self, data: &Path) -> Gate {
        match self.0.get(data) {
            Some(gate) => Gate(vec![gate.clone().read_owned().await]),
            None => Gate(Vec::new()),
        }
    }

    pub(super) async fn keep_all(&self) -> Gate {
        let mut kept = Vec::new();
        for gate in self.0.values() {
            kept.push(gate.clone().read_owned().await);
        }
        Gate(kept)
    }
}

/// The kills, until they are ended.
#[derive(Debug)]
pub(super) struct Kills {
    over: watch::Sender<bool>,
    task: JoinHandle<anyhow::Result<usize>>,
}

impl Kills {
    /// Begins with a node that follows from the name of the test: each role is first for some.
    pub(super) fn begin(nodes: &Nodes) -> Self {
        let mut names: Vec<String> = nodes.names().cloned().collect();
        let test = std::thread::current().name().unwrap_or_default().bytes().map(usize::from).sum::<usize>();
        let first = test % names.len();
        names.rotate_left(first);
        let (over, hears) = watch::channel(false);
        let task = tokio::spawn(kill_in_turn(nodes.cluster(), nodes.gates().clone(), names, hears));
        Self { over, task }
    }

    /// Ends them: all nodes run.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        self.over.send_replace(true);
        let kills = self.task.await??;
        // A number for people.
        println!("nodes were killed {kills} times");
        Ok(())
    }
}

async fn kill_in_turn(
    cluster: Shared<Cluster>,
    gates: Gates,
    names: Vec<String>,
    mut over: watch::Receiver<bool>,
) -> anyhow::Result<usize> {
    let mut kills = 0;
    for name in names.iter().cycle() {
        let data = cluster.lock().await.data(name);
        let gate = gates.0.get(&data).context("every node has a gate")?.clone();
        let wait = async {
            tokio::time::sleep(if kills == 0 { FIRST } else { BETWEEN }).await;
            gate.write_owned().await
        };
        let closed = tokio::select! {
            closed = wait => closed,
            _ = over.wait_for(|over| *over) => return Ok(kills),
        };
        kill(&cluster, name).await?;
        kills += 1;
        drop(closed);
    }
    Ok(kills)
}

async fn kill(cluster: &Shared<Cluster>, name: &str) -> anyhow::Result<()> {
    let mut cluster = cluster.lock().await;
    cluster.kill(name)?;
    cluster.spawn(name)?;
    match cluster.node(name)?.ready().await? {
        None => Ok(()),
        Some(status) => bail!("{name} ended with {status} when it was started again:\n{}", cluster.all_said()),
    }
}
