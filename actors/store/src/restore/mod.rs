//! A store that came out of a backup becomes a store of its own: a new generation, in which nothing is answered, sent or
//! done again that may have been after the backup was made.
//!
//! | what the backup holds | what becomes of it |
//! |---|---|
//! | an event that waits or is in a turn | settled as in doubt; a delete stays and is carried out, for it sends nothing |
//! | an event whose reply was put | its context settles it by how the reply's delivery stands |
//! | a reply, or words of a task, pending or sending | in doubt |
//! | a task that is queued, blocked, running, waiting or being cancelled | waits for a person, in doubt |
//! | a date | gone; a task that waits has its deadline |
//! | the epoch of a unit | above all that the store of before can ever give |
//!
//! All of it, and the record `store.restored` of the audit chain, is one transaction.

mod core;
mod rows;

use std::path::{Path, PathBuf};

use messages::store::{Restored, Write, epochs_from};
use messages::{Address, Moment};
use rusqlite::{Connection, params};

use crate::audit::{AuditKey, hex};
use crate::backup::Facts;
use crate::connection::{self, Place};
use crate::open::{self, OpenError, OpenOptions};
use crate::writer::{Heads, Stop, Tx};
use crate::{lock, schema};

/// The generation of a store; 1 when it was never restored.
pub(crate) const GENERATION: &str = "SELECT coalesce((SELECT value FROM meta WHERE key = 'generation'), 1)";
/// How a store came to be a new generation, as JSON.
pub(crate) const RESTORED: &str = "SELECT value FROM meta WHERE key = 'restored'";
const META: &str =
    "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";

/// What is restored, and when.
#[derive(Debug, Clone)]
pub struct Restore {
    /// The program's version.
    pub version: &'static str,
    /// The moment of the restore.
    pub at: Moment,
    /// The moment of the backup.
    pub of: Moment,
    /// SHA-256 of the backup's manifest, hexadecimal.
    pub manifest: String,
    /// What the manifest says of the store.
    pub facts: Facts,
}

/// Why a store did not become a new generation; it is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It is not the store that the manifest tells of.
    #[error("the store in {} is not the one that the backup's manifest tells of: {why}; use another backup", folder.display())]
    Other {
        /// The store's folder.
        folder: PathBuf,
        /// What differs.
        why: String,
    },
    /// It can't be written.
    #[error("the store in {} can't be made a new generation ({why})", folder.display())]
    Write {
        /// The store's folder.
        folder: PathBuf,
        /// What failed, and what to do.
        why: String,
    },
}

/// Makes the store in `folder`, which nobody serves, a new generation. A store of an earlier version is brought to this one
/// first. What has become of its rows is told, and written into the store.
///
/// # Errors
/// [`RestoreError`]; nothing was changed then but the version.
pub fn fork(folder: &Path, restore: &Restore) -> Result<Restored, RestoreError> {
    let found = crate::backup::facts(folder).map_err(|error| write_error(folder, error.to_string()))?;
    if found != restore.facts {
        let why = format!("{found:?} instead of {:?}", restore.facts);
        return Err(RestoreError::Other { folder: folder.to_owned(), why });
    }
    let _lock = lock::lock(folder, "lock").map_err(OpenError::from)?;
    let key = AuditKey::load_or_make(folder).map_err(|e| OpenError::Key(e.to_string()))?;
    let place = Place { folder: folder.to_owned(), pages_max: None };
    let sql = open::open_file(&place, &OpenOptions::new(restore.version))?;
    let restored = change(&sql, &key, restore).map_err(|stop| write_error(folder, words(&stop, folder)))?;
    // One file that is whole by itself: nothing is left in the write-ahead log.
    let emptied = sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    emptied.map_err(|error| write_error(folder, crate::core::advice(&error, folder)))?;
    forget_copy(&connection::file_in(folder)).map_err(|error| write_error(folder, error.to_string()))?;
    Ok(restored)
}

/// The backup itself is the copy from before a migration.
fn forget_copy(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file.with_file_name(format!("meta.before-v{}.sqlite", schema::version()))) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write_error(folder: &Path, why: String) -> RestoreError {
    RestoreError::Write { folder: folder.to_owned(), why }
}

fn words(stop: &Stop, folder: &Path) -> String {
    match stop {
        Stop::Refused(refusal) => refusal.to_string(),
        Stop::Sqlite(error) => crate::core::advice(error, folder),
    }
}

fn change(sql: &Connection, key: &AuditKey, restore: &Restore) -> Result<Restored, Stop> {
    let mut heads = Heads::load(sql)?;
    sql.execute_batch("BEGIN IMMEDIATE")?;
    let mut tx = Tx { sql, heads: &mut heads, key, fences: &[] };
    let restored = all(&mut tx, restore)?;
    fail::fail_point!("store.restore.before_commit");
    sql.execute_batch("COMMIT")?;
    Ok(restored)
}

fn all(tx: &mut Tx<'_>, restore: &Restore) -> Result<Restored, Stop> {
    let before: i64 = tx.sql.query_row(GENERATION, [], |row| row.get(0))?;
    let head = hex(&tx.heads.audit.hash);
    let (last, reason) = (tx.heads.audit.seq, core::reason(restore.of));
    let at = rows::At { at: restore.at, reason: &reason };
    let replies = rows::outbox(tx, &at)?;
    let events = rows::inbox(tx, &at)?;
    let tasks = rows::tasks(tx, &at)?;
    let generation = core::generation(before, restore.at);
    rows::epochs(tx, epochs_from(generation))?;
    let (of, manifest) = (restore.of, restore.manifest.clone());
    let restored = Restored { generation, at: restore.at, of, manifest, events, replies, tasks };
    record(tx, &restored, (last, &head))?;
    let Ok(told) = serde_json::to_string(&restored) else { return Ok(restored) };
    tx.run(META, params!["generation", generation])?;
    tx.run(META, params!["restored", told])?;
    Ok(restored)
}

/// The fork: from which record of the chain on the store of before went another way.
fn record(tx: &mut Tx<'_>, restored: &Restored, (seq, hash): (i64, &str)) -> Result<(), Stop> {
    let detail = serde_json::json!({
        "generation": restored.generation,
        "backup_of": restored.of,
        "manifest": restored.manifest,
        "last_audit": seq,
        "last_audit_hash": hash,
        "events": restored.events,
        "replies": restored.replies,
        "tasks": restored.tasks,
    });
    rows::record(
        tx,
        &Write::Audit {
            at: restored.at,
            actor: Address::fixed("store"),
            principal: String::new(),
            action: "store.restored".to_owned(),
            subject: restored.manifest.clone(),
            rules: Vec::new(),
            detail: detail.to_string(),
        },
    )?;
    rows::sign(tx)
}
