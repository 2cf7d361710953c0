//! One write, inside the request's savepoint. Which state each moves from where to where stands at
//! [`messages::store::Write`]; a row that is elsewhere refuses the request in words.

mod audit;
mod inbox;
mod log;
mod memory;
mod notice;
mod outbox;
mod rest;
mod retention;
mod spending;
mod step;
mod subject;
mod task;

use messages::store::{CommitError, Committed, Fence, Write};
use rusqlite::{CachedStatement, Connection, Params};
use serde::Serialize;

use super::heads::Heads;
use crate::audit::AuditKey;
use crate::core::{Blame, blame};

pub(crate) use audit::sign;
pub(crate) use retention::has_ended;

/// What a write works on.
pub(crate) struct Tx<'a> {
    pub(crate) sql: &'a Connection,
    pub(crate) heads: &'a mut Heads,
    pub(crate) key: &'a AuditKey,
    /// The fences of the commit that is being applied; they hold.
    pub(crate) fences: &'a [Fence],
}

/// Why a request ends.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It alone is refused.
    Refused(CommitError),
    /// SQLite refused; whose fault it is, is not yet decided.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn conflict<T>(words: String) -> Result<T, Stop> {
    Err(Stop::Refused(CommitError::Conflict(words)))
}

fn refused<T>(words: String) -> Result<T, Stop> {
    Err(Stop::Refused(CommitError::Refused(words)))
}

/// A number of the vocabulary as SQLite has it.
fn int(what: &str, number: u64) -> Result<i64, Stop> {
    match i64::try_from(number) {
        Ok(number) => Ok(number),
        Err(_) => refused(format!("{what} {number} is larger than {}", i64::MAX)),
    }
}

/// The number of one of a list of the vocabulary, as rows have it.
fn number<T: PartialEq + Copy>(all: &[T], one: T) -> Result<i64, Stop> {
    let place = all.iter().position(|other| *other == one).and_then(|place| i64::try_from(place).ok());
    place.map_or_else(|| refused("a value has no number in rows".into()), Ok)
}

/// The one that has this number in rows.
fn numbered<T: Copy>(all: &[T], number: i64) -> Option<T> {
    usize::try_from(number).ok().and_then(|place| all.get(place).copied())
}

fn json<T: Serialize>(what: &str, value: &T) -> Result<String, Stop> {
    serde_json::to_string(value).or_else(|error| refused(format!("{what} can't be written as JSON: {error}")))
}

impl Tx<'_> {
    pub(crate) fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.sql.prepare_cached(sql)
    }

    /// Runs a statement that changes rows, and tells how many.
    pub(crate) fn run(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.prepare(sql)?.execute(params)
    }
}

/// Applies one write.
pub(crate) fn apply(tx: &mut Tx<'_>, write: &Write, done: &mut Committed) -> Result<(), Stop> {
    subject::check(tx, write)?;
    let applied = match write {
        Write::InboxPut { .. }
        | Write::InboxTake { .. }
        | Write::InboxText { .. }
        | Write::InboxSettle { .. }
        | Write::Redact { .. } => inbox::apply(tx, write, done),
        Write::OutboxPut { .. }
        | Write::OutboxSending { .. }
        | Write::OutboxSent { .. }
        | Write::OutboxRetry { .. }
        | Write::OutboxFailed { .. }
        | Write::OutboxDoubt { .. }
        | Write::OutboxLogged { .. } => outbox::apply(tx, write),
        Write::EntryPut { .. } | Write::LogSynced { .. } => log::apply(tx, write),
        Write::ContextPut { .. } | Write::TimerPut { .. } | Write::TimerDrop { .. } | Write::UnitClaim { .. } => {
            rest::apply(tx, write, done)
        }
        Write::Memory(put) => memory::apply(tx, put),
        Write::Notice(notice) => notice::apply(tx, notice),
        Write::Retention(write) => retention::apply(tx, write),
        Write::Task(write) => task::apply(tx, write),
        Write::Step(write) => step::apply(tx, write),
        Write::Audit { .. } => audit::apply(tx, write),
    };
    applied.map_err(|stop| name_it(stop, write))
}

/// A constraint that no check in words came before is said with the write's name.
fn name_it(stop: Stop, write: &Write) -> Stop {
    match stop {
        Stop::Sqlite(error) if blame(&error) == Blame::Request => {
            Stop::Refused(CommitError::Conflict(format!("{}: {error}", write.name())))
        }
        other => other,
    }
}
