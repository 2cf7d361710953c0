//! A person at the console who waits for outcomes, and remembers what was said meanwhile.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use console::client::{Client, ClientError, Redial, Who, fresh_session};
use console::wire::{AdminAsk, Answered, FromNode};
use messages::admin::StatusView;
use messages::turn::Outcome;
use messages::{InboundId, Slug, TaskId};
use tests::deployment::Reach;
use tokio::time::Instant;

use super::doubts::{Doubt, doubts};

/// How long a client may wait until it has room for another event.
const ROOM_MAX: Duration = Duration::from_secs(90);
/// How often it is looked for replies that will not come, where nodes are killed.
const DOUBTS_EVERY: Duration = Duration::from_millis(500);
/// How often it is tried to attach.
const LOOK: Duration = Duration::from_millis(50);
/// How long a node that was killed may take until a client is attached again, in milliseconds.
const REDIAL_MS_MAX: u64 = 30_000;

/// How one event ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// The reply; without one, why it ended so.
    pub(crate) text: String,
    /// Why it ended without a reply.
    pub(crate) reason: String,
    /// When its client was told.
    pub(crate) at: Instant,
}

/// An attached session.
pub(crate) struct Driver {
    client: Client,
    workspace: Slug,
    number: u64,
    /// Events in the order in which they ended.
    pub(crate) order: Vec<InboundId>,
    pub(crate) ended: HashMap<InboundId, Ended>,
    /// What came besides, or after the end: words of tasks, each once.
    pub(crate) later: HashMap<InboundId, Vec<String>>,
    /// Why the node let us wait, as often as it said so.
    pub(crate) busy: Vec<String>,
    /// Why events were not accepted.
    pub(crate) refused: Vec<String>,
    /// Replies by their delivery: none may come twice.
    deliveries: HashMap<i64, InboundId>,
    question: u32,
    /// Where nodes are killed, it attaches again by itself.
    reach: Option<Reach>,
}

impl Driver {
    pub(crate) async fn attach(data: &Path) -> anyhow::Result<Self> {
        Self::attach_in(data, "home", "general", "ann").await
    }

    /// As the same session as before: what is said again in its order are the same events.
    pub(crate) async fn attach_again(data: &Path, session: &str) -> anyhow::Result<Self> {
        let who = Who {
            user: "ann".into(),
            workspace: "home".into(),
            context: "general".into(),
            session: session.into(),
            previews: false,
            only_asks: false,
        };
        Self::attach_as(data, who).await
    }

    /// The name of its session.
    pub(crate) fn session(&self) -> &str {
        self.client.session()
    }

    /// As this user in this context.
    pub(crate) async fn attach_in(data: &Path, workspace: &str, context: &str, user: &str) -> anyhow::Result<Self> {
        let who = Who {
            user: user.into(),
            workspace: workspace.into(),
            context: context.into(),
            session: fresh_session()?,
            previews: false,
            only_asks: false,
        };
        Self::attach_as(data, who).await
    }

    pub(crate) async fn attach_as(data: &Path, who: Who) -> anyhow::Result<Self> {
        let client = Client::connect(data, who.clone()).await?.context("nobody serves the data folder")?;
        Self::over(client, &who, None)
    }

    /// Attached to a deployment, for as long as it is there.
    pub(crate) async fn attach_to(reach: &Reach, who: Who) -> anyhow::Result<Self> {
        let _gate = reach.keep(&reach.people).await;
        let until = Instant::now() + Duration::from_millis(REDIAL_MS_MAX);
        let client = loop {
            // One that was killed is there again soon, and one that is given the account closes a door before it opens another.
            match Client::connect(&reach.people, who.clone()).await {
                Ok(Some(client)) => break client,
                Err(error) if !reach.has_kills => return Err(error.into()),
                other if Instant::now() >= until => break other?.context("nobody serves the data folder")?,
                _ => tokio::time::sleep(LOOK).await,
            }
        };
        Self::over(client, &who, reach.has_kills.then(|| reach.clone()))
    }

