//! `task`: has something done in steps, and with `--wait` stays until it is.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use console::client::{Client, ClientError, Redial, Who, fresh_session};
use console::escape::{for_one_line, for_terminal};
use console::wire::{AdminAsk, Answered, FromNode, Reply};
use messages::store::{TaskFound, TaskRow};
use messages::task::TaskState;
use messages::{InboundId, Slug, TaskId};
use serde_json::json;
use tokio::time::Instant;

use super::{give_json, operator};
use crate::cli::Task;
use crate::node;
use crate::{account, logging};

/// How often the node is asked how the task stands.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How long the node may take to answer that; then it is asked again.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long the last words of a task that has ended are waited for.
const WORDS_MAX: Duration = Duration::from_secs(5);
/// How long a node that went away is looked for.
const REDIAL_MS_MAX: u64 = 30_000;

pub(super) async fn run(args: Task) -> anyhow::Result<ExitCode> {
    let data = node::load(&args.place)?.node.data;
    let who = Who {
        user: args.user.clone().unwrap_or_else(account::name),
        workspace: args.workspace.to_string(),
        context: args.context.to_string(),
        session: fresh_session()?,
        previews: false,
        only_asks: false,
    };
    let Some(mut client) = Client::connect(&data, who).await? else { return Err(operator::nobody(&args.place)) };
    let event = format!("{}:1", client.session());
    let inbound = client.submit(&event, &format!("/task {}", args.text.join(" ")))?;
    let id = TaskId::of(args.workspace.as_str(), inbound.as_str());
    let redial = Redial { data, wait_ms_max: REDIAL_MS_MAX };
    let (workspace, quiet) = (args.workspace.clone(), args.json);
    let mut asked = Asked { client, redial, inbound, id, workspace, quiet, said: Vec::new(), n: 0 };
    asked.made().await?;
    if !args.json {
        logging::give(asked.id.as_str());
    } else if !args.wait {
        give_json(&json!({ "task": asked.id }))?;
    }
    let done = if args.wait { asked.wait().await? } else { ExitCode::SUCCESS };
    asked.client.leave().await;
    Ok(done)
}

/// A task that was asked for.
struct Asked {
    client: Client,
    redial: Redial,
    inbound: InboundId,
    id: TaskId,
    workspace: Slug,
    /// Its words are not printed as they come.
    quiet: bool,
    said: Vec<String>,
    /// The number of the last question about the node.
    n: u32,
}

impl Asked {
    /// Until it is known that the task is there.
    async fn made(&mut self) -> anyhow::Result<()> {
        loop {
            match self.next(None).await? {
                Some(FromNode::Reply(reply)) if reply.inbound == self.inbound => {
                    self.client.flushed(reply.delivery)?;
                    if reply.text.contains(self.id.as_str()) {
                        return Ok(self.client.flush().await?);
                    }
                    self.client.flush().await?;
                    bail!("{}", for_terminal(&reply.text));
                }
                Some(FromNode::NotAccepted { why, .. }) => bail!("the task was not accepted: {why}"),
                Some(FromNode::Settled { inbound, outcome, reason }) if inbound == self.inbound => {
                    bail!("the task was not made: {outcome} {reason}")
                }
                Some(frame) => self.take(frame)?,
                None => {}
            }
        }
    }

    /// Until it has ended, or waits for a person.
    async fn wait(&mut self) -> anyhow::Result<ExitCode> {
        let row = loop {
            let row = self.look().await?;
            if row.state.is_terminal() || row.state.waits_for_a_person(row.wait, row.not_before) {
                break row;
            }
            self.hear(LOOK_EVERY).await?;
        };
        self.last_words().await?;
        let succeeded = row.state == TaskState::Succeeded;
        if self.quiet {
            give_json(&json!({
                "task": self.id, "state": row.state, "wait": row.wait, "reason": row.reason, "result": row.result,
                "said": self.said,
            }))?;
        } else if self.said.is_empty() && succeeded {
            logging::give(&for_terminal(&row.result));
        }
        if !succeeded {
            logging::say(&format!("error: {}", ended_badly(&row)));
        }
        Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn look(&mut self) -> anyhow::Result<TaskRow> {
        let what = AdminAsk::Task { workspace: self.workspace.clone(), prefix: self.id.as_str().to_owned() };
        match self.ask(what).await? {
            Answered::Task(TaskFound::Found(rows, _)) => Ok(rows.task),
            _ => bail!("the node does not know the task {} any more", self.id),
        }
    }

    /// Takes what is on its way. What is pending for others is none of ours, so this has an end.
    async fn last_words(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + WORDS_MAX;
        while Instant::now() < until {
            if let Answered::Status(status) = self.ask(AdminAsk::Status).await?
                && status.counts.pending + status.counts.sending == 0
            {
                break;
            }
            self.hear(LOOK_EVERY).await?;
        }
        Ok(())
    }

    /// Asks until it is answered.
    async fn ask(&mut self, what: AdminAsk) -> anyhow::Result<Answered> {
        loop {
            self.n = self.n.wrapping_add(1);
            self.client.ask(self.n, what.clone())?;
            let until = Instant::now() + ANSWER_MAX;
            while Instant::now() < until {
                match self.next(Some(until)).await? {
                    Some(FromNode::Answer { n, reply: Answered::Failed(why) }) if n == self.n => bail!("{why}"),
                    Some(FromNode::Answer { n, reply }) if n == self.n => return Ok(reply),
                    Some(frame) => self.take(frame)?,
                    // The node was lost and found, or is slow: it is asked again.
                    None => break,
                }
            }
        }
    }

    async fn hear(&mut self, within: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + within;
        while Instant::now() < until {
            if let Some(frame) = self.next(Some(until)).await? {
                self.take(frame)?;
            }
        }
        Ok(())
    }

    /// The next frame; `None` when the time is over, or after the node was lost and found again.
    async fn next(&mut self, until: Option<Instant>) -> anyhow::Result<Option<FromNode>> {
        let heard = match until {
            Some(until) => match tokio::time::timeout_at(until, self.client.next()).await {
                Ok(heard) => heard,
                Err(_) => return Ok(None),
            },
            None => self.client.next().await,
        };
        match heard {
            Ok(frame) => Ok(Some(frame)),
            Err(ClientError::Closed) => {
                self.client.redial(&self.redial).await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Words of the task are given; what was for somebody else of this chat, and came here, is shown aside.
    fn take(&mut self, frame: FromNode) -> anyhow::Result<()> {
        let FromNode::Reply(Reply { delivery, inbound, text, .. }) = frame else { return Ok(()) };
        if inbound != self.inbound {
            logging::say(&format!("the reply to {inbound}, which was asked before:\n{}", for_terminal(&text)));
        } else if !self.quiet && !logging::give(&for_terminal(&text)) {
            bail!("nobody reads the output any more; the task goes on, see `agent-runtime tasks show {}`", self.id);
        }
        if inbound == self.inbound {
            self.said.push(text);
        }
        Ok(self.client.flushed(delivery)?)
    }
}

fn ended_badly(row: &TaskRow) -> String {
    let because = if row.reason.is_empty() { String::new() } else { format!(": {}", for_one_line(&row.reason)) };
    match row.wait.filter(|_| !row.state.is_terminal()) {
        Some(wait) => {
            format!("task {} waits for {wait}{because}; `agent-runtime tasks show {}` tells more", row.id, row.id)
        }
        None => format!("task {} is {}{because}", row.id, row.state),
    }
}
