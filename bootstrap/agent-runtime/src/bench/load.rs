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

/// Turns that ended, with how long each took from its submission to its reply.
type Ended = Arc<Mutex<Vec<(Instant, Duration)>>>;

/// Runs `contexts` sessions for `run`; gives every turn that ended with the moment it did.
pub(super) async fn run(
    data: &Path,
    contexts: usize,
    pace: Pace,
    run: Duration,
) -> anyhow::Result<Vec<(Instant, Duration)>> {
    let ended: Ended = Arc::default();
    let shared = Arc::new(Semaphore::new(0));
    let mut sessions = tokio::task::JoinSet::new();
    let name = console::client::fresh_session()?;
    for n in 0..contexts {
        let client = child::client(data, n, &name).await?;
        // Each context has its share: turns of one context run one after the other, and a hog would wait for itself.
        let gate = match pace {
            Pace::InFlight(all) => Arc::new(Semaphore::new(all / contexts + usize::from(n < all % contexts))),
            Pace::PerSecond(_) => shared.clone(),
        };
        let session =
            Session { client, gate, ended: ended.clone(), begun: HashMap::new(), number: 0, until: now() + run };
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
        let inbound = self.client.submit(&event, "what does the stub always answer?")?;
        self.begun.insert(inbound, now());
        Ok(())
    }

    async fn heard(&mut self, frame: FromNode, gives_back: bool) -> anyhow::Result<()> {
        match frame {
            FromNode::Reply(reply) => {
                self.client.flushed(reply.delivery)?;
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