    fn over(client: Client, who: &Who, reach: Option<Reach>) -> anyhow::Result<Self> {
        let workspace = Slug::parse(&who.workspace)?;
        Ok(Self {
            client,
            reach,
            workspace,
            number: 0,
            order: Vec::new(),
            ended: HashMap::new(),
            later: HashMap::new(),
            busy: Vec::new(),
            refused: Vec::new(),
            deliveries: HashMap::new(),
            question: 0,
        })
    }

    /// Submits words and sends them; while too many events are under way, takes frames first.
    pub(crate) async fn say(&mut self, text: &str) -> anyhow::Result<InboundId> {
        let event = self.event();
        while !self.client.has_room() {
            let frame = tokio::time::timeout(ROOM_MAX, self.client.next()).await;
            match frame.context("no room for another event")? {
                Ok(frame) => self.take(frame)?,
                Err(error) => self.lost(error).await?,
            }
        }
        let inbound = self.client.submit(&event, text)?;
        self.flush().await?;
        Ok(inbound)
    }

    fn event(&mut self) -> String {
        self.number += 1;
        self.event_of(self.number)
    }

    fn event_of(&self, n: u64) -> String {
        format!("{}:{n}", self.client.session())
    }

    /// Submits words without sending them: whether the node is there is found out later.
    pub(crate) fn put(&mut self, text: &str) -> anyhow::Result<InboundId> {
        let event = self.event();
        Ok(self.client.submit(&event, text)?)
    }

    /// The same of what was said as number `n` before.
    pub(crate) fn put_again(&mut self, n: u64, text: &str) -> anyhow::Result<InboundId> {
        let event = self.event_of(n);
        Ok(self.client.submit(&event, text)?)
    }

    /// The same of new words for what was said as number `n`.
    pub(crate) fn put_edit(&mut self, n: u64, text: &str) -> anyhow::Result<InboundId> {
        let (event, target) = (self.event(), self.event_of(n));
        Ok(self.client.edit(&event, &target, text)?)
    }

    /// The same of the wish that what was said as number `n` be forgotten.
    pub(crate) fn put_delete(&mut self, n: u64) -> anyhow::Result<InboundId> {
        let (event, target) = (self.event(), self.event_of(n));
        Ok(self.client.delete(&event, &target)?)
    }

    /// Sends what was submitted.
    pub(crate) async fn flush(&mut self) -> anyhow::Result<()> {
        match self.client.flush().await {
            Ok(()) => Ok(()),
            Err(error) => self.lost(error).await,
        }
    }

    /// The connection was lost: where nodes are killed, it goes on by the next one, and says again what was not heard.
    async fn lost(&mut self, error: ClientError) -> anyhow::Result<()> {
        match self.reach.clone() {
            Some(reach) => self.dial_again(&reach.people).await,
            None => Err(error.into()),
        }
    }

    /// Replies that were under way when the connector was killed do not come any more: what they said is in the store.
    fn doubts(&mut self) -> anyhow::Result<()> {
        let Some(reach) = &self.reach else { return Ok(()) };
        for Doubt { delivery, inbound, outcome, text } in doubts(&reach.store, self.client.session()) {
            if self.deliveries.contains_key(&delivery) {
                continue;
            }
            self.deliveries.insert(delivery, inbound.clone());
            match outcome {
                Some(outcome) => self.end(inbound, outcome?, text, String::new()),
                None => self.later.entry(inbound).or_default().push(text),
            }
        }
        Ok(())
    }

    /// Waits for the next end and does not say that its reply came.
    pub(crate) async fn takes_and_says_nothing(&mut self, within: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + within;
        loop {
            let frame = tokio::time::timeout_at(until, self.client.next()).await.context("no reply")??;
            if matches!(&frame, FromNode::Reply(reply) if reply.outcome.is_some()) {
                return Ok(());
            }
        }
    }

