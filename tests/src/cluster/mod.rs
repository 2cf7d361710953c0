//! A cluster of real processes with certificates of one authority, each node with a data folder of its own.
//!
//! [`three`] and [`four`] say which nodes there usually are; a [`NodePlan`] may differ in anything.

mod plan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::{Context as _, ensure};

use crate::port::Port;
use crate::process::{Done, NodeProcess, Spec, program};

pub use self::plan::{NodePlan, four, three};

/// Nodes that have certificates and configurations; some of them run.
#[derive(Debug)]
pub struct Cluster {
    folder: tempfile::TempDir,
    port: Port,
    plans: Vec<NodePlan>,
    running: BTreeMap<String, NodeProcess>,
}

impl Cluster {
    /// Makes the authority, at the hub, and each node's certificate and configuration. None runs.
    ///
    /// # Errors
    /// When there is no hub among them, or a command fails.
    pub async fn laid(plans: Vec<NodePlan>) -> anyhow::Result<Self> {
        let cluster = Self { folder: tempfile::tempdir()?, port: Port::free()?, plans, running: BTreeMap::new() };
        let hub = cluster.hub()?.name.clone();
        cluster.run("pki init", &hub).await?.expect_code(0)?;
        for plan in &cluster.plans {
            cluster.certify(plan, &hub).await?;
            cluster.configure(&plan.name)?;
        }
        Ok(cluster)
    }

    async fn certify(&self, plan: &NodePlan, hub: &str) -> anyhow::Result<()> {
        let folder = self.data(&plan.name).join("agent-runtime/pki/node");
        // What a hub may be is more than what it is here: a test gives it other roles later.
        let roles = if plan.is_hub() { "hub,connector,worker".to_owned() } else { plan.roles.join(",") };
        let line = format!("pki node {} --roles {roles} --san {} --out {}", plan.name, plan.host, folder.display());
        std::fs::create_dir_all(folder.parent().context("a folder has a parent")?)?;
        self.run(&line, hub).await?.expect_code(0)?;
        Ok(())
    }

    /// Writes a node's configuration as its plan says.
    ///
    /// # Errors
    /// When there is no such node, or the file can't be written.
    pub fn configure(&self, name: &str) -> anyhow::Result<()> {
        let plan = self.plan(name)?;
        let (at, roles) = (self.address()?, plan.roles.join("\", \""));
        let place = match &plan.dials {
            _ if plan.is_hub() => format!("listen = \"{at}\""),
            dials => format!("peers = [\"{}\"]", dials.as_ref().unwrap_or(&at)),
        };
        self.write(name, &format!("roles = [\"{roles}\"]\n{place}\n{}\n{}", plan.node, plan.rest))
    }

