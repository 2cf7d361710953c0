//! A deployment with a model that does as it is told, and people who talk to it over the wire.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use console::client::Who;
use messages::InboundId;
use messages::turn::Outcome;
use tests::deployment::{Deployment, Shape};
use tests::fake_model::FakeModel;
use tests::process::Done;

use crate::faults::driver::{Driver, Ended};

/// How long anything here may take.
const WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(10);

/// What runs, and its model.
pub(super) struct Scene {
    deployment: Deployment,
    pub(super) model: FakeModel,
}

impl Scene {
    pub(super) async fn set(shape: Shape) -> Self {
        let mut deployment = Deployment::laid(shape).await.unwrap();
        let model = FakeModel::start(0).await.unwrap();
        let config = format!(
            "[models]\ndefault = \"fake\"\n[models.providers.fake]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\n",
            model.base_url()
        );
        deployment.configure(&config).unwrap();
        deployment.start().await.unwrap();
        Self { deployment, model }
    }

    /// Where the files of `home` are.
    pub(super) fn files(&self) -> PathBuf {
        self.deployment.files("home")
    }

    /// All data folders.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        self.deployment.folders()
    }

    /// The file of the context, with this line of frontmatter.
    pub(super) fn define(&self, line: &str) {
        let text = format!("---\n{line}\n---\n\nBe kind.\n");
        std::fs::write(self.files().join("contexts/general/context.md"), text).unwrap();
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
        Chat(Driver::attach_to(&self.deployment.reach(), who).await.unwrap())
    }

    /// Waits until something is so.
    pub(super) async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let until = Instant::now() + WITHIN;
        while !is_so() {
            assert!(Instant::now() < until, "{what}: not within {} s\n{}", WITHIN.as_secs(), self.deployment.said());
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
        std::fs::read_to_string(self.files().join("logs/console/general.md")).unwrap_or_default()
    }

    /// A command at the node that answers it.
    pub(super) async fn run(&self, args: &[&str], input: impl Into<Vec<u8>>) -> Done {
        self.deployment.run(args, input).await.unwrap()
    }

    /// `verify` finds nothing.
    pub(super) async fn verified(&self) -> Done {
        self.deployment.verified().await.unwrap()
    }

    /// Stops all in good order, and what `change` does happens meanwhile.
    pub(super) async fn restarted_after(mut self, change: impl FnOnce(&Self)) -> Self {
        self.deployment.end(false).await.unwrap();
        change(&self);
        self.deployment.start().await.unwrap();
        self
    }

    pub(super) async fn restarted(self) -> Self {
        self.restarted_after(|_| {}).await
    }

    /// Nothing was lost, and all stops in good order.
    pub(super) async fn end(mut self) {
        self.deployment.calm().await.unwrap();
        self.verified().await;
        self.deployment.end(false).await.unwrap();
    }
}

/// One person's client.
pub(super) struct Chat(Driver);

impl Chat {
    /// Says something; it leaves with the next wait.
    pub(super) fn say(&mut self, text: &str) -> InboundId {
        self.0.put(text).unwrap()
    }

    /// Says again what has this number.
    pub(super) fn repeat(&mut self, n: u64, text: &str) -> InboundId {
        self.0.put_again(n, text).unwrap()
    }

    /// Edits what has this number.
    pub(super) fn edit(&mut self, n: u64, text: &str) -> InboundId {
        self.0.put_edit(n, text).unwrap()
    }

    /// Deletes what has this number.
    pub(super) fn delete(&mut self, n: u64) -> InboundId {
        self.0.put_delete(n).unwrap()
    }

    pub(super) async fn flush(&mut self) {
        self.0.flush().await.unwrap();
    }

    /// Waits until so many events are in turns or wait for those that are.
    pub(super) async fn until_taken(&mut self, events: u64) {
        self.0.status_until(WITHIN, |status| status.counts.taken == events).await.unwrap();
    }

    /// Waits for an event's end.
    pub(super) async fn end(&mut self, inbound: &InboundId) -> Ended {
        self.0
            .settled(std::slice::from_ref(inbound), WITHIN)
            .await
            .unwrap_or_else(|error| panic!("{inbound}: {error:#}"));
        self.0.ended[inbound].clone()
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
        self.0.takes_and_says_nothing(WITHIN).await.unwrap();
    }

    /// How events have ended so far, in the order of their ends.
    pub(super) fn ends(&self) -> impl Iterator<Item = &str> {
        self.0.order.iter().map(|inbound| self.0.ended[inbound].text.as_str())
    }

    /// Leaves in good order.
    pub(super) async fn leave(self) {
        self.0.leave().await;
    }
}
