//! A batch: each line of an input is an inbound event, and every one of them is followed to its outcome.
//!
//! With `json` there is one object a line on the output: `{"accepted", "event", "line"}` when an event is on disk,
//! `{"inbound", "context", "outcome", "text", "sources"}` for a reply (and, with an empty text and a `reason`, for an
//! event that ended without one), `{"not_accepted", "line", "why"}`. Without it the output has the replies' words only
//! and all else goes to the error output. Replies come in the order in which their context gives them, which is the
//! order of the lines; `/stop` alone is answered before what it stops.
//!
//! A reply is acknowledged to the node after it was written and flushed. Writes to the output block: a reader that is
//! slower than [`crate::DELIVERY_MS_MAX`] leaves a reply in doubt.

mod core;
mod lines;
mod tasks;

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use messages::InboundId;
use messages::turn::Outcome;
use tokio::io::AsyncBufRead;
use tokio::time::Instant;

pub use self::core::ExitStatus;
use self::core::{Tally, accepted_object, not_accepted_object, reply_object, settled_object};
use self::lines::{Line, Lines};
use crate::client::{Client, ClientError, Redial, SubmitError};
use crate::escape;
use crate::registry::CONNECTOR;
use crate::wire::{FromNode, Reply};

/// How long nothing may come from the node while events have no outcome, in milliseconds, unless options say otherwise.
pub const QUIET_MS_MAX: u64 = 30 * 60 * 1_000;

/// How a batch is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// One JSON object a line on the output.
    pub json: bool,
    /// How the node is found again when it is lost; `None`: it is not.
    pub redial: Option<Redial>,
    /// How long nothing may come from the node while events have no outcome, in milliseconds: [`QUIET_MS_MAX`].
    pub quiet_ms_max: u64,
    /// Stay until the tasks that were made in this context meanwhile have ended, and their words have come.
    pub wait_tasks: bool,
}

/// Why a batch could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The input can't be read.
    #[error("the input can't be read: {0}")]
    Input(io::Error),
    /// The output can't be written. What could not be written is not acknowledged.
    #[error("the output can't be written: {0}")]
    Output(io::Error),
    /// The node ended the session, or speaks another language.
    #[error("{0}")]
    Client(#[from] ClientError),
}

/// Submits each line of `input` under the id `<session>:<line number>`, and returns when each has its outcome, and with
/// `wait_tasks` when also the tasks that were made have ended. A task that waits for a person is named and not waited for.
///
/// # Errors
/// [`BatchError`]. A reader of `out` that is gone is no error but [`ExitStatus::OutputClosed`], and a lost node is
/// [`ExitStatus::LostConnection`].
pub async fn run(
    client: Client,
    input: impl AsyncBufRead + Unpin,
    out: impl Write,
    err: impl Write,
    options: Options,
) -> Result<ExitStatus, BatchError> {
    let mut batch = Batch { client, out, err, options, tally: Tally::default(), asked: 0 };
    match batch.all(Lines::new(input)).await {
        Ok(()) => {
            batch.client.leave().await;
            Ok(batch.tally.status())
        }
        Err(Stop::Lost(error)) => {
            batch.talk(&format!(
                "the node was lost ({error}); {} events have no outcome that is known here",
                batch.client.unsettled()
            ));
            Ok(ExitStatus::LostConnection)
        }
        Err(Stop::Error(BatchError::Output(error))) if error.kind() == ErrorKind::BrokenPipe => {
            batch.client.leave().await;
            Ok(ExitStatus::OutputClosed)
        }
        Err(Stop::Error(error)) => Err(error),
    }
}

struct Batch<O, E> {
    client: Client,
    out: O,
    err: E,
    options: Options,
    tally: Tally,
    /// Questions about the node, for their numbers.
    asked: u32,
}

enum Stop {
    Lost(ClientError),
    Error(BatchError),
}

enum Heard {
    Line(io::Result<Option<Line>>),
    Frame(Result<FromNode, ClientError>),
    Quiet,
}

impl<O: Write, E: Write> Batch<O, E> {
    async fn all(&mut self, lines: Lines<impl AsyncBufRead + Unpin>) -> Result<(), Stop> {
        if !self.options.wait_tasks {
            return self.follow(lines).await;
        }
        let watch = self.watch().await?;
        self.follow(lines).await?;
        self.wait(watch).await
    }

