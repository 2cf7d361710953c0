//! A deployment's cluster: one configuration for all nodes, workspaces shared out between workers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::Signal;
use tokio::sync::Mutex;

use super::kills::Gates;
use super::{HOME, Shape, Shared};
use crate::cluster::{Cluster, four, three};
use crate::process::{Done, STOP_MAX, Spec, program};

pub(super) const HUB: &str = "hub";
pub(super) const CONNECTOR: &str = "connector";
const WORKER: &str = "worker";
const SECOND: &str = "worker-2";
/// A workspace that the second worker has from the start, so that it makes no `home` of its own.
const ASIDE: &str = "aside";
const LOOK: Duration = Duration::from_millis(50);
/// How long what was killed may take until its files are as they should be again.
const MENDED_MAX: Duration = Duration::from_secs(60);

/// The nodes.
#[derive(Debug)]
pub(super) struct Nodes {
    shape: Shape,
    cluster: Shared<Cluster>,
    folder: PathBuf,
    names: Vec<String>,
    gates: Gates,
    /// What is in all configurations.
    config: String,
}

impl Nodes {
    pub(super) async fn laid(shape: Shape) -> anyhow::Result<Self> {
        let plans = if shape.has_two_workers() { four() } else { three() };
        let names: Vec<String> = plans.iter().map(|plan| plan.name.clone()).collect();
        let cluster = Cluster::laid(plans).await?;
        let folder = cluster.folder().to_owned();
        let gates = Gates::of(names.iter().map(|name| cluster.data(name)));
        let nodes = Self { shape, cluster: Arc::new(Mutex::new(cluster)), folder, names, gates, config: String::new() };
        if shape.has_kills() {
            let first = nodes.data(WORKER).join("workspaces");
            std::fs::create_dir_all(&first)?;
            std::os::unix::fs::symlink(first, nodes.data(SECOND).join("workspaces"))?;
        } else if shape.has_two_workers() {
            let data = nodes.data(SECOND).display().to_string();
            let made = Spec::new(&program()?, &["workspace", "create", ASIDE, "--data", &data]).folder(&nodes.folder);
            made.run("").await?.expect_code(0)?;
        }
        Ok(nodes)
    }

    pub(super) fn configure(&mut self, config: &str) -> anyhow::Result<()> {
        config.clone_into(&mut self.config);
        std::fs::write(self.folder.join("whole.toml"), config)?;
        let mut cluster = self.cluster.try_lock().context("nodes are being killed")?;
        for name in &self.names {
            config.clone_into(&mut cluster.plan_mut(name)?.rest);
            cluster.configure(name)?;
        }
        Ok(())
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.names.iter()
    }

    pub(super) fn data(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn gates(&self) -> &Gates {
        &self.gates
    }

    pub(super) fn cluster(&self) -> Shared<Cluster> {
        self.cluster.clone()
    }

    /// Which worker has a workspace's files.
    pub(super) fn worker_of(&self, workspace: &str) -> &'static str {
        let is_first = workspace == HOME || workspace.len() % 2 == 1;
        if is_first || self.shape != Shape::FourNodes { WORKER } else { SECOND }
    }

