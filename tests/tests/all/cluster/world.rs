//! A cluster as the tests of this folder use it: what fails, fails the test, with all that the nodes have said.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tests::cluster::{Cluster, NodePlan, three};
use tests::process::{Done, NodeProcess};

use super::versions::until_seen;
use crate::faults::driver::Driver;

/// How long anything here may take that takes some seconds.
pub(crate) const SOON: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

pub(crate) const HUB: &str = "hub";
pub(crate) const CONNECTOR: &str = "connector";
pub(crate) const WORKER: &str = "worker";
/// Where there are two.
pub(crate) const WORKER_2: &str = "worker-2";

/// When a line was logged, in milliseconds since the epoch.
pub(super) fn logged_at(line: &str) -> Option<i64> {
    line.split_once(' ').and_then(|(time, _)| markdown::civil::parse_date(time))
}

pub(crate) struct World {
    pub(crate) cluster: Cluster,
}

impl World {
    /// A hub, a connector and a worker that have certificates and configurations, and do not run.
    pub(crate) async fn laid() -> Self {
        Self::of(three()).await
    }

    /// The same with other nodes.
    pub(crate) async fn of(plans: Vec<NodePlan>) -> Self {
        Self { cluster: Cluster::laid(plans).await.unwrap() }
    }

    /// A hub, a connector and a worker that run, and the console of the connector answers.
    pub(crate) async fn running() -> Self {
        let mut world = Self::laid().await;
        world.start().await;
        world
    }

    /// Starts all that do not run, and waits until the hub has links with all others and the connector's console answers.
    pub(crate) async fn start(&mut self) {
        self.cluster.spawn_all().unwrap();
        let hub = self.cluster.hub().unwrap().name.clone();
        for plan in self.cluster.plans().iter().filter(|plan| plan.name != hub) {
            self.linked(&hub, &plan.name).await;
        }
        self.answers().await;
    }

    /// Waits until the hub has a link with a node.
    pub(crate) async fn linked(&self, hub: &str, name: &str) {
        until_seen(self, hub, name, |node| node["why"] == "" && node["away"] == false).await;
    }

    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.cluster.data(name)
    }

    /// Writes a node's configuration anew, with these lines under `[node]`.
    pub(crate) fn configure(&self, name: &str, lines: &str) {
        self.cluster.write(name, lines).unwrap();
    }

    /// A command on a node's data folder that ends well.
    pub(crate) async fn run(&self, line: &str, name: &str) -> Done {
        self.cluster.run(line, name).await.unwrap().expect_code(0).unwrap()
    }

    /// Starts a node, without waiting.
    pub(crate) fn spawn(&mut self, name: &str) {
        self.cluster.spawn(name).unwrap();
    }

    pub(crate) fn node(&mut self, name: &str) -> &mut NodeProcess {
        self.cluster.node(name).unwrap()
    }

    /// Ends a node in good order.
    pub(crate) async fn stop(&mut self, name: &str) {
        let ended = self.cluster.stop(name).await.unwrap();
        assert!(ended.success(), "{name} ended with {ended}:\n{}", self.said(name));
    }

    pub(crate) fn kill(&mut self, name: &str) {
        self.cluster.kill(name).unwrap();
    }

    pub(crate) fn said(&self, name: &str) -> String {
        self.cluster.said(name)
    }

    pub(crate) fn all_said(&self) -> String {
        self.cluster.all_said()
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

    /// Waits until a unit is where it is for this reason, and not on its way.
    pub(crate) async fn placed(&self, unit: &str, why: &str) {
        let until = Instant::now() + SOON;
        loop {
            let units = self.told("placement --json", HUB).await;
            let of = units.as_array().unwrap().iter().find(|of| of["unit"] == unit);
            if of.is_some_and(|of| of["why"].as_str().unwrap_or_default().contains(why)) {
                return;
            }
            assert!(Instant::now() < until, "{unit} is not where it is because {why}: {units}\n{}", self.all_said());
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
        self.cluster.verified().await.unwrap()
    }
}
