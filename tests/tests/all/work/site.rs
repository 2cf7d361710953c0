//! A node whose models do as they are told, its workspaces, and who looks at their tasks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use console::client::{Client, Who, fresh_session};
use console::wire::{AdminAsk, Answered, FromNode};
use messages::admin::{ActorView, StatusView, TaskDo};
use messages::step::{Day, Spending};
use messages::store::{TaskFound, TaskRow, TaskRows, TaskView};
use messages::task::{TaskState, Wait};
use messages::{Slug, TaskId};
use tests::fake_model::FakeModel;
use tests::process::{Done, NodeProcess, Spec, program};

use crate::faults::driver::Driver;

/// How long anything here may take that takes a moment.
pub(crate) const SOON: Duration = Duration::from_secs(60);
/// How often something is looked at that can't be waited for.
const LOOK: Duration = Duration::from_millis(20);
/// Tasks of one page.
const PAGE: u32 = 128;
/// How its models are named that always misbehave; a context chooses one by `models`.
const MODELS: &str = "[models]\ndefault = \"fake\"\n[models.routes]\n\
    triage = [\"fake/never_ends\", \"fake/server_error\", \"fake/code:1301\", \"fake/random:7\", \"fake/slow_first_byte:300\"]\n\
    summarize = [\"fake/code:1305\", \"fake/code:1311\", \"fake/unauthorized\"]\n";

/// A data folder with its node and its model. The node is killed when it is dropped.
pub(crate) struct Site {
    folder: tempfile::TempDir,
    pub(crate) model: FakeModel,
    program: PathBuf,
    pub(crate) node: Option<NodeProcess>,
}

impl Site {
    /// A node that serves, with this added to its configuration. Models cost a dollar for a million tokens.
    pub(crate) async fn with(more: &str) -> Self {
        let mut site = Self::laid(more, program().unwrap()).await;
        site.start().await;
        site
    }

    /// The same of another program, not started.
    pub(crate) async fn laid(more: &str, program: PathBuf) -> Self {
        let (folder, model) = (tempfile::tempdir().unwrap(), FakeModel::start(0).await.unwrap());
        let provider = format!(
            "[models.providers.fake]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\nprice_input = 1000000\nprice_output = 1000000\n",
            model.base_url()
        );
        std::fs::write(folder.path().join("agent-runtime.toml"), format!("{MODELS}{provider}{more}")).unwrap();
        Self { folder, model, program, node: None }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn spec(&self, args: &[&str]) -> Spec {
        Spec::new(&self.program, args).folder(self.folder.path())
    }

    pub(crate) async fn start(&mut self) {
        self.start_with(&[]).await;
    }

    pub(crate) async fn start_with(&mut self, env: &[(&str, &str)]) {
        let spec = env.iter().fold(self.spec(&["serve"]), |spec, (name, value)| spec.env(name, *value));
        self.node = Some(NodeProcess::start(spec, &self.data()).await.unwrap());
    }

    /// Starts it to be killed at a marker, and waits until it is.
    pub(crate) async fn dies_at(&self, marker: &str) {
        self.starts_to_die_at(marker).wait(SOON).await.unwrap_or_else(|error| panic!("{marker}: {error:#}"));
    }

    /// Starts it to be killed at a marker.
    pub(crate) fn starts_to_die_at(&self, marker: &str) -> NodeProcess {
        let spec = self.spec(&["serve"]).env("AGENT_RUNTIME_TEST_KILL_AT", marker);
        NodeProcess::spawn(spec, &self.data()).unwrap()
    }

    /// The same without a variable that tests set for all.
    pub(crate) async fn start_unset(&mut self, unset: &str, env: &[(&str, &str)]) {
        let spec = env.iter().fold(self.spec(&["serve"]), |spec, (name, value)| spec.env(name, *value));
        self.node = Some(NodeProcess::start(spec.unset(unset), &self.data()).await.unwrap());
    }

    /// Ends the node as a power cut would, or in good order.
    pub(crate) async fn end_node(&mut self, kill: bool) {
        let mut node = self.node.take().expect("a node");
        if kill {
            node.kill9().unwrap();
        } else {
            assert!(node.stop().await.unwrap().success());
        }
    }

    /// A command on the data folder.
    pub(crate) async fn run(&self, args: &[&str]) -> Done {
        self.spec(args).arg("--data").arg(self.data().display().to_string()).run("").await.unwrap()
    }

    /// A context with this frontmatter, in a workspace that is there.
    pub(crate) fn define(&self, workspace: &str, context: &str, front: &str) {
        let folder = self.data().join("workspaces").join(workspace).join("contexts").join(context);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("context.md"), format!("---\n{front}\n---\n\nBe brief.\n")).unwrap();
    }

    pub(crate) async fn workspace(&self, id: &str) {
        self.run(&["workspace", "create", id]).await.expect_code(0).unwrap();
    }

    /// A member who talks in a context.
    pub(crate) async fn talk(&self, workspace: &str, context: &str) -> Driver {
        Driver::attach_in(&self.data(), workspace, context, "ann").await.unwrap()
    }

    /// Somebody who looks.
    pub(crate) async fn desk(&self) -> Desk {
        Desk::at(&self.data()).await
    }

    pub(crate) async fn verified(&self) {
        self.run(&["verify"]).await.expect_code(0).unwrap();
    }

