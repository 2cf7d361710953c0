//! What the threads tell of themselves.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use runtime::{Histogram, HistogramView};
use serde::Serialize;

/// A failure to read that nobody met again for so long is over.
const UNREAD_MS_MAX: u64 = 10_000;
/// Upper bounds of the time from a commit's being asked for to its answer, in microseconds.
const LATENCY_US: [u64; 13] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 30_000_000];
/// Upper bounds of the number of commits in one transaction.
const GROUP_COMMITS: [u64; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/// How commits went since the store was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitStats {
    /// From being asked for to being answered, in microseconds; those that the disk refused included.
    pub latency_us: HistogramView,
    /// Commits in one transaction.
    pub group: HistogramView,
}

/// How the store stands; cheap to ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The last group was written, and the writer lives. While false, commits are refused in words.
    pub writable: bool,
    /// What went wrong last, and what to do; empty when nothing ever did.
    pub last_error: String,
    /// Why rows could not be read lately, and what to do; empty when all that was asked for could be read.
    pub unreadable: String,
    /// Commits answered since the store was opened, but for those that the disk refused.
    pub commits: u64,
    /// Transactions they were written in.
    pub groups: u64,
    /// Commits that wait for the writer now.
    pub queue: usize,
    /// Queries that wait for a reader now.
    pub queries: usize,
    /// Times the writer had to be started again.
    pub restarts: u64,
}

impl Health {
    /// What is wrong now and what to do, in words; `None` when nothing is.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let refuses = (!self.writable).then(|| format!("refuses commits: {}", self.last_error));
        refuses.or_else(|| (!self.unreadable.is_empty()).then(|| format!("can't read some rows: {}", self.unreadable)))
    }
}

/// Written by the threads, read by everyone.
#[derive(Debug)]
pub(crate) struct Shared {
    refusing: AtomicBool,
    closing: AtomicBool,
    last_error: Mutex<String>,
    unreadable: Mutex<Option<(Instant, String)>>,
    commits: AtomicU64,
    groups: AtomicU64,
    queue: AtomicUsize,
    pub(crate) queries: AtomicUsize,
    pub(crate) restarts: AtomicU64,
    latency_us: Histogram,
    group: Histogram,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            refusing: AtomicBool::default(),
            closing: AtomicBool::default(),
            last_error: Mutex::default(),
            unreadable: Mutex::default(),
            commits: AtomicU64::default(),
            groups: AtomicU64::default(),
            queue: AtomicUsize::default(),
            queries: AtomicUsize::default(),
            restarts: AtomicU64::default(),
            latency_us: Histogram::new(&LATENCY_US),
            group: Histogram::new(&GROUP_COMMITS),
        }
    }
}

impl Shared {
    /// One commit is answered, so long after it was asked for.
    pub(crate) fn took(&self, took: Duration) {
        self.latency_us.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn stats(&self) -> CommitStats {
        CommitStats { latency_us: self.latency_us.view(), group: self.group.view() }
    }

    /// A commit is about to be put into the queue.
    pub(crate) fn queued(&self) {
        self.queue.fetch_add(1, Ordering::Relaxed);
    }

    /// Commits left the queue.
    pub(crate) fn taken(&self, commits: usize) {
        self.queue.fetch_sub(commits, Ordering::Relaxed);
    }

    pub(crate) fn wrote(&self, commits: usize) {
        self.commits.fetch_add(u64::try_from(commits).unwrap_or(0), Ordering::Relaxed);
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.group.add(u64::try_from(commits).unwrap_or(u64::MAX));
        if self.refusing.swap(false, Ordering::Relaxed) {
            tracing::info!("the store writes again");
        }
    }

    /// Something can't be written. Said in the log once until it can.
    pub(crate) fn refuses(&self, why: &str) {
        let mut last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.refusing.swap(true, Ordering::Relaxed) || *last != why {
            tracing::error!(why, "the store can't write");
        }
        why.clone_into(&mut last);
    }

    /// Rows can't be read. Who needs them asks again and again, so this is known as long as it is so.
    pub(crate) fn unread(&self, why: &str) {
        let mut last = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|(_, known)| known != why) {
            tracing::error!(why, "the store can't be read");
        }
        *last = Some((Instant::now(), why.to_owned()));
    }

    fn unreadable(&self) -> String {
        let last = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = last.as_ref().filter(|(at, _)| at.elapsed() < Duration::from_millis(UNREAD_MS_MAX));
        lately.map(|(_, why)| why.clone()).unwrap_or_default()
    }

    /// The file could be opened again; the next group shows whether it can be written.
    pub(crate) fn reopened(&self) {
        tracing::debug!("the store's file is open again");
    }

    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub(crate) fn is_refusing(&self) -> bool {
        self.refusing.load(Ordering::Relaxed)
    }

    pub(crate) fn last_error(&self) -> String {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn health(&self, writer_lives: bool) -> Health {
        Health {
            writable: writer_lives && !self.is_refusing(),
            last_error: self.last_error(),
            unreadable: self.unreadable(),
            commits: self.commits.load(Ordering::Relaxed),
            groups: self.groups.load(Ordering::Relaxed),
            queue: self.queue.load(Ordering::Relaxed),
            queries: self.queries.load(Ordering::Relaxed),
            restarts: self.restarts.load(Ordering::Relaxed),
        }
    }
}
