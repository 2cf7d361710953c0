//! What every actor shows of itself for free: how much waits, since when, how often it failed, what it does now.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest error that a gauge keeps, in bytes.
const ERROR_BYTES_MAX: usize = 400;

/// How an actor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Running,
    /// It waits for the store.
    Paused,
    /// It failed and will be opened again.
    Restarting,
    /// It failed too often and stays down until a person says otherwise.
    Stopped,
}

impl Standing {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
        }
    }
}

/// One actor's gauge. Outlives its restarts; ends when it is passivated.
pub(crate) struct Gauge {
    waiting: Mutex<VecDeque<Instant>>,
    handled: AtomicU64,
    restarts: AtomicU64,
    words: Mutex<Words>,
    active: Mutex<Instant>,
}

struct Words {
    last_error: String,
    doing: String,
    standing: Standing,
}

impl Gauge {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            handled: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            words: Mutex::new(Words { last_error: String::new(), doing: String::new(), standing: Standing::Running }),
            active: Mutex::new(now()),
        })
    }

    /// Counts one message that waits; dropped when it is taken out, or with its mailbox.
    pub(crate) fn ticket(self: &Arc<Self>) -> Ticket {
        let at = now();
        lock(&self.waiting).push_back(at);
        Ticket(self.clone())
    }

    pub(crate) fn depth(&self) -> usize {
        lock(&self.waiting).len()
    }

    pub(crate) fn oldest_wait(&self) -> Duration {
        lock(&self.waiting).front().map(Instant::elapsed).unwrap_or_default()
    }

    pub(crate) fn count_handled(&self) {
        self.handled.fetch_add(1, Ordering::Relaxed);
        *lock(&self.active) = now();
    }

    pub(crate) fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    pub(crate) fn idle_for(&self) -> Duration {
        lock(&self.active).elapsed()
    }

    pub(crate) fn count_restart(&self, error: &str) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        self.failed(error);
    }

    pub(crate) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    pub(crate) fn failed(&self, error: &str) {
        let mut cut = error.len().min(ERROR_BYTES_MAX);
        while !error.is_char_boundary(cut) {
            cut -= 1;
        }
        lock(&self.words).last_error = error.get(..cut).unwrap_or_default().to_owned();
    }

    pub(crate) fn last_error(&self) -> String {
        lock(&self.words).last_error.clone()
    }

    pub(crate) fn doing(&self, what: &str) {
        let mut words = lock(&self.words);
        words.doing.clear();
        words.doing.push_str(what);
    }

    pub(crate) fn shows(&self) -> String {
        lock(&self.words).doing.clone()
    }

    pub(crate) fn stand(&self, standing: Standing) {
        lock(&self.words).standing = standing;
    }

    pub(crate) fn standing(&self) -> Standing {
        lock(&self.words).standing
    }
}

/// One message that waits.
pub(crate) struct Ticket(Arc<Gauge>);

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.0.waiting).pop_front();
    }
}

/// Monotonic time for gauges and waits; no decision sees it.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_what_waits_and_forgets_what_was_dropped() {
        let gauge = Gauge::new();
        let tickets: Vec<_> = (0..50).map(|_| gauge.ticket()).collect();
        assert_eq!(gauge.depth(), 50);
        drop(tickets);
        assert_eq!((gauge.depth(), gauge.oldest_wait()), (0, Duration::ZERO));
    }

    #[test]
    fn a_long_error_is_cut_at_a_character() {
        let gauge = Gauge::new();
        gauge.failed(&"ä".repeat(ERROR_BYTES_MAX));
        assert_eq!(gauge.last_error().len(), ERROR_BYTES_MAX);
    }
}
