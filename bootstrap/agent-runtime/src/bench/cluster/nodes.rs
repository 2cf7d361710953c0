//! Nodes with certificates of one authority, each a process with a data folder of its own.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use console::wire::{AdminAsk, Answered};
use messages::membership::{ClusterView, Reply};

use super::super::child::{self, Folder, Process, program, until};
use crate::commands::try_ask_at;
use crate::node::HOME;

pub(super) const HUB: &str = "hub";
pub(super) const CONNECTOR: &str = "connector";
pub(super) const WORKER: &str = "worker";

/// How long nodes may take to find each other.
const TOGETHER_MAX: Duration = Duration::from_secs(60);

pub(super) struct Nodes<'a> {
    folder: &'a Folder,
    url: &'a str,
    port: u16,
    running: BTreeMap<&'static str, Process>,
}

impl<'a> Nodes<'a> {
    /// The three with certificates and configurations, not running. The worker has the folder's contexts.
    pub(super) fn lay(folder: &'a Folder, url: &'a str) -> anyhow::Result<Self> {
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let nodes = Self { folder, url, port, running: BTreeMap::new() };
        nodes.run(&["pki", "init"])?;
        for (name, role) in [(HUB, HUB), (CONNECTOR, CONNECTOR), (WORKER, WORKER)] {
            nodes.add(name, role)?;
        }
        Ok(nodes)
    }

    /// One more node.
    pub(super) fn add(&self, name: &str, role: &str) -> anyhow::Result<PathBuf> {
        let pki = self.data(name).join("agent-runtime/pki");
        std::fs::create_dir_all(&pki)?;
        let out = pki.join("node").display().to_string();
        self.run(&["pki", "node", name, "--roles", role, "--san", "127.0.0.1", "--out", &out])?;
        let key = if role == HUB { "listen = \"" } else { "peers = [\"" };
        let end = if role == HUB { "\"" } else { "\"]" };
        let lines = format!(
            "name = {name:?}\nroles = [{role:?}]\n{key}127.0.0.1:{}{end}\ndata = {:?}",
            self.port,
            self.data(name)
        );
        self.folder.config(name, &lines, self.url, 600)
    }

    /// A command on the hub's data folder.
    fn run(&self, args: &[&str]) -> anyhow::Result<()> {
        let done = program()?.args(args).arg("--data").arg(self.data(HUB)).stdin(Stdio::null()).output()?;
        if !done.status.success() {
            bail!("`{}` ended with {}: {}", args.join(" "), done.status, String::from_utf8_lossy(&done.stderr));
        }
        Ok(())
    }

    pub(super) fn data(&self, name: &str) -> PathBuf {
        if name == WORKER { self.folder.data() } else { self.folder.path().join(name) }
    }

    /// Starts all three, and waits until they work together.
    pub(super) async fn start(&mut self) -> anyhow::Result<()> {
        for name in [HUB, WORKER, CONNECTOR] {
            self.begin(name)?;
        }
        self.holds(WORKER, "ws/home").await?;
        self.holds(CONNECTOR, "connector/console").await
    }

    /// Starts one, without waiting.
    pub(super) fn begin(&mut self, name: &'static str) -> anyhow::Result<()> {
        let config = self.folder.path().join(format!("{name}.toml"));
        self.running.insert(name, child::serve(&config)?);
        Ok(())
    }

    /// Ends one in good order.
    pub(super) async fn end(&mut self, name: &str) -> anyhow::Result<()> {
        self.running.remove(name).with_context(|| format!("{name} does not run"))?.stop().await
    }

    pub(super) fn process(&self, name: &str) -> anyhow::Result<&Process> {
        self.running.get(name).with_context(|| format!("{name} does not run"))
    }

    /// Waits until a node knows that a unit is its own.
    pub(super) async fn holds(&self, name: &str, unit: &str) -> anyhow::Result<()> {
        let data = self.data(name);
        let held = |view: ClusterView| view.units.iter().any(|of| of.unit == unit && of.node.as_deref() == Some(name));
        let what = format!("{name} holds {unit}");
        until(TOGETHER_MAX, &what, || async { Ok(view(&data).await.is_some_and(held)) }).await.map(drop)
    }

    /// Waits until the hub has a link to a node.
    pub(super) async fn is_linked(&self, name: &str) -> anyhow::Result<()> {
        let data = self.data(HUB);
        let linked = |view: ClusterView| view.nodes.iter().any(|of| of.node == name);
        let what = format!("{name} is linked to the hub");
        until(TOGETHER_MAX, &what, || async { Ok(view(&data).await.is_some_and(linked)) }).await.map(drop)
    }
}

/// How the cluster stands, as the node of this data folder knows it; `None` as long as it does not answer.
async fn view(data: &Path) -> Option<ClusterView> {
    match try_ask_at(data, AdminAsk::Cluster, HOME, "general").await {
        Ok(Some(Answered::Cluster(Some(Reply::Described(view))))) => Some(view),
        _ => None,
    }
}