    /// Goes on with whoever serves the folder now; what was delivered before may not come again.
    pub(crate) async fn dial_again(&mut self, data: &Path) -> anyhow::Result<()> {
        Ok(self.client.redial(&Redial { data: data.to_owned(), wait_ms_max: REDIAL_MS_MAX }).await?)
    }

    /// Deletes what was said as number `n`, and waits until that is done.
    pub(crate) async fn delete(&mut self, n: u64, within: Duration) -> anyhow::Result<Ended> {
        let inbound = self.put_delete(n)?;
        self.settled(std::slice::from_ref(&inbound), within).await?;
        self.ended.get(&inbound).cloned().context("it was not accepted")
    }

    /// Asks for a task; gives the message that asked, and the task.
    pub(crate) async fn task(&mut self, words: &str, within: Duration) -> anyhow::Result<(InboundId, TaskId)> {
        let inbound = self.say(&format!("/task {words}")).await?;
        self.settled(std::slice::from_ref(&inbound), within).await?;
        let task = self.task_of(&inbound);
        match self.ended.get(&inbound) {
            Some(ended) if ended.text.contains(task.as_str()) => Ok((inbound, task)),
            other => bail!("no task was made: {other:?}"),
        }
    }

    /// The task that a message has made.
    pub(crate) fn task_of(&self, inbound: &InboundId) -> TaskId {
        TaskId::of(self.workspace.as_str(), inbound.as_str())
    }

    /// Waits until a task of this message has said so many things.
    pub(crate) async fn heard(&mut self, inbound: &InboundId, words: usize, within: Duration) -> anyhow::Result<()> {
        let so_far = |driver: &Self| driver.later.get(inbound).map_or(0, Vec::len);
        let until = self.until(within, |driver| so_far(driver) >= words).await;
        until.with_context(|| format!("{} of {words} words of its task have come", so_far(self)))?;
        self.flush().await
    }

    /// Says it and waits for how it ends.
    pub(crate) async fn ask(&mut self, text: &str, within: Duration) -> anyhow::Result<Ended> {
        let inbound = self.say(text).await?;
        self.settled(std::slice::from_ref(&inbound), within).await?;
        self.ended.get(&inbound).cloned().context("it was not accepted")
    }

    /// Waits until all these have ended.
    pub(crate) async fn settled(&mut self, all: &[InboundId], within: Duration) -> anyhow::Result<()> {
        let left = |driver: &Self| all.iter().filter(|id| !driver.ended.contains_key(id)).count();
        self.until(within, |driver| left(driver) == 0 || !driver.refused.is_empty()).await.with_context(|| {
            format!("{} of {} events have no outcome; the node said it waits: {:?}", left(self), all.len(), self.busy)
        })?;
        // The last acknowledgements must not wait for the next frame.
        self.flush().await?;
        if let Some(why) = self.refused.first() {
            bail!("not accepted: {why}");
        }
        Ok(())
    }

    /// Takes frames until it is so.
    pub(crate) async fn until(&mut self, within: Duration, is_so: impl Fn(&Self) -> bool) -> anyhow::Result<()> {
        let until = Instant::now() + within;
        while !is_so(self) {
            let look = until.min(Instant::now() + DOUBTS_EVERY);
            match tokio::time::timeout_at(look, self.client.next()).await {
                Ok(Ok(frame)) => self.take(frame)?,
                Ok(Err(error)) => self.lost(error).await?,
                Err(_) if Instant::now() < until => self.doubts()?,
                Err(_) => bail!("not within {} s", within.as_secs()),
            }
        }
        Ok(())
    }

    /// Takes what comes for so long. `false`: the connection has ended.
    pub(crate) async fn listen(&mut self, time: Duration) -> anyhow::Result<bool> {
        let until = Instant::now() + time;
        loop {
            match tokio::time::timeout_at(until, self.client.next()).await {
                // Acknowledgements must not wait for the next frame.
                Err(_) => return Ok(self.client.flush().await.is_ok()),
                Ok(Ok(frame)) => self.take(frame)?,
                Ok(Err(_)) => return Ok(false),
            }
        }
    }

