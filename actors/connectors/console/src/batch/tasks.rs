//! Stays until the tasks that were made have ended and their words have come. The node is asked, as a task may be made by
//! a model, and may end long after the line that it came of.

use std::io::Write;
use std::time::Duration;

use messages::Slug;
use messages::store::TaskView;
use tokio::time::Instant;

use super::core::{Looked, Standing, Watch};
use super::{Batch, Stop};
use crate::client::ClientError;
use crate::wire::{AdminAsk, Answered, FromNode};

/// How often tasks are asked about, in milliseconds.
const LOOK_MS: u64 = 300;
/// How long one answer about the node may take, in milliseconds; then it is asked again.
const ANSWER_MS_MAX: u64 = 10_000;
/// Times that one question is asked before the node is held to be lost.
const ASKS_MAX: u32 = 6;
/// Tasks of one answer.
const PAGE_MAX: u32 = 128;
/// How long words of tasks that have ended are waited for after the last that came, in milliseconds.
const WORDS_MS_MAX: u64 = 5_000;

impl<O: Write, E: Write> Batch<O, E> {
    /// Notes which tasks are there, before any line is sent.
    pub(super) async fn watch(&mut self) -> Result<Watch, Stop> {
        let newest = self.page(None, 1).await?;
        let welcome = self.client.welcome();
        Ok(Watch::begin(&welcome.workspace, &welcome.context, &newest))
    }

    /// Stays until no task goes on, then takes the last words.
    pub(super) async fn wait(&mut self, mut watch: Watch) -> Result<(), Stop> {
        let mut moved_at = Instant::now();
        let standing = loop {
            let standing = self.round(&mut watch).await?;
            if watch.moved() {
                moved_at = Instant::now();
            }
            if standing.open == 0 {
                break standing;
            }
            if moved_at.elapsed() > Duration::from_millis(self.options.quiet_ms_max) {
                return Err(Stop::Lost(ClientError::Closed));
            }
            self.hear(Duration::from_millis(LOOK_MS), None).await?;
        };
        for line in standing.stuck.iter().chain(&standing.bad) {
            self.talk(line);
        }
        self.tally.tasks(&standing);
        self.last_words().await
    }

    async fn round(&mut self, watch: &mut Watch) -> Result<Standing, Stop> {
        let mut before = None;
        loop {
            match watch.look(self.page(before, PAGE_MAX).await?) {
                Looked::More(place) => before = Some(place),
                Looked::All(standing) => return Ok(standing),
            }
        }
    }

    async fn page(&mut self, before: Option<i64>, limit: u32) -> Result<Vec<TaskView>, Stop> {
        let Ok(workspace) = Slug::parse(&self.client.welcome().workspace) else { return Ok(Vec::new()) };
        match self.ask(AdminAsk::Tasks { workspace, open: false, before, limit }).await? {
            Answered::Tasks(tasks) => Ok(tasks),
            _ => Ok(Vec::new()),
        }
    }

    /// Takes what is on its way. What another chat's session is to be given is none of ours, so this has an end.
    async fn last_words(&mut self) -> Result<(), Stop> {
        let mut until = Instant::now() + Duration::from_millis(WORDS_MS_MAX);
        while Instant::now() < until {
            if let Answered::Status(status) = self.ask(AdminAsk::Status).await?
                && status.counts.pending + status.counts.sending == 0
            {
                break;
            }
            if self.hear(Duration::from_millis(LOOK_MS), None).await?.replies > 0 {
                until = Instant::now() + Duration::from_millis(WORDS_MS_MAX);
            }
        }
        Ok(())
    }

    /// Asks until it is answered; what else comes meanwhile is taken.
    async fn ask(&mut self, what: AdminAsk) -> Result<Answered, Stop> {
        for _ in 0..ASKS_MAX {
            self.asked = self.asked.wrapping_add(1);
            self.client.ask(self.asked, what.clone()).map_err(|error| Stop::Error(error.into()))?;
            match self.hear(Duration::from_millis(ANSWER_MS_MAX), Some(self.asked)).await?.answer {
                Some(Answered::Failed(why)) => {
                    self.talk(&format!("the node does not tell of its tasks now: {why}"));
                    self.hear(Duration::from_millis(LOOK_MS), None).await?;
                }
                Some(answer) => return Ok(answer),
                None => {}
            }
        }
        Err(Stop::Lost(ClientError::Closed))
    }

    /// Takes frames until this question is answered, or for so long.
    async fn hear(&mut self, within: Duration, wanted: Option<u32>) -> Result<Came, Stop> {
        let until = Instant::now() + within;
        let mut came = Came::default();
        loop {
            let frame = match tokio::time::timeout_at(until, self.client.next()).await {
                Err(_) => return Ok(came),
                Ok(Err(error)) => {
                    self.lost(error).await?;
                    continue;
                }
                Ok(Ok(frame)) => frame,
            };
            match frame {
                FromNode::Answer { n, reply } if Some(n) == wanted => {
                    came.answer = Some(reply);
                    return Ok(came);
                }
                frame => {
                    came.replies += u32::from(matches!(frame, FromNode::Reply(_)));
                    self.frame(frame)?;
                }
            }
        }
    }
}

/// What came while the node was heard.
#[derive(Default)]
struct Came {
    answer: Option<Answered>,
    replies: u32,
}
