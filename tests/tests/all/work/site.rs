//! A deployment whose models do as they are told, and its workspaces.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use console::client::{Who, fresh_session};
use tests::deployment::{Deployment, Shape};
use tests::fake_model::FakeModel;
use tests::process::{Done, NodeProcess, Spec};

use super::desk::Desk;
use crate::faults::driver::Driver;

/// How long anything here may take that takes a moment.
pub(crate) const SOON: Duration = Duration::from_secs(60);
/// How often something is looked at that can't be waited for.
pub(super) const LOOK: Duration = Duration::from_millis(20);
/// How its models are named that always misbehave; a context chooses one by `models`.
const MODELS: &str = "[models]\ndefault = \"fake\"\n[models.routes]\n\
    triage = [\"fake/never_ends\", \"fake/server_error\", \"fake/code:1301\", \"fake/random:7\", \"fake/slow_first_byte:300\"]\n\
    summarize = [\"fake/code:1305\", \"fake/code:1311\", \"fake/unauthorized\"]\n";

/// A deployment and its model. Its nodes are killed when it is dropped.
pub(crate) struct Site {
    deployment: Deployment,
    pub(crate) model: FakeModel,
    config: String,
}

impl Site {
    /// One process that serves, with this added to its configuration. Models cost a dollar for a million tokens.
    pub(crate) async fn with(more: &str) -> Self {
        Self::of(Shape::OneProcess, more).await
    }

    /// The same in a shape.
    pub(crate) async fn of(shape: Shape, more: &str) -> Self {
        let mut site = Self::not_started(shape, more).await;
        site.start().await;
        site
    }

    /// The same, not started.
    pub(crate) async fn not_started(shape: Shape, more: &str) -> Self {
        Self::on(Deployment::laid(shape).await.unwrap(), more).await
    }

    /// One process of another program, not started.
    pub(crate) async fn laid(more: &str, program: PathBuf) -> Self {
        Self::on(Deployment::by(program).await.unwrap(), more).await
    }

    async fn on(deployment: Deployment, more: &str) -> Self {
        let model = FakeModel::start(0).await.unwrap();
        let provider = format!(
            "[models.providers.fake]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\nprice_input = 1000000\nprice_output = 1000000\n",
            model.base_url()
        );
        let mut site = Self { deployment, model, config: String::new() };
        site.configure(|_| format!("{MODELS}{provider}{more}"));
        site
    }

    /// Writes the configuration anew, from what it was; it is in force with the next start.
    pub(crate) fn configure(&mut self, change: impl FnOnce(&str) -> String) {
        self.config = change(&self.config);
        self.deployment.configure(&self.config).unwrap();
    }

    pub(crate) fn shape(&self) -> Shape {
        self.deployment.shape()
    }

    /// Models were called so often since the start; where nodes are killed, what was cut off asks again.
    pub(crate) fn called(&self, calls: u64) {
        let was = self.model.stats().calls;
        assert!(was == calls || self.shape().has_kills() && was > calls, "{was} calls, and not {calls}");
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.deployment.folder().join(relative)
    }

    /// The data folder of one process.
    pub(crate) fn data(&self) -> PathBuf {
        assert!(!self.shape().is_cluster(), "a cluster has several data folders");
        self.path("data")
    }