    async fn follow(&mut self, mut lines: Lines<impl AsyncBufRead + Unpin>) -> Result<(), Stop> {
        let mut more = true;
        let mut heard_at = Instant::now();
        while more || self.client.unsettled() > 0 {
            let quiet = heard_at + Duration::from_millis(self.options.quiet_ms_max);
            let heard = tokio::select! {
                line = lines.next(), if more && self.client.has_room() => Heard::Line(line),
                frame = self.client.next() => Heard::Frame(frame),
                () = tokio::time::sleep_until(quiet), if self.client.unsettled() > 0 => Heard::Quiet,
            };
            if self.client.unsettled() == 0 || matches!(heard, Heard::Frame(_)) {
                heard_at = Instant::now();
            }
            match heard {
                Heard::Line(Ok(Some(line))) => self.line(line)?,
                Heard::Line(Ok(None)) => more = false,
                Heard::Line(Err(error)) => return Err(Stop::Error(BatchError::Input(error))),
                Heard::Frame(Ok(frame)) => self.frame(frame)?,
                Heard::Frame(Err(error)) => self.lost(error).await?,
                Heard::Quiet => return Err(Stop::Lost(ClientError::Closed)),
            }
        }
        Ok(())
    }

    fn line(&mut self, line: Line) -> Result<(), Stop> {
        let event = format!("{}:{}", self.client.session(), line.number);
        let submitted = line
            .text
            .and_then(|text| self.client.submit(&event, &text).map_err(|error: SubmitError| error.to_string()));
        match submitted {
            Ok(inbound) => {
                self.tally.submitted(inbound, line.number);
                Ok(())
            }
            Err(why) => {
                self.tally.not_accepted(None);
                self.refused(&event, line.number, &why)
            }
        }
    }

    fn frame(&mut self, frame: FromNode) -> Result<(), Stop> {
        match frame {
            FromNode::Accepted { event, inbound, .. } => match self.tally.accepted(&inbound) {
                Some(line) if self.options.json => self.print(&accepted_object(&inbound, &event, line)),
                Some(line) => {
                    self.talk(&format!("line {line}: accepted as {inbound}"));
                    Ok(())
                }
                None => Ok(()),
            },
            FromNode::NotAccepted { event, why } => {
                let line = self.tally.not_accepted(Some(&InboundId::of(CONNECTOR, &event)));
                self.refused(&event, line.unwrap_or_default(), &why)
            }
            FromNode::Reply(reply) => self.reply(&reply),
            FromNode::Settled { inbound, outcome, reason } => self.settled(&inbound, outcome, &reason),
            FromNode::Busy { why } => {
                self.talk(&format!("the node waits: {why}"));
                Ok(())
            }
            FromNode::Preview { .. } | FromNode::Answer { .. } | FromNode::Welcome(_) | FromNode::Refused { .. } => {
                Ok(())
            }
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), Stop> {
        let line = self.tally.ended(&reply.inbound, reply.outcome);
        if self.options.json {
            self.print(&reply_object(reply))?;
        } else {
            self.print(&escape::for_terminal(&reply.text))?;
            let ended_badly = reply.outcome.filter(|outcome| !matches!(outcome, Outcome::Replied | Outcome::Noted));
            if let (Some(line), Some(outcome)) = (line, ended_badly) {
                self.talk(&format!("line {line}: {outcome}"));
            }
            if !reply.sources.is_empty() {
                self.talk(&format!("sources: {}", reply.sources.join(", ")));
            }
        }
        self.client.flushed(reply.delivery).map_err(|error| Stop::Error(error.into()))
    }

    fn settled(&mut self, inbound: &InboundId, outcome: Outcome, reason: &str) -> Result<(), Stop> {
        let line = self.tally.ended(inbound, Some(outcome));
        if self.options.json {
            let context = self.client.welcome().context.clone();
            return self.print(&settled_object(inbound, &context, outcome, reason));
        }
        let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        self.talk(&format!("line {}: {outcome}{because}", line.unwrap_or_default()));
        Ok(())
    }

    fn refused(&mut self, event: &str, line: u64, why: &str) -> Result<(), Stop> {
        self.talk(&format!("line {line}: not accepted: {why}"));
        if self.options.json { self.print(&not_accepted_object(event, line, why)) } else { Ok(()) }
    }

    async fn lost(&mut self, error: ClientError) -> Result<(), Stop> {
        match (&self.options.redial, error) {
            (_, error @ (ClientError::Refused(_) | ClientError::Wire(_))) => Err(Stop::Error(error.into())),
            (None, error) => Err(Stop::Lost(error)),
            (Some(redial), _) => self.client.redial(redial).await.map_err(Stop::Lost),
        }
    }

    /// A line on the output, flushed.
    fn print(&mut self, text: &str) -> Result<(), Stop> {
        let written = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        written.map_err(|error| Stop::Error(BatchError::Output(error)))
    }

    /// A line on the error output.
    fn talk(&mut self, text: &str) {
        // Nobody can be told that nobody can be told.
        drop(writeln!(self.err, "{}", escape::for_one_line(text)));
    }
}

#[cfg(test)]
mod tests;
