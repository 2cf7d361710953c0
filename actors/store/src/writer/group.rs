//! One transaction: each request in its own savepoint, so that a refused one leaves nothing behind.

use std::path::Path;

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

/// Writes all jobs in one transaction and puts one answer for each into `answers`.
pub(super) fn write(group: Group<'_>, jobs: &[Job], answers: &mut Vec<Answer>) -> Result<(), Failure> {
    let Group { sql, heads, key, place } = group;
    let folder = place.folder.as_path();
    let begin = heads.mark();
    fail::fail_point!("store.group.begin");
    run(sql, "BEGIN IMMEDIATE").map_err(|error| refused(sql, &error, folder))?;
    let before = sql.total_changes();
    let mut tx = Tx { sql, heads, key };
    let written = requests(&mut tx, jobs, answers);
    let number = heads.group.saturating_add(1);
    // Nothing but refusals and repeats: there is nothing to wait for the disk for.
    if matches!(written, Ok(())) && sql.total_changes() == before {
        heads.back_to(begin);
        return run(sql, "ROLLBACK").map_err(|error| refused(sql, &error, folder));
    }
    let written = written.and_then(|()| sql.prepare_cached(NUMBER)?.execute(params![number]).map(drop));
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
    Ok(())
}

fn requests(tx: &mut Tx<'_>, jobs: &[Job], answers: &mut Vec<Answer>) -> rusqlite::Result<()> {
    for job in jobs {
        let answer = match core::fenced(&job.commit.fences, &tx.heads.units) {
            Ok(()) => request(tx, &job.commit)?,
            Err(stale) => Err(stale),
        };
        answers.push(answer);
    }
    Ok(())
}

/// One request. `Err`: the group can't go on.
fn request(tx: &mut Tx<'_>, commit: &Commit) -> rusqlite::Result<Answer> {
    let mark = tx.heads.mark();
    run(tx.sql, "SAVEPOINT request")?;
    let mut done = Committed::default();
    let applied = commit.writes.iter().try_for_each(|write| apply::apply(tx, write, &mut done));
    let Err(stop) = applied else {
        run(tx.sql, "RELEASE request")?;
        return Ok(Ok(done));
    };
    tx.heads.back_to(mark);
    let refusal = match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Sqlite(error) if core::blame(&error) == Blame::Request => CommitError::Refused(error.to_string()),
        Stop::Sqlite(error) => return Err(error),
    };
    // If SQLite has rolled back all of the transaction by itself, this fails, and with it the group.
    run(tx.sql, "ROLLBACK TO request")?;
    run(tx.sql, "RELEASE request")?;
    Ok(Err(refusal))
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
    apply::sign(&mut Tx { sql, heads, key })?;
    run(sql, "COMMIT")
}

fn run(sql: &Connection, statement: &str) -> rusqlite::Result<()> {
    sql.prepare_cached(statement)?.execute([]).map(drop)
}