    /// All data folders.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        self.deployment.folders()
    }

    /// Where a workspace's files are.
    pub(crate) fn files(&self, workspace: &str) -> PathBuf {
        self.deployment.files(workspace)
    }

    pub(crate) async fn start(&mut self) {
        self.deployment.start().await.unwrap();
    }

    /// One process with these variables.
    pub(crate) async fn start_with(&mut self, env: &[(&str, &str)]) {
        let with = |spec: Spec| env.iter().fold(spec, |spec, (name, value)| spec.env(name, *value));
        self.deployment.start_with(with).await.unwrap();
    }

    /// Starts one process to be killed at a marker, and waits until it is.
    pub(crate) async fn dies_at(&self, marker: &str) {
        self.starts_to_die_at(marker).wait(SOON).await.unwrap_or_else(|error| panic!("{marker}: {error:#}"));
    }

    /// Starts one process to be killed at a marker.
    pub(crate) fn starts_to_die_at(&self, marker: &str) -> NodeProcess {
        let spec = self.deployment.serve().env("AGENT_RUNTIME_TEST_KILL_AT", marker);
        NodeProcess::spawn(spec, &self.data()).unwrap()
    }

    /// One process without a variable that tests set for all.
    pub(crate) async fn start_unset(&mut self, unset: &str, env: &[(&str, &str)]) {
        let with = |spec: Spec| env.iter().fold(spec, |spec, (name, value)| spec.env(name, *value)).unset(unset);
        self.deployment.start_with(with).await.unwrap();
    }

    /// The one process.
    pub(crate) fn node(&self) -> &NodeProcess {
        self.deployment.node().expect("one process that runs")
    }

    pub(crate) fn runs(&self) -> bool {
        self.deployment.node().is_some()
    }

    /// The one process, to be waited for.
    pub(crate) fn take_node(&mut self) -> NodeProcess {
        self.deployment.take_node().expect("one process that runs")
    }

    /// Ends all nodes as a power cut would, or in good order.
    pub(crate) async fn end_node(&mut self, kill: bool) {
        self.deployment.end(kill).await.unwrap();
    }

    /// A command at the node that answers it.
    pub(crate) async fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, "").await
    }

    /// The same with something on its standard input.
    pub(crate) async fn run_with(&self, args: &[&str], input: impl Into<Vec<u8>>) -> Done {
        self.deployment.run(args, input).await.unwrap()
    }

    /// A context with this frontmatter, in a workspace that is there.
    pub(crate) fn define(&self, workspace: &str, context: &str, front: &str) {
        let folder = self.files(workspace).join("contexts").join(context);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("context.md"), format!("---\n{front}\n---\n\nBe brief.\n")).unwrap();
    }

    pub(crate) async fn workspace(&self, id: &str) {
        self.deployment.workspace(id, &[]).await.unwrap();
    }

    /// A private workspace.
    pub(crate) async fn workspace_of(&self, id: &str, owner: &str) {
        self.deployment.workspace(id, &["--owner", owner]).await.unwrap();
    }

    /// A member who talks in a context.
    pub(crate) async fn talk(&self, workspace: &str, context: &str) -> Driver {
        self.talk_as("ann", workspace, context).await
    }

    /// The same as somebody.
    pub(crate) async fn talk_as(&self, user: &str, workspace: &str, context: &str) -> Driver {
        self.attach(user, workspace, context, fresh_session().unwrap()).await
    }

    /// The same as a session that was there before.
    pub(crate) async fn talk_again(&self, session: &str) -> Driver {
        self.attach("ann", "home", "general", session.to_owned()).await
    }

    async fn attach(&self, user: &str, workspace: &str, context: &str, session: String) -> Driver {
        let who = Who {
            user: user.into(),
            workspace: workspace.into(),
            context: context.into(),
            session,
            previews: false,
            only_asks: false,
        };
        Driver::attach_to(&self.deployment.reach(), who).await.unwrap()
    }

    /// Somebody who looks.
    pub(crate) async fn desk(&self) -> Desk {
        Desk::of(self.deployment.reach()).await
    }

    pub(crate) async fn verified(&self) {
        self.deployment.verified().await.unwrap();
    }

    /// Everything is as promised while it runs and when it has stopped in good order.
    pub(crate) async fn end(mut self) {
        self.deployment.calm().await.unwrap();
        println!("nodes were killed {} times", self.deployment.killed());
        self.verified().await;
        self.end_node(false).await;
        self.verified().await;
    }
}

/// Waits until something outside of the node is so.
pub(crate) async fn until(what: &str, within: Duration, is_so: impl Fn() -> bool) {
    let until = Instant::now() + within;
    while !is_so() {
        assert!(Instant::now() < until, "{what}: not within {} ms", within.as_millis());
        tokio::time::sleep(LOOK).await;
    }
}
