//! How an index keeps up with its folders: one task that scans when something may have changed, and rests between.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use messages::Moment;
use runtime::ServiceCx;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until};

use super::Shared;
use super::core::{Since, all_after, rest};
use crate::changes::Changes;
use crate::database::Trouble;
use crate::scan::{Report, SETTLED_AFTER_NS, Scanner};

/// Files whose times have not settled are looked at again so long after they were read; a little more than it takes.
const LOOK_AGAIN_AFTER: Duration = Duration::from_nanos(SETTLED_AFTER_NS.unsigned_abs() + 50_000_000);

/// A scan that took as long as this is told of in the log.
const TOLD_AFTER: Duration = Duration::from_secs(2);

/// Scans at once, and then whenever the bell is rung or it is time, until it is aborted.
pub(super) async fn keep_up(shared: Arc<Shared>, cx: &ServiceCx) {
    let mut keeper = Keeper::new();
    loop {
        // Taken before the folders are read, so that no change is missed between.
        let changes = keeper.due(&shared);
        if !changes.is_empty() {
            let began = Instant::now();
            cx.doing("scanning");
            keeper = keeper.scan(&shared, changes, cx.system.now()).await;
            cx.doing("");
            shared.tell(began.elapsed());
            sleep(rest(began.elapsed(), shared.watch.polls())).await;
        }
        tokio::select! {
            () = shared.bell.notified() => {}
            () = sleep_until(keeper.next_at()) => {}
        }
    }
}

/// What is known from scan to scan.
struct Keeper {
    scanner: Scanner,
    /// When everything was looked at, or a scan failed.
    last_at: Instant,
    since: Since,
    /// When files that have not settled are looked at again.
    again_at: Option<Instant>,
    is_first: bool,
}

impl Keeper {
    fn new() -> Self {
        Self {
            scanner: Scanner::default(),
            last_at: Instant::now(),
            since: Since::default(),
            again_at: None,
            is_first: true,
        }
    }

    fn all_at(&self) -> Instant {
        self.last_at + all_after(self.since)
    }

    fn next_at(&self) -> Instant {
        self.again_at.map_or(self.all_at(), |again_at| again_at.min(self.all_at()))
    }

    /// What is to be looked at now.
    fn due(&mut self, shared: &Shared) -> Changes {
        let (mut changes, now) = (shared.watch.take(), Instant::now());
        let is_asked_for = shared.missing.swap(false, Ordering::SeqCst) | shared.damaged.load(Ordering::SeqCst);
        if self.is_first || is_asked_for || now >= self.all_at() {
            changes = Changes::Everything;
        }
        self.since.heard |= !changes.is_empty();
        if self.again_at.is_some_and(|again_at| now >= again_at) {
            self.again_at = None;
            changes.add(self.scanner.take_unsettled());
        }
        changes
    }

    async fn scan(mut self, shared: &Arc<Shared>, changes: Changes, now: Moment) -> Self {
        shared.reading.store(true, Ordering::SeqCst);
        let (worker, mut scanner) = (shared.clone(), std::mem::take(&mut self.scanner));
        let scanned = spawn_blocking(move || {
            let scanned = worker.scan_now(&mut scanner, &changes, now);
            (scanner, scanned)
        });
        // After a panic what was remembered is lost, and the next scan is one of everything.
        let scanned = match scanned.await {
            Ok((scanner, scanned)) => {
                self.scanner = scanner;
                scanned.map_err(|trouble| trouble.to_string())
            }
            Err(panic) => Err(panic.to_string()),
        };
        self.ended(&scanned);
        shared.keep(scanned);
        shared.reading.store(false, Ordering::SeqCst);
        shared.first_scan.send_replace(true);
        self
    }

    fn ended(&mut self, scanned: &Result<(Report, bool), String>) {
        self.is_first = false;
        self.since.failed = scanned.is_err();
        match scanned {
            Ok((_, false)) => {}
            Ok((_, true)) => (self.last_at, self.since.heard) = (Instant::now(), false),
            Err(_) => self.last_at = Instant::now(),
        }
        if self.again_at.is_none() && self.scanner.has_unsettled() {
            self.again_at = Some(Instant::now() + LOOK_AGAIN_AFTER);
        }
    }
}

impl Shared {
    /// A scan that somebody may have waited for is told of in the log.
    fn tell(&self, took: Duration) {
        if took >= TOLD_AFTER {
            let view = self.view();
            let (index, seconds) = (self.library.place().file(), took.as_secs());
            tracing::info!(index = %index.display(), view.files, view.passages, seconds, "the index is up to date");
        }
    }

    fn scan_now(&self, scanner: &mut Scanner, changes: &Changes, now: Moment) -> Result<(Report, bool), Trouble> {
        if self.damaged.swap(false, Ordering::SeqCst) {
            self.library.place().delete()?;
        }
        scanner.scan(self.library.covered(), changes, nanoseconds(now), self)
    }

    fn keep(&self, scanned: Result<(Report, bool), String>) {
        let failure = match scanned {
            Ok((report, of_all)) => {
                *self.report.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(report);
                self.scans.fetch_add(1, Ordering::Relaxed);
                self.scans_of_all.fetch_add(u64::from(of_all), Ordering::Relaxed);
                None
            }
            Err(why) => {
                tracing::warn!("a scan failed: {why}");
                Some(why)
            }
        };
        *self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = failure;
    }
}

fn nanoseconds(moment: Moment) -> i64 {
    moment.0.saturating_mul(1_000_000)
}