    /// The node that answers a command.
    pub(super) fn answers(&self, args: &[&str]) -> &'static str {
        let workspace = args.iter().skip_while(|arg| **arg != "--workspace").nth(1).copied().unwrap_or(HOME);
        match args.first().copied().unwrap_or_default() {
            "chat" | "task" => CONNECTOR,
            "workspace" | "context" | "index" | "model" | "actors" | "status" => self.worker_of(workspace),
            _ => HUB,
        }
    }

    pub(super) async fn start(&self) -> anyhow::Result<()> {
        let mut cluster = self.cluster.lock().await;
        cluster.spawn_all()?;
        for name in &self.names {
            if let Some(status) = cluster.node(name)?.ready().await? {
                bail!("{name} ended with {status} before it was ready:\n{}", cluster.all_said());
            }
        }
        drop(cluster);
        self.hears_of(HOME).await
    }

    /// Waits until the connector knows that a workspace is there.
    pub(super) async fn hears_of(&self, workspace: &str) -> anyhow::Result<()> {
        let (unit, until) = (format!("\"ws/{workspace}\""), Instant::now() + MENDED_MAX);
        let data = self.data(CONNECTOR);
        let args = ["placement", "--json", "--data", &data.display().to_string()];
        let asks = Spec::new(&program()?, &args).folder(&self.folder);
        loop {
            let _gate = self.gates.keep(&data).await;
            if asks.run("").await?.stdout.contains(&unit) {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < until, "{workspace} is not heard of:\n{}", self.said());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until no reply is on its way, by the hub, which runs.
    pub(super) async fn have_delivered(&self) -> anyhow::Result<()> {
        let (data, until) = (self.data(HUB).display().to_string(), Instant::now() + MENDED_MAX);
        let asks = Spec::new(&program()?, &["status", "--json", "--data", &data]).folder(&self.folder);
        loop {
            let done = asks.run("").await?.expect_code(0)?;
            let status: serde_json::Value = serde_json::from_str(&done.stdout)?;
            let sending = status.pointer("/counts/sending").context("how many replies are on their way")?;
            if sending == 0 {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < until, "replies are on their way: {status}\n{}", self.said());
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(super) async fn end(&self, kill: bool) -> anyhow::Result<()> {
        let mut cluster = self.cluster.lock().await;
        if kill {
            return self.names.iter().try_for_each(|name| cluster.kill(name));
        }
        // The hub last: the others give back to it what they hold.
        let others: Vec<&String> = self.names.iter().filter(|name| *name != HUB).collect();
        for name in &others {
            cluster.node(name)?.signal(Signal::TERM)?;
        }
        for name in others {
            let status = cluster.node(name)?.wait(STOP_MAX).await?;
            anyhow::ensure!(status.success(), "{name} ended with {status}:\n{}", cluster.all_said());
            cluster.kill(name)?;
        }
        let status = cluster.stop(HUB).await?;
        anyhow::ensure!(status.success(), "the hub ended with {status}:\n{}", cluster.all_said());
        Ok(())
    }

    /// The hub's store with the files of all workers, as if one node had them.
    fn whole(&self) -> anyhow::Result<PathBuf> {
        let whole = self.data("whole");
        let workspaces = whole.join("workspaces");
        std::fs::create_dir_all(&workspaces)?;
        let mut parts = BTreeMap::from([(whole.join("agent-runtime"), self.data(HUB).join("agent-runtime"))]);
        for entry in self.workers().filter_map(|name| self.data(name).join("workspaces").read_dir().ok()).flatten() {
            let name = entry?.file_name();
            let worker = self.worker_of(&name.to_string_lossy());
            parts.insert(workspaces.join(&name), self.data(worker).join("workspaces").join(&name));
        }
        for (link, part) in parts.iter().filter(|(link, part)| !link.exists() && part.exists()) {
            std::os::unix::fs::symlink(part, link)?;
        }
        Ok(whole)
    }

    fn workers(&self) -> impl Iterator<Item = &String> {
        self.names.iter().filter(|name| [WORKER, SECOND].contains(&name.as_str()))
    }

    /// `verify` at the hub and at each worker, and once more over the store with all logs.
    pub(super) async fn verified(&self) -> anyhow::Result<Done> {
        let until = Instant::now() + MENDED_MAX;
        loop {
            let _gates = self.gates.keep_all().await;
            let mut all = vec![self.verify("whole.toml", &self.whole()?).await?];
            for name in self.names.iter().filter(|name| *name != CONNECTOR) {
                all.push(self.verify(&format!("{name}.toml"), &self.data(name)).await?);
            }
            let is_clean = all.iter().all(|done| done.code == Some(0));
            // A worker that was killed writes what its logs lack, and looks at all files, once it is there again; so does any on
            // a machine that is busy.
            if is_clean || Instant::now() > until {
                let all: Vec<Done> = all.into_iter().map(|done| done.expect_code(0)).collect::<Result<_, _>>()?;
                return all.into_iter().next().context("one was verified");
            }
        }
    }

    async fn verify(&self, config: &str, data: &Path) -> anyhow::Result<Done> {
        let (config, data) = (self.folder.join(config).display().to_string(), data.display().to_string());
        Spec::new(&program()?, &["verify", "--config", &config, "--data", &data]).folder(&self.folder).run("").await
    }

    pub(super) fn said(&self) -> String {
        let said =
            |name: &String| std::fs::read_to_string(self.data(name).with_extension("stderr")).unwrap_or_default();
        self.names.iter().map(|name| format!("== {name}\n{}", said(name))).collect()
    }
}
