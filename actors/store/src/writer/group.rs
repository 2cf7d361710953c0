//! One transaction for a group of requests, in which a refused one leaves nothing behind.

use std::collections::HashMap;
use std::path::Path;

use messages::Address;
use messages::store::{Commit, CommitError, Committed};
use rusqlite::{Connection, ErrorCode, params};

use super::apply::{self, Stop, Tx};
use super::heads::Heads;
use super::{Answer, Job};
use crate::audit::AuditKey;
use crate::connection::Place;
use crate::core::{self, Blame};

const NUMBER: &str = "UPDATE meta SET value = ?1 WHERE key = 'group'";

/// What a group is written with.
pub(super) struct Group<'a> {
    pub(super) sql: &'a Connection,
    pub(super) heads: &'a mut Heads,
    pub(super) key: &'a AuditKey,
    pub(super) place: &'a Place,
}

/// Why a whole group is not written, as far as is known.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing of it is written. `reopen`: the connection is not to be trusted any more.
    Refused { why: String, reopen: bool },
    /// COMMIT itself failed: it may or may not be written.
    InDoubt { why: String },
}

/// How requests of one transaction are kept apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Not at all, as long as none is refused: nearly always none is, and a savepoint copies every page it touches.
    Plain,
    /// Each in its own savepoint, so that a refused one leaves nothing behind.
    Guarded,
}

/// Writes all jobs in one transaction and puts one answer for each into `answers`.
pub(super) fn write(mut group: Group<'_>, jobs: &[Job], answers: &mut Vec<Answer>) -> Result<(), Failure> {
    fail::fail_point!("store.group.begin");
    let before = answers.len();
    if attempt(&mut group, jobs, answers, Pass::Plain)? {
        return Ok(());
    }
    answers.truncate(before);
    attempt(&mut group, jobs, answers, Pass::Guarded).map(drop)
}

/// `false`: a request was refused in a plain pass, all is rolled back, and a guarded one is due.
fn attempt(group: &mut Group<'_>, jobs: &[Job], answers: &mut Vec<Answer>, pass: Pass) -> Result<bool, Failure> {
    let (sql, folder) = (group.sql, group.place.folder.as_path());
    let begin = group.heads.mark();
    run(sql, "BEGIN IMMEDIATE").map_err(|error| refused(sql, &error, folder))?;
    let before = sql.total_changes();
    let mut tx = Tx { sql, heads: &mut *group.heads, key: group.key, fences: &[] };
    let written = requests(&mut tx, jobs, answers, pass);
    let heads = &mut *group.heads;
    let number = heads.group.saturating_add(1);
    let is_whole = !matches!(written, Ok(false));
    // Nothing but refusals and repeats: there is nothing to wait for the disk for.
    if written.is_ok() && (!is_whole || sql.total_changes() == before) {
        heads.back_to(begin);
        return run(sql, "ROLLBACK").map(|()| is_whole).map_err(|error| refused(sql, &error, folder));
    }
    let written = written.and_then(|_| sql.prepare_cached(NUMBER)?.execute(params![number]).map(drop));
    if let Err(error) = written {
        heads.back_to(begin);
        return Err(refused(sql, &error, folder));
    }
    fail::fail_point!("store.before_commit");
    if let Err(error) = run(sql, "COMMIT") {
        return Err(Failure::InDoubt { why: core::advice(&error, folder) });
    }
    fail::fail_point!("store.after_commit");
    heads.settle(number);
    Ok(true)
}

/// `false`: one was refused in a plain pass.
fn requests<'a>(tx: &mut Tx<'a>, jobs: &'a [Job], answers: &mut Vec<Answer>, pass: Pass) -> rusqlite::Result<bool> {
    for job in jobs {
        tx.fences = &job.commit.fences;
        let answer = match fenced(&job.commit, &tx.heads.units) {
            // Refused before anything of it is written: nothing is left behind in either pass.
            Err(stale) => Err(stale),
            Ok(()) if pass == Pass::Guarded => guarded(tx, &job.commit)?,
            Ok(()) => match plain(tx, &job.commit)? {
                Some(done) => Ok(done),
                None => return Ok(false),
            },
        };
        answers.push(answer);
    }
    Ok(true)
}

/// Whether a commit is refused as stale. For a control that must find stale writes, a test build can write them all the same.
fn fenced(commit: &Commit, units: &HashMap<Address, u64>) -> Result<(), CommitError> {
    let fenced = core::fenced(&commit.fences, units);
    if let Err(stale) = &fenced {
        fail::fail_point!("store.fence", |_| {
            tracing::warn!(%stale, "a stale commit is written: the fence is switched off");
            Ok(())
        });
        tracing::debug!(%stale, "a stale commit is refused");
    }
    fenced
}

/// One request; `None`: it is refused, and what it wrote so far must be rolled back with all the rest.
fn plain(tx: &mut Tx<'_>, commit: &Commit) -> rusqlite::Result<Option<Committed>> {
    let mut done = Committed::default();
    match commit.writes.iter().try_for_each(|write| apply::apply(tx, write, &mut done)) {
        Ok(()) => Ok(Some(done)),
        Err(stop) => refusal(stop).map(|_| None),
    }
}

/// One request in its savepoint. `Err`: the group can't go on.
fn guarded(tx: &mut Tx<'_>, commit: &Commit) -> rusqlite::Result<Answer> {
    let mark = tx.heads.mark();
    run(tx.sql, "SAVEPOINT request")?;
    let mut done = Committed::default();
    let applied = commit.writes.iter().try_for_each(|write| apply::apply(tx, write, &mut done));
    let Err(stop) = applied else {
        run(tx.sql, "RELEASE request")?;
        return Ok(Ok(done));
    };
    tx.heads.back_to(mark);
    let refusal = refusal(stop)?;
    // If SQLite has rolled back all of the transaction by itself, this fails, and with it the group.
    run(tx.sql, "ROLLBACK TO request")?;
    run(tx.sql, "RELEASE request")?;
    Ok(Err(refusal))
}

/// Why this request alone is refused. `Err`: the group can't go on.
fn refusal(stop: Stop) -> rusqlite::Result<CommitError> {
    match stop {
        Stop::Refused(refusal) => Ok(refusal),
        Stop::Sqlite(error) if core::blame(&error) == Blame::Request => Ok(CommitError::Refused(error.to_string())),
        Stop::Sqlite(error) => Err(error),
    }
}

/// Ends the transaction, if it still is one, and says why.
fn refused(sql: &Connection, error: &rusqlite::Error, folder: &Path) -> Failure {
    let why = core::advice(error, folder);
    let rolled_back = sql.is_autocommit() || run(sql, "ROLLBACK").is_ok();
    let usual = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    );
    Failure::Refused { why, reopen: !(usual && rolled_back) }
}

/// Signs the end of the chain in a transaction of its own.
pub(super) fn sign(sql: &Connection, heads: &mut Heads, key: &AuditKey) -> rusqlite::Result<()> {
    if heads.audit.seq == heads.signed {
        return Ok(());
    }
    run(sql, "BEGIN IMMEDIATE")?;
    apply::sign(&mut Tx { sql, heads, key, fences: &[] })?;
    run(sql, "COMMIT")
}

fn run(sql: &Connection, statement: &str) -> rusqlite::Result<()> {
    sql.prepare_cached(statement)?.execute([]).map(drop)
}
