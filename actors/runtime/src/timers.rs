//! The service that keeps anything from being stranded: the sweep, dates that are rows, passivation.

mod dates;

use std::time::Duration;

use messages::store::{Query, Rows};
use messages::{Address, Protocol};
use serde::{Deserialize, Serialize};

use self::dates::{Dates, LOOK_EVERY_MS, Looked};
use crate::gauge::Standing;
use crate::service::{ReplyPort, Service, ServiceCx, ServiceError};
use crate::system::System;

/// How often rows that wait are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// And so soon after it was asked for, together with what else asks for it; then again, since who was given a unit may still be
/// opening it.
const SWEEPS_SOON: [Duration; 3] = [Duration::from_millis(20), Duration::from_millis(80), Duration::from_millis(250)];
/// Rows of one page of the sweep or of dates.
const PAGE_ROWS: u32 = 1_024;
/// Entities told in one pass that they may end: a wave is spread out.
const PASSIVATED_AT_ONCE_MAX: usize = 4_096;

/// What the timers service may be asked: nothing but how it stands.
#[derive(Debug)]
pub enum Timers {}

/// To the timers service.
#[derive(Debug, Serialize, Deserialize)]
pub enum Msg {
    /// How many times it has swept.
    Describe,
}

impl Protocol for Timers {
    const KIND: &'static str = "timers";
    type Msg = Msg;
    type Reply = u64;
}

/// Address `timers`.
#[derive(Default)]
pub struct TimersService {
    /// The store is another node's, which sweeps and tells the dates for all.
    elsewhere: bool,
    swept: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl TimersService {
    /// For a node whose store is another's: actors that are idle end, nothing else.
    #[must_use]
    pub fn without_store() -> Self {
        Self { elsewhere: true, ..Self::default() }
    }
}

impl Service for TimersService {
    type Proto = Timers;

    async fn started(&mut self, cx: &ServiceCx) -> Result<(), ServiceError> {
        let (system, swept, elsewhere) = (cx.system.clone(), self.swept.clone(), self.elsewhere);
        cx.spawn("the sweep", async move {
            let mut wave = Wave::default();
            let mut soon = [].iter();
            loop {
                if !elsewhere {
                    sweep(&system).await;
                }
                passivate(&system);
                wave.look(&system).await;
                swept.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                tokio::select! {
                    () = tokio::time::sleep(soon.next().copied().unwrap_or(SWEEP_EVERY)) => {}
                    () = system.again().sweep_is_asked() => {
                        soon = SWEEPS_SOON.iter();
                        tokio::time::sleep(soon.next().copied().unwrap_or(SWEEP_EVERY)).await;
                    }
                }
            }
        });
        if elsewhere {
            return Ok(());
        }
        let system = cx.system.clone();
        cx.spawn("dates", async move {
            let mut dates = Dates::new();
            loop {
                let wait = fire(&system, &mut dates).await;
                tokio::time::sleep(wait).await;
            }
        });
        Ok(())
    }