    fn take(&mut self, frame: FromNode) -> anyhow::Result<()> {
        match frame {
            FromNode::Reply(reply) => {
                if self.deliveries.insert(reply.delivery, reply.inbound.clone()).is_some() {
                    bail!("reply {} came twice", reply.delivery);
                }
                match reply.outcome {
                    Some(outcome) => self.end(reply.inbound, outcome, reply.text, String::new()),
                    None => self.later.entry(reply.inbound).or_default().push(reply.text),
                }
                self.client.flushed(reply.delivery)?;
            }
            FromNode::Settled { inbound, outcome, reason } => {
                if outcome == Outcome::InDoubt {
                    self.doubts()?;
                }
                self.end(inbound, outcome, reason.clone(), reason);
            }
            FromNode::Busy { why } => self.busy.push(why),
            FromNode::NotAccepted { why, .. } => self.refused.push(why),
            _ => {}
        }
        Ok(())
    }

    /// A client that attaches again is told of an end again.
    fn end(&mut self, inbound: InboundId, outcome: Outcome, text: String, reason: String) {
        if self.ended.contains_key(&inbound) && self.reach.is_some() {
            return;
        }
        self.order.push(inbound.clone());
        // One that attaches again is told again.
        let at = self.ended.get(&inbound).map_or_else(Instant::now, |ended| ended.at);
        self.ended.insert(inbound, Ended { outcome, text, reason, at });
    }

    /// What has come that answers nothing said here, in the order in which it was put.
    pub(crate) fn unasked(&self) -> Vec<&str> {
        let mut deliveries: Vec<_> = self.deliveries.iter().collect();
        deliveries.sort();
        let texts = deliveries.iter().filter_map(|(_, inbound)| self.later.get(*inbound));
        texts.flatten().map(String::as_str).collect()
    }

    /// How many replies have come.
    pub(crate) fn delivered(&self) -> usize {
        self.deliveries.len()
    }

    /// Goes on with the node that serves the folder now. A restored store gives its replies numbers that were given before.
    pub(crate) async fn redial(&mut self, data: &Path) -> anyhow::Result<()> {
        let redial = Redial { data: data.to_owned(), wait_ms_max: 20_000 };
        self.deliveries.clear();
        Ok(self.client.redial(&redial).await?)
    }

    /// How the node stands.
    pub(crate) async fn status(&mut self) -> anyhow::Result<StatusView> {
        self.question += 1;
        self.client.ask(self.question, AdminAsk::Status)?;
        let within = Instant::now() + Duration::from_secs(20);
        loop {
            match tokio::time::timeout_at(within, self.client.next()).await.context("no status")?? {
                FromNode::Answer { reply: Answered::Status(status), .. } => return Ok(*status),
                FromNode::Answer { reply, .. } => bail!("instead of its status: {reply:?}"),
                frame => self.take(frame)?,
            }
        }
    }

    /// Says it again and again until the answer holds this; gives that answer.
    pub(crate) async fn ask_until(&mut self, text: &str, wanted: &str, within: Duration) -> anyhow::Result<String> {
        let until = Instant::now() + within;
        loop {
            let told = self.ask(text, within).await?.text;
            if told.contains(wanted) {
                return Ok(told);
            }
            anyhow::ensure!(Instant::now() < until, "`{text}` is not answered with `{wanted}`: {told}");
        }
    }

    /// Asks for the status until it is so; gives the last.
    pub(crate) async fn status_until(
        &mut self,
        within: Duration,
        is_so: impl Fn(&StatusView) -> bool,
    ) -> anyhow::Result<StatusView> {
        let until = Instant::now() + within;
        loop {
            let status = self.status().await?;
            if is_so(&status) {
                return Ok(status);
            }
            if Instant::now() > until {
                bail!("it does not come to that; the status is {status:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn leave(mut self) {
        // Whoever waits for outcomes has taken all frames; what was flushed last is sent here.
        self.client.flush().await.ok();
        self.client.leave().await;
    }
}
