//! A copy of the store as it is at one moment, beside a node that goes on writing.

use std::fs::{File, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};

use crate::audit::hex;
use crate::restore::GENERATION;
use crate::{connection, schema};

/// Pages that are copied between two looks at the connection; 4 MB.
const STEP_PAGES: i32 = 1_024;
/// What else belongs to the store and is copied with it.
const KEY: &str = "audit.key";

/// What a store holds, as a backup's manifest says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The version of its schema.
    pub schema: i64,
    /// Its generation: 1, or the second of the restore that made it.
    pub generation: i64,
    /// Events that were ever accepted.
    pub events: u64,
    /// Replies and words of tasks.
    pub replies: u64,
    /// Tasks.
    pub tasks: u64,
    /// Records of the audit chain.
    pub audit_records: u64,
    /// The hash of the last one, hexadecimal; empty when there is none.
    pub audit_head: String,
}

/// Why a copy could not be made; the store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no store.
    #[error("there is no store at {}; give the data folder by --data", .0.display())]
    Missing(PathBuf),
    /// It can't be read, or the copy not written.
    #[error("the store in {} can't be copied to {} ({why})", from.display(), to.display())]
    Copy {
        /// The store's folder.
        from: PathBuf,
        /// Where the copy was to be.
        to: PathBuf,
        /// What failed, and what to do.
        why: String,
    },
}

/// Copies the store in `folder` (`<data>/agent-runtime`) into the folder `to`, which is there and holds none: its file as it is
/// at the moment of the call, and the key of its audit chain. Both mode 0600. Nobody who writes is held up; while it runs, the
/// store's write-ahead log grows by what is written.
///
/// # Errors
/// [`BackupError`]; what was written so far lies in `to`.
pub fn snapshot(folder: &Path, to: &Path) -> Result<Facts, BackupError> {
    if !connection::file_in(folder).is_file() {
        return Err(BackupError::Missing(folder.to_owned()));
    }
    let failed = |why: String| BackupError::Copy { from: folder.to_owned(), to: to.to_owned(), why };
    let sqlite = |error: rusqlite::Error| failed(crate::core::advice(&error, to));
    let key = copy_key(folder, to);
    key.map_err(|error| failed(format!("{KEY}: {error}; {}", crate::lock::advice(&error))))?;
    let copied = connection::file_in(to);
    make_private(&copied).map_err(|error| failed(error.to_string()))?;
    copy(folder, &copied).map_err(sqlite)?;
    let facts = facts_in(&copied).map_err(sqlite)?;
    File::open(&copied).and_then(|file| file.sync_all()).map_err(|error| failed(error.to_string()))?;
    Ok(facts)
}

/// What the store in `folder` holds.
///
/// # Errors
/// [`BackupError`] when it can't be read.
pub fn facts(folder: &Path) -> Result<Facts, BackupError> {
    let file = connection::file_in(folder);
    if !file.is_file() {
        return Err(BackupError::Missing(folder.to_owned()));
    }
    facts_in(&file).map_err(|error| read_error(folder, &error))
}

/// Which logs and records of tasks a copy knows. One that it does not know came after it.
pub struct Known {
    sql: Connection,
}

impl Known {
    /// Of the store in `folder`.
    ///
    /// # Errors
    /// [`BackupError`] when it can't be read.
    pub fn of(folder: &Path) -> Result<Self, BackupError> {
        let sql = connection::reader(folder).map_err(|error| read_error(folder, &error))?;
        Ok(Self { sql })
    }

    /// Whether it has a log by this path, relative to the folder of workspaces.
    ///
    /// # Errors
    /// [`BackupError`] when it can't be read.
    pub fn log(&self, path: &str) -> Result<bool, BackupError> {
        self.has("SELECT 1 FROM log WHERE log = ?1", path)
    }

    /// Whether it has a task by this id.
    ///
    /// # Errors
    /// [`BackupError`] when it can't be read.
    pub fn task(&self, id: &str) -> Result<bool, BackupError> {
        self.has("SELECT 1 FROM task WHERE id = ?1", id)
    }

    fn has(&self, statement: &str, name: &str) -> Result<bool, BackupError> {
        let found = self.sql.prepare_cached(statement).and_then(|mut statement| statement.exists([name]));
        found.map_err(|error| read_error(Path::new(self.sql.path().unwrap_or_default()), &error))
    }
}

fn read_error(folder: &Path, error: &rusqlite::Error) -> BackupError {
    let (from, to) = (folder.to_owned(), folder.to_owned());
    BackupError::Copy { from, to, why: crate::core::advice(error, folder) }
}

fn copy_key(folder: &Path, to: &Path) -> std::io::Result<()> {
    let key = folder.join(KEY);
    if !key.is_file() {
        return Ok(());
    }
    let copy = to.join(KEY);
    make_private(&copy)?;
    std::fs::copy(&key, &copy)?;
    std::fs::set_permissions(&copy, Permissions::from_mode(0o600))
}

fn make_private(path: &Path) -> std::io::Result<()> {
    File::options().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// All in one view of the store: the transaction is begun before the first page, so nothing that is written meanwhile lets
/// it begin anew.
fn copy(folder: &Path, to: &Path) -> rusqlite::Result<()> {
    let from = connection::reader(folder)?;
    from.execute_batch("BEGIN")?;
    schema::version_of(&from)?;
    let mut copy = Connection::open(to)?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    {
        let backup = Backup::new(&from, &mut copy)?;
        loop {
            match backup.step(STEP_PAGES)? {
                StepResult::Done => break,
                StepResult::More => {}
                // Another program has the copy, which nobody knows of yet, or the store for a moment.
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
    // One file, without a write-ahead log beside it. A store is brought back to that when it is opened.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    copy.close().map_err(|(_, error)| error)
}

fn facts_in(file: &Path) -> rusqlite::Result<Facts> {
    let sql = Connection::open(file)?;
    let count = |statement: &str| sql.query_row(statement, [], |row| row.get::<_, i64>(0));
    let schema = schema::version_of(&sql)?;
    let last = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1";
    let head = sql.query_row(last, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))).optional()?;
    let (records, head) = head.unwrap_or_default();
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Facts {
        schema,
        generation: sql.query_row(GENERATION, [], |row| row.get(0))?,
        events: unsigned(count("SELECT coalesce(max(seq), 0) FROM inbox")?),
        replies: unsigned(count("SELECT count(*) FROM outbox")?),
        // Tasks came with the second version.
        tasks: if schema < 2 { 0 } else { unsigned(count("SELECT count(*) FROM task")?) },
        audit_records: unsigned(records),
        audit_head: hex(&head),
    })
}
