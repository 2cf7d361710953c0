//! Taking erased words out of the write-ahead log: pages from before stay in it until it is moved into the file and
//! emptied, which SQLite by itself does at no certain time.

use std::time::{Duration, Instant};

use messages::store::{RetentionWrite, Write};
use rusqlite::Connection;

use super::Job;
use crate::connection::BUSY_WAIT_MS_MAX;

/// How long erased words may stay in the write-ahead log while nobody reads, and how often it is tried.
const EVERY: Duration = Duration::from_secs(1);

/// Whether there is something to be taken out, and when that is to be tried.
#[derive(Debug)]
pub(super) struct Scrub {
    due: Option<Instant>,
}

impl Scrub {
    /// For a file that was just opened: a writer that was killed has taken out nothing.
    pub(super) fn new() -> Self {
        Self { due: Some(Instant::now() + EVERY) }
    }

    /// Of what is written now, are words erased?
    pub(super) fn look_at(&mut self, jobs: &[Job]) {
        if self.due.is_none() && jobs.iter().any(|job| job.commit.writes.iter().any(erases)) {
            self.due = Some(Instant::now() + EVERY);
        }
    }

    /// How long until it is to be tried; `None`: there is nothing.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.due.map(|due| due.saturating_duration_since(Instant::now()))
    }

    pub(super) fn is_due(&self) -> bool {
        self.due.is_some_and(|due| due <= Instant::now())
    }

    pub(super) fn tried(&mut self, is_done: bool) {
        self.due = if is_done { None } else { Some(Instant::now() + EVERY) };
    }
}

fn erases(write: &Write) -> bool {
    let retention = matches!(write, Write::Retention(RetentionWrite::Expire { .. } | RetentionWrite::AuditCut { .. }));
    retention
        || matches!(
            write,
            Write::Redact { .. } | Write::InboxText { .. } | Write::Retention(RetentionWrite::ForgetDone { .. })
        )
}

/// Moves the log into the file and empties it, if nobody reads what is in it; nobody is waited for.
pub(super) fn empty_log(sql: &Connection) -> bool {
    let emptied = sql
        .busy_timeout(Duration::ZERO)
        .and_then(|()| sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)));
    if let Err(error) = sql.busy_timeout(Duration::from_millis(BUSY_WAIT_MS_MAX)) {
        tracing::warn!(%error, "the writer waits for nobody any more");
    }
    matches!(emptied, Ok(0))
}
