//! Three nodes with certificates of one authority, each a process with a data folder of its own.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tests::process::{Done, NodeProcess, Spec, program};

use crate::faults::driver::Driver;

/// How long anything here may take that takes some seconds.
pub(crate) const SOON: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

pub(crate) const HUB: &str = "hub";
pub(crate) const CONNECTOR: &str = "connector";
pub(crate) const WORKER: &str = "worker";

pub(crate) struct World {
    folder: tempfile::TempDir,
    nodes: BTreeMap<&'static str, NodeProcess>,
}

impl World {
    /// Nodes that have certificates and configurations, and do not run.
    pub(crate) async fn laid() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), nodes: BTreeMap::new() };
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        world.run("pki init", HUB).await;
        for (name, place) in [
            (HUB, format!("listen = \"127.0.0.1:{port}\"\nroles = [\"hub\"]")),
            (CONNECTOR, format!("peers = [\"127.0.0.1:{port}\"]\nroles = [\"connector\"]")),
            (WORKER, format!("peers = [\"127.0.0.1:{port}\"]\nroles = [\"worker\"]")),
        ] {
            let pki = world.data(name).join("agent-runtime/pki/node");
            // What a hub may be is more than what it is here.
            let roles = if name == HUB { "hub,connector,worker" } else { name };
            let line = format!("pki node {name} --roles {roles} --san 127.0.0.1 --out {}", pki.display());
            std::fs::create_dir_all(pki.parent().unwrap()).unwrap();
            world.run(&line, HUB).await;
            std::fs::write(world.config(name), format!("[node]\nname = \"{name}\"\n{place}\n")).unwrap();
        }
        world
    }

    /// The same, running, and the console of the connector answers.
    pub(crate) async fn running() -> Self {
        let mut world = Self::laid().await;
        for name in [HUB, WORKER, CONNECTOR] {
            world.spawn(name);
        }
        world.answers().await;
        world
    }

    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.toml"))
    }

    /// Writes a node's configuration anew, with these lines under `[node]`.
    pub(crate) fn configure(&self, name: &str, lines: &str) {
        std::fs::write(self.config(name), format!("[node]\nname = \"{name}\"\n{lines}\n")).unwrap();
    }

    /// A command on a node's data folder that ends well.
    pub(crate) async fn run(&self, line: &str, name: &str) -> Done {
        let data = self.data(name);
        let args: Vec<&str> = line.split(' ').collect();
        let spec = Spec::new(&program().unwrap(), &args).folder(self.folder.path()).arg("--data");
        spec.arg(data.display().to_string()).run("").await.unwrap().expect_code(0).unwrap()
    }

    /// Starts a node, without waiting.
    pub(crate) fn spawn(&mut self, name: &'static str) {
        let config = self.config(name).display().to_string();
        let spec = Spec::new(&program().unwrap(), &["serve", "--config", &config]).folder(self.folder.path());
        self.nodes.insert(name, NodeProcess::spawn(spec, &self.data(name)).unwrap());
    }

    pub(crate) fn node(&mut self, name: &str) -> &mut NodeProcess {
        self.nodes.get_mut(name).unwrap()
    }

    /// Ends a node in good order.
    pub(crate) async fn stop(&mut self, name: &str) {
        let ended = self.nodes.remove(name).unwrap().stop().await.unwrap();
        assert!(ended.success(), "{name} ended with {ended}:\n{}", self.said(name));
    }

    pub(crate) fn kill(&mut self, name: &str) {
        self.nodes.remove(name).unwrap().kill9().unwrap();
    }

    pub(crate) fn said(&self, name: &str) -> String {
        std::fs::read_to_string(self.data(name).with_extension("stderr")).unwrap_or_default()
    }

    pub(crate) fn all_said(&self) -> String {
        [HUB, CONNECTOR, WORKER].map(|name| format!("== {name}\n{}", self.said(name))).concat()
    }

    /// The connector's console can be attached to.
    pub(crate) async fn answers(&self) {
        self.answers_at(CONNECTOR).await;
    }

    pub(crate) async fn answers_at(&self, name: &str) {
        let until = Instant::now() + SOON;
        while let Err(error) = Driver::attach(&self.data(name)).await {
            assert!(Instant::now() < until, "the console does not answer: {error:#}\n{}", self.all_said());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Attached in a context at the connector.
    pub(crate) async fn attach(&self, context: &str) -> Driver {
        Driver::attach_in(&self.data(CONNECTOR), "home", context, "ann").await.unwrap()
    }

    /// Says it, and gives what is answered.
    pub(crate) async fn ask(&self, driver: &mut Driver, text: &str) -> String {
        match driver.ask(text, SOON).await {
            Ok(ended) => ended.text,
            Err(error) => panic!("{text}: {error:#}\n{}", self.all_said()),
        }
    }

    /// What a command gives in JSON.
    pub(crate) async fn told(&self, line: &str, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.run(line, name).await.stdout).unwrap()
    }

    /// Waits until something can be seen.
    pub(crate) async fn until(&self, seen: impl Fn(&Self) -> bool) {
        let until = Instant::now() + SOON;
        while !seen(self) {
            assert!(Instant::now() < until, "{}", self.all_said());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The whole store, its audit chain and its promises.
    pub(crate) async fn verified(&self) -> String {
        let config = self.config(HUB).display().to_string();
        self.run(&format!("verify --config {config}"), HUB).await.stdout
    }
}
