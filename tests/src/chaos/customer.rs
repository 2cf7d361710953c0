//! One customer in one context: keeps a few events open, comes back after each kill, and never forgets what it saw.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use console::client::{Client, ClientError, Who};
use console::wire::FromNode;
use messages::InboundId;
use messages::turn::Outcome;
use tokio::net::UnixStream;

use super::node::{Stage, context_name};
use super::truth::{Event, Truth};
use super::work::{Kind, words};
use super::{Load, Plan, Without};
use crate::dice::Dice;
use crate::tap::Tap;

/// Events that a customer has open.
const OPEN_MAX: usize = 6;
/// How often a node that is away is looked for, and the end of the run.
const LOOK: Duration = Duration::from_millis(10);
/// Tasks that a customer has open, of those that it has asked for since it found its node.
const TASKS_MAX: usize = 2;
/// Events that are asked about at a time.
const ASK_MAX: usize = 200;
/// How long the answers may take.
const ASKED_MAX: Duration = Duration::from_secs(60);

pub(super) struct Customer {
    context: usize,
    data: PathBuf,
    account: String,
    load: Load,
    truth: Arc<Truth>,
    dice: Dice,
    /// It never remembers across a lost connection.
    always_forgets: bool,
    next: u64,
    /// Submitted and without an outcome, in order.
    open: VecDeque<(InboundId, Event)>,
    /// Asked for since it found its node, and not said to have ended.
    tasks: BTreeSet<InboundId>,
}

/// Customers speak as the account that holds the data: others may not have files written.
fn who(context: usize, account: &str) -> Who {
    Who {
        user: account.to_owned(),
        workspace: "home".to_owned(),
        context: context_name(context),
        session: session(context),
        previews: context.is_multiple_of(2),
        only_asks: false,
    }
}

fn session(context: usize) -> String {
    format!("chaos{context}")
}

impl Customer {
    pub(super) fn new(context: usize, stage: &Stage, truth: Arc<Truth>, plan: &Plan) -> Self {
        let dice = Dice::new(plan.seed.wrapping_mul(1_000).wrapping_add(context as u64));
        Self {
            context,
            data: stage.data.clone(),
            account: stage.account.clone(),
            load: plan.load,
            truth,
            dice,
            always_forgets: plan.without == Some(Without::Marks),
            next: 1,
            open: VecDeque::new(),
            tasks: BTreeSet::new(),
        }
    }

