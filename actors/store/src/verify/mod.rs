//! Proving the promises over the whole store: read-only, in one view of it, beside a running node.

mod checks;
mod condition;
mod logs;

use std::path::{Path, PathBuf};

use messages::store::{AuditRow, Query, Rows};
use rusqlite::{Connection, ErrorCode};
use serde::Serialize;

use crate::audit::{self, AuditKey, AuditReport};
use crate::{connection, reader, schema};

pub use condition::{Condition, condition};
pub use logs::{EntryRows, for_each_log};

/// So many faults are listed; the rest is counted.
pub const FAULTS_MAX: usize = 1_000;

/// The code of a fault of the file itself: rows may be missing from what else is told.
pub const DAMAGE: &str = "file";

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Inbound events looked at.
    pub inbox: u64,
    /// Of them, settled with exactly one outcome.
    pub settled: u64,
    /// Replies looked at.
    pub outbox: u64,
    /// Tasks looked at.
    pub tasks: u64,
    /// Steps of turns and tasks looked at.
    pub steps: u64,
    /// Logs looked at.
    pub logs: u64,
    /// Entries looked at.
    pub entries: u64,
    /// The audit chain.
    pub audit: AuditReport,
    /// What is wrong; at most [`FAULTS_MAX`] are listed.
    pub faults: Vec<Fault>,
    /// How much is wrong in all.
    pub faults_total: u64,
}

/// One thing that is not as promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// A stable name: `inbox.outcome`, `audit.chain`.
    pub code: &'static str,
    /// What is wrong, in words.
    pub what: String,
    /// On what: an inbound id, an outbox row, a task, a step, an account, a log, an audit record.
    pub subject: String,
}

/// Why a store could not be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no store in the folder.
    #[error("there is no store at {}; give the data folder by --data", .0.display())]
    Missing(PathBuf),
    /// It is of another version than this program reads.
    #[error("{} has schema {found}, this program verifies {known}; use the version that wrote it", file.display())]
    Version {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// The one this program knows.
        known: i64,
    },
    /// It can't be read.
    #[error("the store in {} can't be read ({why}); restore a backup if it stays so", folder.display())]
    Read {
        /// The folder.
        folder: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// Its file is damaged.
    #[error("{} is damaged ({why}); stop the node and restore a backup", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// The audit chain's key can't be read.
    #[error("{0}")]
    Key(String),
}

impl Report {
    fn fault(&mut self, code: &'static str, what: impl Into<String>, subject: impl Into<String>) {
        self.faults_total += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { code, what: what.into(), subject: subject.into() });
        }
    }

    /// Everything is as promised.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.faults_total == 0
    }
}

/// Looks at every row of the store in `folder` (`<data>/agent-runtime`), and makes the audit chain again.
///
/// # Errors
/// [`VerifyError`] when it can't be looked at; what is wrong *in* it is in the report.
pub fn verify(folder: &Path) -> Result<Report, VerifyError> {
    let sql = open(folder)?;
    let key = AuditKey::load(folder).map_err(|e| VerifyError::Key(e.to_string()))?;
    let mut report = Report::default();
    match whole(&sql, key.as_ref(), &mut report).map_err(|e| unreadable(folder, &e)) {
        // What was found until then helps whoever repairs it.
        Err(damaged @ VerifyError::Damaged { .. }) => report.fault(DAMAGE, damaged.to_string(), "meta.sqlite"),
        ended => ended?,
    }
    Ok(report)
}

/// Makes the audit chain of the store in `folder` again and compares, beside a running node or without one.
///
/// # Errors
/// [`VerifyError`] when it can't be looked at; where it breaks is in the report.
pub fn audit(folder: &Path) -> Result<AuditReport, VerifyError> {
    let sql = open(folder)?;
    let key = AuditKey::load(folder).map_err(|e| VerifyError::Key(e.to_string()))?;
    audit::walk(&sql, key.as_ref().map(AuditKey::public)).map_err(|e| unreadable(folder, &e))
}

/// The last `limit` audit records (4,096 at most), oldest first.
///
/// # Errors
/// [`VerifyError`] when the store can't be read.
pub fn audit_tail(folder: &Path, limit: u32) -> Result<Vec<AuditRow>, VerifyError> {
    let sql = open(folder)?;
    match reader::answer(&sql, &Query::Audit { after: 0, last: true, limit }) {
        Ok(Rows::Audit(rows)) => Ok(rows),
        Ok(_) => Ok(Vec::new()),
        Err(error) => Err(unreadable(folder, &error)),
    }
}

fn whole(sql: &Connection, key: Option<&AuditKey>, report: &mut Report) -> rusqlite::Result<()> {
    checks::file(sql, report)?;
    checks::rows(sql, report)?;
    logs::places(sql, report)?;
    report.audit = audit::walk(sql, key.map(AuditKey::public))?;
    if let Some(bad) = report.audit.first_bad.clone() {
        report.fault("audit.chain", bad.what, format!("audit record {}", bad.seq));
    }
    if key.is_none() && report.audit.checkpoints > 0 {
        let what = "it is missing, so the checkpoints' signer can't be known; put it back from a backup";
        report.fault("audit.key", what, "audit.key");
    }
    Ok(())
}

fn unreadable(folder: &Path, error: &rusqlite::Error) -> VerifyError {
    if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) {
        return VerifyError::Damaged { file: connection::file_in(folder), why: error.to_string() };
    }
    VerifyError::Read { folder: folder.to_owned(), why: error.to_string() }
}

/// A reader in one transaction: it sees the store as it is at this moment, whatever is written meanwhile.
fn open(folder: &Path) -> Result<Connection, VerifyError> {
    let file = connection::file_in(folder);
    if !file.is_file() {
        return Err(VerifyError::Missing(folder.to_owned()));
    }
    let view = || {
        let sql = connection::reader(folder)?;
        sql.execute_batch("BEGIN")?;
        let found = schema::version_of(&sql)?;
        Ok((sql, found))
    };
    let (sql, found) = view().map_err(|error| unreadable(folder, &error))?;
    let known = schema::version();
    if found != known {
        return Err(VerifyError::Version { file, found, known });
    }
    Ok(sql)
}
