//! A conversation that goes on whatever happens: lines are said at a steady rate, and each is waited for.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use messages::InboundId;
use messages::turn::Outcome;
use tokio::sync::watch;

use super::super::world::SOON;
use crate::faults::driver::Driver;

/// A line is said so often, ...
const EVERY: Duration = Duration::from_millis(50);
/// ... unless so many have no end yet.
const UNDER_WAY_MAX: usize = 8;

/// A conversation: what was said in it, in its order, and when.
pub(in crate::cluster) struct Talk {
    driver: Driver,
    data: PathBuf,
    said: Vec<(Instant, InboundId)>,
    /// Of those, how many are known to have ended.
    settled: usize,
}

impl Talk {
    pub(in crate::cluster) fn new(driver: Driver, data: &Path) -> Self {
        Self { driver, data: data.to_owned(), said: Vec::new(), settled: 0 }
    }

    /// Talks until it is told to stop and all that was said has its end. Gives what each line of this time has waited.
    pub(in crate::cluster) async fn go_on(&mut self, stop: watch::Receiver<bool>) -> anyhow::Result<Vec<Duration>> {
        let from = self.said.len();
        let mut stopped: Option<Instant> = None;
        while stopped.is_none() || self.settled < self.said.len() {
            match stopped {
                None if *stop.borrow() => stopped = Some(Instant::now()),
                None => self.say().await?,
                Some(at) => anyhow::ensure!(
                    at.elapsed() < SOON,
                    "{} lines have no end; the node said it waits: {:?}",
                    self.said.len() - self.settled,
                    self.driver.busy
                ),
            }
            if !self.driver.listen(EVERY).await? {
                // A node that is not there yet is tried again.
                self.driver.dial_again(&self.data).await.ok();
            }
            let ended = |(_, id): &&(Instant, InboundId)| self.driver.ended.contains_key(id);
            self.settled += self.said[self.settled..].iter().take_while(ended).count();
        }
        let waited =
            |(at, id): &(Instant, InboundId)| self.driver.ended[id].at.into_std().saturating_duration_since(*at);
        Ok(self.said[from..].iter().map(waited).collect())
    }

    async fn say(&mut self) -> anyhow::Result<()> {
        if self.said.len() - self.settled < UNDER_WAY_MAX {
            let id = self.driver.put(&format!("line {}", self.said.len()))?;
            self.said.push((Instant::now(), id));
            // Where it can't be sent now, it is when the connector is there again.
            self.driver.flush().await.ok();
        }
        Ok(())
    }

    /// How many lines were said.
    pub(super) fn lines(&self) -> usize {
        self.said.len()
    }

    /// What is wrong with the conversation as a whole; a reply that came twice has failed before.
    pub(in crate::cluster) fn faults(&self) -> Vec<String> {
        // A client that attaches again is told of an end again.
        let mut order: Vec<&InboundId> = Vec::new();
        for id in &self.driver.order {
            if !order.contains(&id) {
                order.push(id);
            }
        }
        let mut faults = Vec::new();
        // What is in doubt was not answered: that it is, is told beside the replies.
        let is_replied = |id: &&InboundId| self.driver.ended[*id].outcome == Outcome::Replied;
        let said: Vec<&InboundId> = self.said.iter().map(|(_, id)| id).filter(is_replied).collect();
        let order: Vec<&InboundId> = order.into_iter().filter(is_replied).collect();
        if let Some(at) = (0..said.len()).find(|at| order.get(*at) != said.get(*at)) {
            faults.push(format!("reply {at} came out of order: {:?} instead of {:?}", order.get(at), said.get(at)));
        }
        for (n, (_, id)) in self.said.iter().enumerate() {
            let outcome = format!("{:?}", self.driver.ended[id].outcome);
            if outcome != "Replied" && outcome != "InDoubt" {
                faults.push(format!("line {n} ended as {outcome}: {}", self.driver.ended[id].text));
            }
        }
        faults
    }
}