    async fn handle(&mut self, _: Msg, reply: ReplyPort<Timers>, _: &ServiceCx) -> Result<(), ServiceError> {
        reply.send(self.swept.load(std::sync::atomic::Ordering::Relaxed));
        Ok(())
    }
}

/// Wakes everyone whose rows wait. At a start this is all of recovery; later it finds what a lost wake stranded.
async fn sweep(system: &System) {
    let mut after: Option<Address> = None;
    loop {
        let query = Query::Unfinished { after: after.clone(), limit: PAGE_ROWS };
        let Ok(Rows::Addresses(page)) = system.store().query(query).await else {
            return;
        };
        for address in &page {
            // Whether it is worth it is known where it lives.
            if system.far_of(address).is_some() || system.is_swept(address) {
                system.wake(address);
            }
        }
        if page.len() < PAGE_ROWS as usize {
            return;
        }
        after = page.last().cloned();
        tokio::task::yield_now().await;
    }
}

/// Tells entities whose dates have come, and says when to look again.
async fn fire(system: &System, dates: &mut Dates) -> Duration {
    let now = system.now();
    dates.begin(now);
    loop {
        let soon = Query::Due { now: now.plus_ms(LOOK_EVERY_MS), after: dates.after().cloned(), limit: PAGE_ROWS };
        let Ok(Rows::Timers(page)) = system.store().query(soon).await else {
            return Duration::from_millis(LOOK_EVERY_MS.unsigned_abs());
        };
        let Looked { tell, wait_ms } = dates.look(page, now);
        for row in tell {
            system.due(&row.entity, &row.name).await;
        }
        if let Some(wait_ms) = wait_ms {
            return Duration::from_millis(wait_ms.unsigned_abs());
        }
        tokio::task::yield_now().await;
    }
}

/// Actors that must have stopped before their memory is worth giving back.
const WAVE_ACTORS_MIN: usize = 100;
/// Sweeps in which no more stopped, before the wave is taken to be over: contexts stop some seconds after their lanes.
const CALM_SWEEPS_MIN: u32 = 8;
/// It is given back, and it is looked how much there is, at most this often.
const GIVE_BACK_EVERY: Duration = Duration::from_secs(60);
/// Freed memory that is worth giving back without a wave, if it is also more than half of what is in use. Each thread has places
/// of its own in the allocator, and each keeps the most that it ever used: in days of mixed work that adds up.
const UNUSED_BYTES_MIN: usize = 16 * 1024 * 1024;

/// How many actors lived at most since memory was last given back.
#[derive(Default)]
struct Wave {
    crest: usize,
    alive_before: usize,
    calm: u32,
    given_back: Option<std::time::Instant>,
    looked: Option<std::time::Instant>,
}

impl Wave {
    /// Much of what the allocator holds was freed. Looked at seldom.
    async fn is_much_unused(&mut self) -> bool {
        if self.looked.is_some_and(|at| at.elapsed() < GIVE_BACK_EVERY) {
            return false;
        }
        self.looked = Some(crate::gauge::now());
        tokio::task::spawn_blocking(heap::held).await.is_ok_and(is_worth_giving_back)
    }

    /// After a wave of stops the allocator still holds what they used.
    async fn look(&mut self, system: &System) {
        let alive = system.actors_len();
        self.crest = self.crest.max(alive);
        // While more and more stop the wave is not over; what was given back now would be too little.
        let is_falling = std::mem::replace(&mut self.alive_before, alive) > alive;
        self.calm = if is_falling { 0 } else { self.calm.saturating_add(1) };
        let is_early = self.given_back.is_some_and(|at| at.elapsed() < GIVE_BACK_EVERY);
        let is_over = self.calm >= CALM_SWEEPS_MIN && alive + WAVE_ACTORS_MIN <= self.crest;
        if is_early || !(is_over || self.is_much_unused().await) {
            return;
        }
        (self.crest, self.given_back) = (alive, Some(crate::gauge::now()));
        match tokio::task::spawn_blocking(heap::give_back).await {
            Ok(given) => tracing::debug!(given, alive, "freed memory given back"),
            Err(error) => tracing::warn!(%error, "memory could not be given back"),
        }
    }
}

fn is_worth_giving_back(held: heap::Held) -> bool {
    held.unused >= UNUSED_BYTES_MIN && held.unused > held.used / 2
}

/// Lets entities end that have been idle for long. Memory follows what is active, not what exists.
fn passivate(system: &System) {
    let after = system.options().passivate_after;
    let idle = system.directory().list().into_iter().filter(|(_, entry)| {
        let gauge = &entry.gauge;
        gauge.standing() == Standing::Running && gauge.depth() == 0 && gauge.idle_for() >= after
    });
    for (_, entry) in idle.take(PASSIVATED_AT_ONCE_MAX) {
        if let Some(post) = entry.handles.and_then(|handles| handles.post) {
            post.passivate();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_memory_is_given_back_when_it_is_much_and_more_than_a_third_of_what_is_held() {
        let is_worth = |used, unused| is_worth_giving_back(heap::Held { used, unused });
        assert!(is_worth(UNUSED_BYTES_MIN - 1, UNUSED_BYTES_MIN));
        assert!(!is_worth(2 * UNUSED_BYTES_MIN, UNUSED_BYTES_MIN));
        assert!(is_worth(2 * UNUSED_BYTES_MIN - 2, UNUSED_BYTES_MIN));
        assert!(!is_worth(0, UNUSED_BYTES_MIN - 1));
    }
}
