//! The one writer: a thread that takes all commits that wait, writes them in one transaction, and answers all.
//!
//! It never lingers: while one group is being written the next one gathers in the queue by itself. When the file can't
//! be written it refuses what comes, at once and in words, and goes on by itself as soon as it can.

mod apply;
mod group;
mod heads;
mod scrub;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use messages::store::{Commit, CommitError, Committed};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::audit::AuditKey;
use crate::connection::{self, Place};
use crate::core::{self, Fate};
use crate::shared::Shared;
pub(crate) use apply::{Stop, Tx, apply, has_ended, sign as sign_chain};
use group::Failure;
pub(crate) use heads::Heads;
use scrub::Scrub;

/// At most so many commits are written in one transaction.
pub(crate) const GROUP_COMMITS_MAX: usize = 256;
/// A writer that has had nothing to do for so long gives its page cache back.
const REST_AFTER: Duration = Duration::from_secs(5);
/// What still runs when the store is closed in good order goes on under the next epoch of its workspace: its node was not
/// lost under it.
const HAND_OVER: &str = "UPDATE task INDEXED BY task_slot
    SET epoch = 1 + (SELECT unit.epoch FROM unit WHERE unit.unit = 'ws/' || task.ws) WHERE state IN (3, 5)";
/// Tries to find out what became of a group before its askers hear that it is not known.
const SETTLE_TRIES_MAX: u32 = 4;

/// The answer to one commit.
pub(crate) type Answer = Result<Committed, CommitError>;

/// One commit and who waits for it.
pub(crate) struct Job {
    pub(crate) commit: Commit,
    pub(crate) answer: oneshot::Sender<Answer>,
    /// When it was asked for.
    pub(crate) at: Instant,
}

/// The file as the writer has it open, and what it knows of it.
pub(crate) type Open = (Connection, Heads);

/// What the thread owns.
pub(crate) struct Writer {
    place: Place,
    key: Arc<AuditKey>,
    shared: Arc<Shared>,
    open: Option<Open>,
    lost: Lost,
    /// Words were erased that the write-ahead log may still hold.
    scrub: Scrub,
}

/// Since when the file can't be opened.
#[derive(Debug, Default)]
struct Lost {
    tries: u32,
    retry_at: Option<Instant>,
    why: String,
}

impl Writer {
    pub(crate) fn new(place: Place, key: Arc<AuditKey>, shared: Arc<Shared>, open: Option<Open>) -> Self {
        Self { place, key, shared, open, lost: Lost::default(), scrub: Scrub::new() }
    }

    /// Works until all senders of the queue are gone, and then, if the store is closed in good order, signs the chain.
    pub(crate) fn run(mut self, queue: &Mutex<Receiver<Job>>) {
        let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut jobs = Vec::with_capacity(GROUP_COMMITS_MAX);
        while self.gather(&queue, &mut jobs) {
            self.shared.taken(jobs.len());
            if self.reopen_if_due() {
                self.scrub.look_at(&jobs);
                self.write(&mut jobs);
                self.scrub_if_due();
            } else {
                let why = CommitError::Unavailable(self.lost.why.clone());
                answer(&mut jobs, |_| Err(why.clone()));
            }
        }
        if self.shared.is_closing() {
            self.finish();
        }
    }

    /// Waits for the next commits. Meanwhile a lost file is tried again. False: there will be none.
    fn gather(&mut self, queue: &Receiver<Job>, jobs: &mut Vec<Job>) -> bool {
        let first = loop {
            let Some(retry_at) = self.lost.retry_at.filter(|_| self.open.is_none()) else {
                match queue.recv_timeout(self.scrub.wait().unwrap_or(REST_AFTER)) {
                    Ok(job) => break Some(job),
                    Err(RecvTimeoutError::Disconnected) => break None,
                    Err(RecvTimeoutError::Timeout) if self.scrub.wait().is_some() => {
                        self.scrub_if_due();
                        continue;
                    }
                    Err(RecvTimeoutError::Timeout) => self.rest(),
                }
                break queue.recv().ok();
            };
            match queue.recv_timeout(retry_at.saturating_duration_since(Instant::now())) {
                Ok(job) => break Some(job),
                Err(RecvTimeoutError::Disconnected) => break None,
                Err(RecvTimeoutError::Timeout) => drop(self.reopen_if_due()),
            }
        };
        jobs.extend(first);
        if jobs.is_empty() {
            return false;
        }
        while jobs.len() < GROUP_COMMITS_MAX {
            match queue.try_recv() {
                Ok(job) => jobs.push(job),
                Err(_) => break,
            }
        }
        true
    }

    /// Nobody has written for a while: the page cache is given back.
    fn rest(&self) {
        if let Some((sql, _)) = &self.open
            && let Err(error) = sql.execute_batch("PRAGMA shrink_memory")
        {
            tracing::debug!(%error, "the writer's cache could not be given back");
        }
    }

    /// Erased words are taken out of the write-ahead log, too, unless a reader is in the way: then it is tried again.
    fn scrub_if_due(&mut self) {
        if let Some((sql, _)) = self.open.as_ref().filter(|_| self.scrub.is_due()) {
            self.scrub.tried(scrub::empty_log(sql));
        }
    }

