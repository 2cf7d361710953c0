//! The load: sessions that submit, take replies and acknowledge them, as a chat does.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use console::client::Client;
use console::wire::FromNode;
use messages::InboundId;
use tokio::sync::{Mutex, Semaphore};

use super::child;
use super::numbers::now;

/// When turns begin.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    /// As soon as another has ended, so many at once over all sessions.
    InFlight(usize),
    /// So many a second over all sessions, whatever has ended.
    PerSecond(u32),
}

/// Who talks: a workspace and the number of a context in it.
pub(super) type Seat = (String, usize);

/// What is said, and what ends it.
#[derive(Clone, Copy)]
pub(super) enum Say {
    /// A question; its reply ends it.
    Talk,
    /// A task; the word about its end ends it.
    Task,
}

impl Say {
    fn words(self) -> &'static str {
        match self {
            Self::Talk => "what does the stub always answer?",
            Self::Task => "/task read the welcome page and say what it says",
        }
    }

    /// A task's own words come with no outcome, as its event has had one.
    fn is_ended_by(self, reply: &console::wire::Reply) -> bool {
        match self {
            Self::Talk => true,
            Self::Task => reply.outcome.is_none(),
        }
    }
}

/// Turns that ended, with how long each took from its submission to its reply.
type Ended = Arc<Mutex<Vec<(Instant, Duration)>>>;

/// Runs a session in each seat for `run`; gives every turn or task that ended with the moment it did.
pub(super) async fn run(
    data: &Path,
    seats: &[Seat],
    (pace, say): (Pace, Say),
    run: Duration,
) -> anyhow::Result<Vec<(Instant, Duration)>> {
    let contexts = seats.len();
    let ended: Ended = Arc::default();
    let shared = Arc::new(Semaphore::new(0));
    let mut sessions = tokio::task::JoinSet::new();
    let name = console::client::fresh_session()?;
    for (n, (workspace, context)) in seats.iter().enumerate() {
        let client = child::client_in(data, workspace, *context, &name).await?;
        // Each context has its share: turns of one context run one after the other, and a hog would wait for itself.
        let gate = match pace {
            Pace::InFlight(all) => Arc::new(Semaphore::new(all / contexts + usize::from(n < all % contexts))),
            Pace::PerSecond(_) => shared.clone(),
        };
        let session =
            Session { client, gate, ended: ended.clone(), begun: HashMap::new(), number: 0, until: now() + run, say };
        sessions.spawn(session.talk(matches!(pace, Pace::InFlight(_))));
    }
    if let Pace::PerSecond(rate) = pace {
        let mut tick = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
        let end = now() + run;
        while now() < end {
            tick.tick().await;
            shared.add_permits(1);
        }
    }
    while let Some(done) = sessions.join_next().await {
        done??;
    }
    let mut ended = ended.lock().await;
    Ok(std::mem::take(&mut *ended))
}

struct Session {
    client: Client,
    gate: Arc<Semaphore>,
    ended: Ended,
    begun: HashMap<InboundId, Instant>,
    number: u64,
    until: Instant,
    say: Say,
}

impl Session {
    /// `gives_back`: a turn that ended lets another begin.
    async fn talk(mut self, gives_back: bool) -> anyhow::Result<()> {
        loop {
            let is_over = now() >= self.until;
            if is_over && self.begun.is_empty() {
                self.client.leave().await;
                return Ok(());
            }
            let (gate, left) = (self.gate.clone(), self.until.saturating_duration_since(now()));
            tokio::select! {
                permit = gate.acquire_owned(), if !is_over => {
                    permit?.forget();
                    self.submit()?;
                }
                frame = self.client.next() => self.heard(frame?, gives_back).await?,
                () = tokio::time::sleep(left.max(Duration::from_millis(50))), if !is_over => {}
            }
        }
    }

    fn submit(&mut self) -> anyhow::Result<()> {
        self.number += 1;
        let event = format!("{}:{}", self.client.session(), self.number);
        let inbound = self.client.submit(&event, self.say.words())?;
        self.begun.insert(inbound, now());
        Ok(())
    }

    async fn heard(&mut self, frame: FromNode, gives_back: bool) -> anyhow::Result<()> {
        match frame {
            FromNode::Reply(reply) => {
                self.client.flushed(reply.delivery)?;
                if !self.say.is_ended_by(&reply) {
                    return Ok(());
                }
                if let Some(begun) = self.begun.remove(&reply.inbound) {
                    self.ended.lock().await.push((now(), begun.elapsed()));
                }
                if gives_back {
                    self.gate.add_permits(1);
                }
            }
            FromNode::NotAccepted { why, .. } | FromNode::Refused { why } => anyhow::bail!("refused: {why}"),
            _ => {}
        }
        Ok(())
    }
}