    /// Everything is as promised while it runs and when it has stopped in good order.
    pub(crate) async fn end(mut self) {
        self.verified().await;
        self.end_node(false).await;
        self.verified().await;
    }
}

/// A session that only asks.
pub(crate) struct Desk {
    client: Client,
    n: u32,
}

impl Desk {
    pub(crate) async fn at(data: &Path) -> Self {
        let who = Who {
            user: "ann".into(),
            workspace: "home".into(),
            context: "general".into(),
            session: fresh_session().unwrap(),
            previews: false,
            only_asks: true,
        };
        Self { client: Client::connect(data, who).await.unwrap().expect("a node"), n: 0 }
    }

    pub(crate) async fn ask(&mut self, what: AdminAsk) -> Answered {
        self.n += 1;
        self.client.ask(self.n, what).unwrap();
        let answer = async {
            loop {
                if let FromNode::Answer { n, reply } = self.client.next().await.unwrap()
                    && n == self.n
                {
                    return reply;
                }
            }
        };
        tokio::time::timeout(SOON, answer).await.expect("an answer")
    }

    /// All tasks of a workspace, newest first.
    pub(crate) async fn tasks(&mut self, workspace: &str) -> Vec<TaskView> {
        let mut tasks: Vec<TaskView> = Vec::new();
        loop {
            let (workspace, before) = (Slug::parse(workspace).unwrap(), tasks.last().map(|task| task.place));
            match self.ask(AdminAsk::Tasks { workspace, open: false, before, limit: PAGE }).await {
                Answered::Tasks(page) if page.is_empty() => return tasks,
                Answered::Tasks(page) => tasks.extend(page),
                other => panic!("{other:?}"),
            }
        }
    }

    /// One task.
    pub(crate) async fn task(&mut self, workspace: &str, id: &TaskId) -> TaskRows {
        match self.find(workspace, id).await {
            TaskFound::Found(rows, _) => *rows,
            other => panic!("{id}: {other:?}"),
        }
    }

    pub(crate) async fn find(&mut self, workspace: &str, id: &TaskId) -> TaskFound {
        let workspace = Slug::parse(workspace).unwrap();
        match self.ask(AdminAsk::Task { workspace, prefix: id.to_string() }).await {
            Answered::Task(found) => found,
            other => panic!("{id}: {other:?}"),
        }
    }

    /// Waits until a task of `home` is so.
    pub(crate) async fn until(&mut self, id: &TaskId, what: &str, is_so: impl Fn(&TaskRow) -> bool) -> TaskRows {
        let until = Instant::now() + SOON;
        loop {
            let rows = self.task("home", id).await;
            if is_so(&rows.task) {
                return rows;
            }
            assert!(Instant::now() < until, "{what}: it is not so within {} s: {}", SOON.as_secs(), shown(&rows));
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until a task of `home` is in this state.
    pub(crate) async fn is(&mut self, id: &TaskId, state: TaskState) -> TaskRows {
        self.until(id, state.as_str(), |task| task.state == state).await
    }

    /// Waits until a task of `home` waits for this.
    pub(crate) async fn waits(&mut self, id: &TaskId, wait: Wait) -> TaskRows {
        self.until(id, wait.as_str(), |task| task.wait == Some(wait)).await
    }

    pub(crate) async fn act(&mut self, id: &TaskId, what: TaskDo) -> Result<String, String> {
        let workspace = Slug::parse("home").unwrap();
        match self.ask(AdminAsk::TaskDo { workspace, prefix: id.to_string(), what }).await {
            Answered::TaskDone(done) => done,
            other => panic!("{id}: {other:?}"),
        }
    }

    pub(crate) async fn status(&mut self) -> StatusView {
        match self.ask(AdminAsk::Status).await {
            Answered::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn actors(&mut self) -> Vec<ActorView> {
        match self.ask(AdminAsk::Actors).await {
            Answered::Actors(actors) => actors,
            other => panic!("{other:?}"),
        }
    }

    /// What each account has spent, on all days.
    pub(crate) async fn usage(&mut self) -> BTreeMap<String, Spending> {
        let what = AdminAsk::Usage { from: Day(0), to: Day(1_000_000), account: String::new() };
        match self.ask(what).await {
            Answered::Usage(rows) => rows.into_iter().map(|of| (of.account.clone(), of)).collect(),
            other => panic!("{other:?}"),
        }
    }
}

/// How a task stands, in a few lines.
pub(crate) fn shown(rows: &TaskRows) -> String {
    let task = &rows.task;
    let steps = rows
        .steps
        .iter()
        .map(|step| format!("\n  {} {:?} {} {}", step.seq, step.what, step.status.as_str(), step.output));
    format!(
        "{} {:?} {:?}, run {}, {} failures, lost {}, until {:?}: {}{}",
        task.id,
        task.state,
        task.wait,
        task.run,
        task.failures,
        task.lost,
        task.not_before,
        task.reason,
        steps.collect::<String>()
    )
}

/// Waits until something outside of the node is so.
pub(crate) async fn until(what: &str, within: Duration, is_so: impl Fn() -> bool) {
    let until = Instant::now() + within;
    while !is_so() {
        assert!(Instant::now() < until, "{what}: not within {} ms", within.as_millis());
        tokio::time::sleep(LOOK).await;
    }
}