    /// Writes a group, finds out what became of it if that is in doubt, and answers.
    fn write(&mut self, jobs: &mut Vec<Job>) {
        let Some((sql, heads)) = &mut self.open else { return };
        let number = heads.group.saturating_add(1);
        let mut answers = Vec::with_capacity(jobs.len());
        let worked = catch_unwind(AssertUnwindSafe(|| {
            group::write(group::Group { sql, heads, key: &self.key, place: &self.place }, jobs, &mut answers)
        }));
        let result = match worked {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Failure::Refused { why, reopen })) => {
                if reopen {
                    self.lose(why.clone());
                }
                Err(CommitError::Unavailable(why))
            }
            Ok(Err(Failure::InDoubt { why })) => self.settle(number, &why),
            Err(panic) => self.settle(number, &format!("the writer failed: {}", words(&*panic))),
        };
        self.report(&result, jobs.len());
        jobs.iter().for_each(|job| self.shared.took(job.at.elapsed()));
        fail::fail_point!("store.before_answer");
        match result {
            Ok(()) => {
                let mut answers = answers.into_iter();
                answer(jobs, |_| {
                    answers.next().unwrap_or_else(|| Err(CommitError::Unknown("it was passed over".into())))
                });
            }
            Err(error) => answer(jobs, |_| Err(error.clone())),
        }
    }

    fn report(&self, result: &Result<(), CommitError>, commits: usize) {
        match result {
            Ok(()) => self.shared.wrote(commits),
            Err(CommitError::Unavailable(why) | CommitError::Unknown(why)) => self.shared.refuses(why),
            Err(other) => self.shared.refuses(&other.to_string()),
        }
    }

    /// COMMIT failed, or the writer did: only the file knows whether group `number` is in it.
    fn settle(&mut self, number: i64, why: &str) -> Result<(), CommitError> {
        self.open = None;
        self.lost = Lost::default();
        for tries in 0..SETTLE_TRIES_MAX {
            if tries > 0 {
                std::thread::sleep(core::reopen_wait(tries - 1));
            }
            let Some(found) = self.reopen() else { continue };
            match core::fate(number, found) {
                Fate::Lost => return Err(CommitError::Unavailable(why.to_owned())),
                Fate::Written if self.harden() => return Ok(()),
                Fate::Written => self.lose(why.to_owned()),
            }
        }
        Err(CommitError::Unknown(format!("{why}; {}", self.lost.why)))
    }

    /// After a failed sync the group may be in the kernel's memory alone. Moving the write-ahead log into the file
    /// writes its pages again, elsewhere, and syncs them.
    fn harden(&self) -> bool {
        let checkpoint = "PRAGMA wal_checkpoint(FULL)";
        self.open.as_ref().is_some_and(|(sql, _)| {
            sql.query_row(checkpoint, [], |row| row.get::<_, i64>(0)).is_ok_and(|busy| busy == 0)
        })
    }

    /// True when the file is open, be it from now on.
    fn reopen_if_due(&mut self) -> bool {
        let due = self.lost.retry_at.is_none_or(|at| at <= Instant::now());
        if self.open.is_none() && due {
            self.reopen();
        }
        self.open.is_some()
    }

    /// Opens the file again and tells the number of the last group in it.
    fn reopen(&mut self) -> Option<i64> {
        let opened = connection::writer(&self.place, false).and_then(|sql| Heads::load(&sql).map(|heads| (sql, heads)));
        match opened {
            Ok((sql, heads)) => {
                let group = heads.group;
                self.open = Some((sql, heads));
                self.lost = Lost::default();
                self.shared.reopened();
                Some(group)
            }
            Err(error) => {
                let why = core::advice(&error, &self.place.folder);
                self.shared.refuses(&why);
                self.lose(why);
                None
            }
        }
    }

    fn lose(&mut self, why: String) {
        self.open = None;
        self.lost.retry_at = Some(Instant::now() + core::reopen_wait(self.lost.tries));
        self.lost.tries = self.lost.tries.saturating_add(1);
        self.lost.why = why;
    }

    /// What runs is handed over, and the last signature put over the chain. Then the write-ahead log is moved into the file and emptied: by itself SQLite
    /// does that only if no reader is closed after the writer, and words that were erased would stay in it.
    fn finish(&mut self) {
        let Some((sql, heads)) = &mut self.open else {
            self.shared.refuses(&format!("the audit chain's end is not signed: {}", self.lost.why));
            return;
        };
        if let Err(error) = sql.execute(HAND_OVER, []) {
            tracing::warn!(%error, "what runs could not be handed over; the next start holds it to be lost");
        }
        if let Err(error) = group::sign(sql, heads, &self.key) {
            let why = core::advice(&error, &self.place.folder);
            self.shared.refuses(&format!("the audit chain's end is not signed: {why}"));
        }
        if let Err(error) = sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the write-ahead log could not be emptied; the next start does it");
        }
    }
}

fn answer(jobs: &mut Vec<Job>, mut with: impl FnMut(&Commit) -> Answer) {
    for job in jobs.drain(..) {
        // An asker that has given up is no error: what is written is found in the rows.
        drop(job.answer.send(with(&job.commit)));
    }
}

/// The words of a panic, as far as it has any.
pub(crate) fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}