    /// Writes a node's configuration with these lines under `[node]` and after.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write(&self, name: &str, lines: &str) -> anyhow::Result<()> {
        Ok(std::fs::write(self.config(name), format!("[node]\nname = \"{name}\"\n{lines}\n"))?)
    }

    /// The plans of all nodes.
    #[must_use]
    pub fn plans(&self) -> &[NodePlan] {
        &self.plans
    }

    /// A node's plan, to be changed; [`Cluster::configure`] and the next start follow it.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn plan_mut(&mut self, name: &str) -> anyhow::Result<&mut NodePlan> {
        self.plans.iter_mut().find(|plan| plan.name == name).with_context(|| format!("no node {name}"))
    }

    fn plan(&self, name: &str) -> anyhow::Result<&NodePlan> {
        self.plans.iter().find(|plan| plan.name == name).with_context(|| format!("no node {name}"))
    }

    /// The plan of the hub.
    ///
    /// # Errors
    /// When there is none.
    pub fn hub(&self) -> anyhow::Result<&NodePlan> {
        self.plans.iter().find(|plan| plan.is_hub()).context("a cluster has a hub")
    }

    /// Where the hub listens.
    ///
    /// # Errors
    /// When there is none.
    pub fn address(&self) -> anyhow::Result<String> {
        Ok(format!("{}:{}", self.hub()?.host, self.port.number()))
    }

    /// The folder that holds all others; it is deleted with this value.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A node's data folder.
    #[must_use]
    pub fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A node's configuration file.
    #[must_use]
    pub fn config(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.toml"))
    }

    /// A command on a node's data folder: `run("nodes --json", "hub")`. Words are parted by spaces.
    ///
    /// # Errors
    /// When it can't be started or does not end.
    pub async fn run(&self, line: &str, name: &str) -> anyhow::Result<Done> {
        let args: Vec<&str> = line.split(' ').collect();
        let spec = Spec::new(&program()?, &args).folder(self.folder.path()).arg("--data");
        spec.arg(self.data(name).display().to_string()).run("").await
    }

    /// How a node is started.
    ///
    /// # Errors
    /// When there is no such node, or no program.
    pub fn spec(&self, name: &str) -> anyhow::Result<Spec> {
        let plan = self.plan(name)?;
        let program = plan.program.clone().map_or_else(program, Ok)?;
        let config = self.config(name).display().to_string();
        let spec = Spec::new(&program, &["serve", "--config", &config]).through(&plan.through);
        let spec = plan.env.iter().fold(spec, |spec, (name, value)| spec.env(name, value));
        Ok(spec.folder(self.folder.path()))
    }

    /// Starts a node, without waiting.
    ///
    /// # Errors
    /// When it runs already or can't be started.
    pub fn spawn(&mut self, name: &str) -> anyhow::Result<()> {
        ensure!(!self.running.contains_key(name), "{name} runs already");
        let node = NodeProcess::spawn(self.spec(name)?, &self.data(name))?;
        self.running.insert(name.to_owned(), node);
        Ok(())
    }

    /// Starts all that do not run, without waiting.
    ///
    /// # Errors
    /// When one can't be started.
    pub fn spawn_all(&mut self) -> anyhow::Result<()> {
        let names: Vec<String> = self.plans.iter().map(|plan| plan.name.clone()).collect();
        let stopped: Vec<_> = names.into_iter().filter(|name| !self.running.contains_key(name)).collect();
        stopped.iter().try_for_each(|name| self.spawn(name))
    }

    /// A node that runs.
    ///
    /// # Errors
    /// When it does not.
    pub fn node(&mut self, name: &str) -> anyhow::Result<&mut NodeProcess> {
        self.running.get_mut(name).with_context(|| format!("{name} does not run"))
    }

    /// Ends a node in good order.
    ///
    /// # Errors
    /// When it does not run, or does not end.
    pub async fn stop(&mut self, name: &str) -> anyhow::Result<ExitStatus> {
        self.running.remove(name).with_context(|| format!("{name} does not run"))?.stop().await
    }

    /// Ends a node as a power cut would.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self, name: &str) -> anyhow::Result<()> {
        self.running.remove(name).with_context(|| format!("{name} does not run"))?.kill9()
    }

    /// All that a node has said on its standard error.
    #[must_use]
    pub fn said(&self, name: &str) -> String {
        std::fs::read_to_string(self.data(name).with_extension("stderr")).unwrap_or_default()
    }

    /// All that all have said.
    #[must_use]
    pub fn all_said(&self) -> String {
        self.plans.iter().map(|plan| format!("== {}\n{}", plan.name, self.said(&plan.name))).collect()
    }

    /// `verify` at the hub: the whole store, its audit chain and its promises.
    ///
    /// # Errors
    /// With all that it says when something is wrong.
    pub async fn verified(&self) -> anyhow::Result<String> {
        let hub = self.hub()?.name.clone();
        let config = self.config(&hub).display().to_string();
        Ok(self.run(&format!("verify --config {config}"), &hub).await?.expect_code(0)?.stdout)
    }
}