    /// Talks until the run is over and everything has its outcome.
    pub(super) async fn talk(mut self) -> anyhow::Result<()> {
        let mut client = None;
        while !self.is_done() {
            let Some(stream) = dial(&self.data, self.context, &self.truth).await else {
                tokio::time::sleep(LOOK).await;
                continue;
            };
            let Some(mut attached) = self.attach(client.take(), stream).await? else { continue };
            // Words that were cut off are in doubt and do not come again: it waits for none of them.
            self.tasks.clear();
            match self.converse(&mut attached).await {
                Ok(()) => attached.leave().await,
                // The node is gone. Half of the customers lose their memory with it, as a program does that was killed too.
                Err(ClientError::Closed | ClientError::Wire(_)) => {
                    client = (!self.always_forgets && self.dice.below(2) == 0).then_some(attached);
                }
                Err(error) => return Err(error).context("a customer was refused"),
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.open.is_empty() && self.truth.over.load(Ordering::SeqCst)
    }

    /// With what the client remembers, if it does; else as a new one that says everything again which has no outcome.
    async fn attach(&mut self, client: Option<Client>, stream: Tap) -> anyhow::Result<Option<Client>> {
        let attached = match client {
            Some(mut client) => client.reattach(stream).await.map(|()| client),
            None => Client::over(stream, who(self.context, &self.account)).await.and_then(|mut client| {
                for (_, event) in &self.open {
                    client.submit(&event.event, &event.text).map_err(|e| ClientError::Refused(e.to_string()))?;
                }
                Ok(client)
            }),
        };
        match attached {
            Ok(client) => Ok(Some(client)),
            Err(ClientError::Closed | ClientError::Wire(_) | ClientError::NoWelcome) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn converse(&mut self, client: &mut Client) -> Result<(), ClientError> {
        while !self.is_done() {
            while self.open.len() < OPEN_MAX && !self.truth.draining.load(Ordering::SeqCst) {
                self.say(client)?;
            }
            // When nothing comes, perhaps the run drains.
            if let Ok(frame) = tokio::time::timeout(LOOK * 10, client.next()).await {
                self.hear(frame?, client)?;
            }
        }
        Ok(())
    }

    fn say(&mut self, client: &mut Client) -> Result<(), ClientError> {
        let (n, context) = (self.next, self.context);
        let padding = "lorem ipsum ".repeat(usize::try_from(self.dice.below(40)).unwrap_or(0));
        let event = format!("{}:{n}", session(context));
        let kind = self.kind(n);
        let text = words(kind, context, n, &padding);
        let inbound = client.submit(&event, &text).map_err(|error| ClientError::Refused(error.to_string()))?;
        if kind == Kind::Task {
            self.tasks.insert(inbound.clone());
        }
        let event = Event { context, n, event, kind, text };
        self.truth.known().submitted.insert(inbound.clone(), event.clone());
        self.open.push_back((inbound, event));
        self.next += 1;
        Ok(())
    }

    /// Every third event is a task, and of the others every second writes; every fourth talk is a command.
    fn kind(&self, n: u64) -> Kind {
        match (self.load, n % 3) {
            (Load::Tasks, 0) if self.tasks.len() < TASKS_MAX => Kind::Task,
            (Load::Tasks, 1) => Kind::Write,
            _ if n % 4 == 2 => Kind::Command,
            _ => Kind::Talk,
        }
    }

    fn hear(&mut self, frame: FromNode, client: &mut Client) -> Result<(), ClientError> {
        match frame {
            FromNode::Reply(reply) => {
                client.flushed(reply.delivery)?;
                if reply.outcome.is_some() {
                    self.open.retain(|(inbound, _)| *inbound != reply.inbound);
                } else if tells_an_end(&reply.text) {
                    self.tasks.remove(&reply.inbound);
                }
            }
            FromNode::Settled { inbound, .. } => self.open.retain(|(open, _)| *open != inbound),
            FromNode::NotAccepted { event, why } => {
                return Err(ClientError::Refused(format!("{event} was not accepted: {why}")));
            }
            _ => {}
        }
        Ok(())
    }
}

/// These words say how a task has ended.
pub(crate) fn tells_an_end(text: &str) -> bool {
    text.strip_prefix("Task `").and_then(|rest| rest.split_once("` ")).is_some_and(|(_, said)| said.starts_with("has "))
}

async fn dial(data: &std::path::Path, context: usize, truth: &Arc<Truth>) -> Option<Tap> {
    let stream = UnixStream::connect(console::socket_path(data)).await.ok()?;
    let truth = truth.clone();
    Some(Tap::new(stream, move |frame| truth.saw(context, frame)))
}

/// The outcome of every event, as the node tells who submits it again.
pub(super) async fn ask_all(
    stage: &Stage,
    truth: &Arc<Truth>,
    contexts: usize,
) -> anyhow::Result<BTreeMap<InboundId, Outcome>> {
    let mut outcomes = BTreeMap::new();
    for context in 0..contexts {
        let events: Vec<Event> = {
            let known = truth.known();
            known.submitted.values().filter(|event| event.context == context).cloned().collect()
        };
        let tap = dial(&stage.data, context, truth).await.context("the node can't be asked for outcomes")?;
        let mut client = Client::over(tap, who(context, &stage.account)).await?;
        for some in events.chunks(ASK_MAX) {
            ask(&mut client, some, &mut outcomes).await?;
        }
        client.leave().await;
    }
    Ok(outcomes)
}

/// Asks about some; one that gets no answer has no outcome, which is for the count to tell.
async fn ask(client: &mut Client, some: &[Event], outcomes: &mut BTreeMap<InboundId, Outcome>) -> anyhow::Result<()> {
    let mut open = 0;
    for event in some {
        client.submit(&event.event, &event.text)?;
        open += 1;
    }
    let until = Instant::now() + ASKED_MAX;
    while open > 0 && Instant::now() < until {
        let Ok(frame) = tokio::time::timeout(LOOK * 10, client.next()).await else { continue };
        match frame? {
            FromNode::Settled { inbound, outcome, .. } => {
                open -= 1;
                outcomes.insert(inbound, outcome);
            }
            FromNode::Reply(reply) => {
                // Nothing is due any more; the count finds it among what was received.
                client.flushed(reply.delivery)?;
                open -= usize::from(reply.outcome.is_some());
            }
            FromNode::Accepted { duplicate: false, event, .. } => bail!("{event} had never been accepted before"),
            FromNode::NotAccepted { event, why } => bail!("{event} is not accepted: {why}"),
            _ => {}
        }
    }
    Ok(())
}
