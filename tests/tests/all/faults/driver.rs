//! A person at the console who waits for outcomes, and remembers what was said meanwhile.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use console::client::{Client, Redial, Who, fresh_session};
use console::wire::{AdminAsk, Answered, FromNode};
use messages::admin::StatusView;
use messages::turn::Outcome;
use messages::{InboundId, Slug, TaskId};
use tokio::time::Instant;

/// How long a client may wait until it has room for another event.
const ROOM_MAX: Duration = Duration::from_secs(90);

/// How one event ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) text: String,
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
        let workspace = Slug::parse(&who.workspace)?;
        let client = Client::connect(data, who).await?.context("nobody serves the data folder")?;
        Ok(Self {
            client,
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
        self.number += 1;
        let event = format!("{}:{}", self.client.session(), self.number);
        while !self.client.has_room() {
            let frame = tokio::time::timeout(ROOM_MAX, self.client.next()).await;
            self.take(frame.context("no room for another event")??)?;
        }
        let inbound = self.client.submit(&event, text)?;
        self.client.flush().await?;
        Ok(inbound)
    }

    /// Submits words without sending them: whether the node is there is found out later.
    pub(crate) fn put(&mut self, text: &str) -> anyhow::Result<InboundId> {
        self.number += 1;
        let event = format!("{}:{}", self.client.session(), self.number);
        Ok(self.client.submit(&event, text)?)
    }

    /// Sends what was submitted.
    pub(crate) async fn flush(&mut self) -> anyhow::Result<()> {
        Ok(self.client.flush().await?)
    }

    /// Goes on with whoever serves the folder now; what was delivered before may not come again.
    pub(crate) async fn dial_again(&mut self, data: &Path) -> anyhow::Result<()> {
        Ok(self.client.redial(&Redial { data: data.to_owned(), wait_ms_max: 30_000 }).await?)
    }

    /// Deletes what was said as number `n`, and waits until that is done.
    pub(crate) async fn delete(&mut self, n: u64, within: Duration) -> anyhow::Result<Ended> {
        self.number += 1;
        let (event, target) =
            (format!("{}:{}", self.client.session(), self.number), format!("{}:{n}", self.client.session()));
        let inbound = self.client.delete(&event, &target)?;
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
        Ok(self.client.flush().await?)
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
        self.client.flush().await?;
        if let Some(why) = self.refused.first() {
            bail!("not accepted: {why}");
        }
        Ok(())
    }

    /// Takes frames until it is so.
    pub(crate) async fn until(&mut self, within: Duration, is_so: impl Fn(&Self) -> bool) -> anyhow::Result<()> {
        let until = Instant::now() + within;
        while !is_so(self) {
            let frame = tokio::time::timeout_at(until, self.client.next()).await;
            self.take(frame.with_context(|| format!("not within {} s", within.as_secs()))??)?;
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
                    Some(outcome) => self.end(reply.inbound, outcome, reply.text),
                    None => self.later.entry(reply.inbound).or_default().push(reply.text),
                }
                self.client.flushed(reply.delivery)?;
            }
            FromNode::Settled { inbound, outcome, reason } => self.end(inbound, outcome, reason),
            FromNode::Busy { why } => self.busy.push(why),
            FromNode::NotAccepted { why, .. } => self.refused.push(why),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, inbound: InboundId, outcome: Outcome, text: String) {
        self.order.push(inbound.clone());
        // One that attaches again is told again.
        let at = self.ended.get(&inbound).map_or_else(Instant::now, |ended| ended.at);
        self.ended.insert(inbound, Ended { outcome, text, at });
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
