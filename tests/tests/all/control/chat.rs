//! A node with a model that does as it is told, and people who talk to it over the wire.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use console::client::{Client, Who};
use console::wire::FromNode;
use messages::InboundId;
use messages::turn::Outcome;
use tests::fake_model::FakeModel;
use tests::process::{Done, NodeProcess, Spec, program};

/// How long anything here may take.
const WITHIN: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);

/// A running node and its model.
pub(super) struct Scene {
    folder: tempfile::TempDir,
    pub(super) model: FakeModel,
    node: NodeProcess,
    wire: bool,
}

impl Scene {
    pub(super) async fn set(wire: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let model = FakeModel::start(0).await.unwrap();
        let config = format!(
            "[models]\ndefault = \"fake\"\n[models.providers.fake]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\n",
            model.base_url()
        );
        std::fs::write(folder.path().join("agent-runtime.toml"), config).unwrap();
        let node = start(folder.path(), wire).await;
        Self { folder, model, node, wire }
    }

    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// The file of the context, with this line of frontmatter.
    pub(super) fn define(&self, line: &str) {
        let text = format!("---\n{line}\n---\n\nBe kind.\n");
        std::fs::write(self.path("data/workspaces/home/contexts/general/context.md"), text).unwrap();
    }

    pub(super) async fn chat(&self, user: &str, session: &str) -> Chat {
        let who = Who {
            user: user.to_owned(),
            workspace: "home".to_owned(),
            context: "general".to_owned(),
            session: session.to_owned(),
            previews: false,
            only_asks: false,
        };
        let client = Client::connect(&self.path("data"), who).await.unwrap().expect("a node");
        Chat { client, next: 1, ended: HashMap::new(), order: Vec::new() }
    }

    /// Waits until something is so.
    pub(super) async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let until = Instant::now() + WITHIN;
        while !is_so() {
            assert!(Instant::now() < until, "{what}: not within {} s\n{}", WITHIN.as_secs(), self.node.said());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the model works on so many calls; what was said leaves first.
    pub(super) async fn until_running(&self, calls: u64, chat: &mut Chat) {
        chat.flush().await;
        self.until("the model is asked", || self.model.stats().in_flight == calls).await;
    }

    pub(super) fn last_request(&self) -> String {
        self.model.requests().last().map(ToString::to_string).unwrap_or_default()
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.path("data/workspaces/home/logs/console/general.md")).unwrap_or_default()
    }

    pub(super) fn command(&self, args: &[&str]) -> Spec {
        let spec = Spec::new(&program().unwrap(), args).folder(self.folder.path());
        spec.arg("--data").arg(self.path("data").display().to_string())
    }

    /// `verify` finds nothing.
    pub(super) async fn verified(&self) -> Done {
        self.command(&["verify"]).run("").await.unwrap().expect_code(0).unwrap()
    }

    /// Stops the node in good order, and what `change` does happens while it is away.
    pub(super) async fn restarted_after(self, change: impl FnOnce(&std::path::Path)) -> Self {
        let Self { folder, model, node, wire } = self;
        assert!(node.stop().await.unwrap().success());
        change(folder.path());
        let node = start(folder.path(), wire).await;
        Self { folder, model, node, wire }
    }

    pub(super) async fn restarted(self) -> Self {
        self.restarted_after(|_| {}).await
    }

    /// Nothing was lost, and the node stops in good order.
    pub(super) async fn end(self) {
        self.verified().await;
        assert!(self.node.stop().await.unwrap().success());
    }
}

async fn start(folder: &std::path::Path, wire: bool) -> NodeProcess {
    let spec = Spec::new(&program().unwrap(), &["serve"]).folder(folder);
    let spec = spec.env("AGENT_RUNTIME_RUNTIME__FORCE_WIRE_FORM", wire.to_string());
    NodeProcess::start(spec, &folder.join("data")).await.unwrap()
}

/// How an event ended.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) text: String,
    pub(super) reason: String,
}

/// One person's client.
pub(super) struct Chat {
    client: Client,
    next: u64,
    ended: HashMap<InboundId, End>,
    order: Vec<InboundId>,
}

impl Chat {
    fn event(&mut self) -> String {
        let event = format!("{}:{}", self.client.session(), self.next);
        self.next += 1;
        event
    }

    /// Says something; it leaves with the next wait.
    pub(super) fn say(&mut self, text: &str) -> InboundId {
        let event = self.event();
        self.client.submit(&event, text).unwrap()
    }

    /// Says again what has this number.
    pub(super) fn repeat(&mut self, n: u64, text: &str) -> InboundId {
        let event = format!("{}:{n}", self.client.session());
        self.client.submit(&event, text).unwrap()
    }

    /// Edits what has this number.
    pub(super) fn edit(&mut self, n: u64, text: &str) -> InboundId {
        let (event, target) = (self.event(), format!("{}:{n}", self.client.session()));
        self.client.edit(&event, &target, text).unwrap()
    }

    /// Deletes what has this number.
    pub(super) fn delete(&mut self, n: u64) -> InboundId {
        let (event, target) = (self.event(), format!("{}:{n}", self.client.session()));
        self.client.delete(&event, &target).unwrap()
    }

    pub(super) async fn flush(&mut self) {
        self.client.flush().await.unwrap();
    }

    /// Waits for an event's end.
    pub(super) async fn end(&mut self, inbound: &InboundId) -> End {
        let wait = async {
            while !self.ended.contains_key(inbound) {
                self.hear(true).await;
            }
        };
        tokio::time::timeout(WITHIN, wait).await.unwrap_or_else(|_| panic!("{inbound} has no end"));
        self.ended[inbound].clone()
    }

    /// Says something and gives the reply.
    pub(super) async fn answered(&mut self, text: &str) -> String {
        let inbound = self.say(text);
        let end = self.end(&inbound).await;
        assert_eq!(end.outcome, Outcome::Replied, "{text}: {end:?}");
        end.text
    }

    /// Waits for the next reply and does not say that it came.
    pub(super) async fn takes_and_says_nothing(&mut self) {
        while self.ended.is_empty() {
            tokio::time::timeout(WITHIN, self.hear(false)).await.unwrap();
        }
    }

    /// The replies so far, in the order of their coming.
    pub(super) fn replies(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(|inbound| self.ended[inbound].text.as_str())
    }

    async fn hear(&mut self, flushes: bool) {
        let end = match self.client.next().await.unwrap() {
            FromNode::Reply(reply) => {
                if flushes {
                    self.client.flushed(reply.delivery).unwrap();
                    self.client.flush().await.unwrap();
                }
                let Some(outcome) = reply.outcome else { return };
                self.order.push(reply.inbound.clone());
                (reply.inbound, End { outcome, text: reply.text, reason: String::new() })
            }
            FromNode::Settled { inbound, outcome, reason } => (inbound, End { outcome, text: String::new(), reason }),
            FromNode::NotAccepted { event, why } => panic!("{event}: {why}"),
            _ => return,
        };
        self.ended.insert(end.0, end.1);
    }

    /// Leaves in good order.
    pub(super) async fn leave(self) {
        self.client.leave().await;
    }
}
