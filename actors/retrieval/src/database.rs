//! The derived database of one workspace. It is opened for a piece of work and closed after it: an idle index costs
//! no memory.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::search::core::parted;

/// Its folder below the workspace, where no other is given.
pub(crate) const FOLDER: &str = ".index";
const FILE: &str = "index.sqlite";
/// Another version is thrown away and made again.
const SCHEMA_VERSION: i64 = 3;
const BUSY_WAIT_MS: u64 = 2_000;
/// Pages kept by a connection that writes, in KiB.
const WRITE_CACHE_KIB: i64 = 4_096;
/// Pages kept by a connection that reads, in KiB; it lives a few seconds longer than a search.
const READ_CACHE_KIB: i64 = 2_048;
/// The log is cut back to this after a large scan.
const JOURNAL_BYTES_MAX: i64 = 4 * 1024 * 1024;

/// The row of `root` below which the logs and memories of contexts stand: no folder that is scanned.
pub(crate) const RECORDS: i64 = 0;

/// FTS5 keeps no text of its own (external content, FTS5 4.4.3): the view gives it what was indexed. What goes from a row is
/// overwritten. A word that goes is marked as gone, and stays in its page until pages are merged; [`purge`] merges them all.
/// FTS5's own `secure-delete` (6.13) is not used: after many thousand deletions single words of SQLite 3.53.2 were left behind,
/// which the soak found twice.
const SCHEMA: &str = "
CREATE TABLE state (changes INTEGER NOT NULL) STRICT;
INSERT INTO state VALUES (0);
CREATE TABLE root (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  folder BLOB NOT NULL,
  device INTEGER NOT NULL DEFAULT 0,
  inode INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO root (id, name, folder) VALUES (0, ':records', x'');
CREATE TABLE file (
  id INTEGER PRIMARY KEY,
  root INTEGER NOT NULL REFERENCES root(id),
  path TEXT NOT NULL,
  size INTEGER NOT NULL,       -- of a log: bytes of it that are indexed
  mtime_ns INTEGER NOT NULL,
  hash BLOB NOT NULL,
  title TEXT NOT NULL,         -- searched with each of its passages: path, title, tags
  tags TEXT NOT NULL,          -- in lower case, a line feed before and after each
  date_ms INTEGER,             -- as its head says
  context TEXT,                -- whose log or memory it is; NULL: knowledge
  UNIQUE (root, path)
) STRICT;
CREATE INDEX file_of_context ON file(context) WHERE context IS NOT NULL;
CREATE TABLE passage (
  id INTEGER PRIMARY KEY,
  file INTEGER NOT NULL REFERENCES file(id),
  place INTEGER NOT NULL,      -- where it begins in the file, in bytes; of a log: where its entry begins
  at_ms INTEGER,               -- when it was said, in a log
  heading TEXT NOT NULL,
  text TEXT NOT NULL,
  vector BLOB
) STRICT;
CREATE INDEX passage_by_file ON passage(file, place);
CREATE TABLE signature (
  passage INTEGER PRIMARY KEY REFERENCES passage(id),
  file INTEGER NOT NULL,
  bits BLOB NOT NULL
) STRICT;
CREATE VIEW indexed AS
  SELECT p.id AS id, parted(f.title || ' ' || p.heading) AS title, parted(p.text) AS body
  FROM passage p JOIN file f ON f.id = p.file;
CREATE VIRTUAL TABLE words USING fts5(
  title, body, content='indexed', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2'
);
";

/// What went wrong with the database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// It is damaged, no database, or of another version: it has to be made again.
    #[error("the index is damaged and is being made again: {0}")]
    Damaged(String),
    /// It can't be used for now.
    #[error("the index at {path} can't be used: {why}; free the disk or fix the permissions of this folder")]
    Unusable { path: String, why: String },
    /// SQLite refused.
    #[error("the index refused: {0}")]
    Sql(rusqlite::Error),
    /// It took too long.
    #[error("the search took longer than {0:?}; ask with fewer words")]
    TooSlow(Duration),
    /// Nobody waits for it any more.
    #[error("the search was ended")]
    Ended,
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OperationInterrupted
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure,
            ) => Self::Sql(error),
            // Our own statements are fixed and right: what else fails, a missing table or row or a value of another
            // type, comes from the file.
            _ => Self::Damaged(error.to_string()),
        }
    }
}

/// Where the database of a workspace is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    folder: PathBuf,
}

impl Place {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    fn unusable(&self, why: &dyn std::fmt::Display) -> Trouble {
        Trouble::Unusable { path: self.folder.display().to_string(), why: why.to_string() }
    }

    /// Opens it for writing; makes it when it is not there, and makes it again when it is of another version or is no
    /// database at all.
    pub(crate) fn write(&self) -> Result<Connection, Trouble> {
        self.make_folder()?;
        match self.connect(OpenFlags::SQLITE_OPEN_CREATE).and_then(|connection| prepared(connection, WRITE_CACHE_KIB)) {
            Err(Trouble::Damaged(why)) => {
                tracing::warn!(index = %self.file().display(), "made again: {why}");
                self.delete()?;
                prepared(self.connect(OpenFlags::SQLITE_OPEN_CREATE)?, WRITE_CACHE_KIB)
            }
            opened => opened,
        }
    }

    /// Opens it for reading; `None` when it is not there.
    pub(crate) fn read(&self) -> Result<Option<Connection>, Trouble> {
        if !self.file().exists() {
            return Ok(None);
        }
        let connection = self.connect(OpenFlags::empty())?;
        // The log belongs to the writer. Besides the time it takes, cleaning it up when this is closed would take the
        // log of a database that was made again meanwhile under the same name.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.pragma_update(None, "cache_size", -READ_CACHE_KIB)?;
        connection.pragma_update(None, "query_only", true)?;
        match version(&connection)? {
            SCHEMA_VERSION => Ok(Some(connection)),
            // It is being made.
            0 => Ok(None),
            other => Err(Trouble::Damaged(format!("it has version {other}"))),
        }
    }

    /// Deletes it with its log.
    pub(crate) fn delete(&self) -> Result<(), Trouble> {
        for name in [FILE.to_owned(), format!("{FILE}-wal"), format!("{FILE}-shm"), format!("{FILE}-journal")] {
            let path = self.folder.join(name);
            let gone = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            if let Err(error) = gone
                && error.kind() != std::io::ErrorKind::NotFound
            {
                return Err(self.unusable(&error));
            }
        }
        Ok(())
    }

    fn make_folder(&self) -> Result<(), Trouble> {
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(self.unusable(&error)),
            _ => Ok(()),
        }
    }

    fn connect(&self, more: OpenFlags) -> Result<Connection, Trouble> {
        // Whoever can write in the workspace must not send the database elsewhere by a link.
        let metadata = std::fs::symlink_metadata(&self.folder).map_err(|error| self.unusable(&error))?;
        if !metadata.is_dir() {
            return Err(self.unusable(&"it is not a folder"));
        }
        let folder = self.folder.canonicalize().map_err(|error| self.unusable(&error))?;
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection =
            Connection::open_with_flags(folder.join(FILE), flags | more).map_err(|error| self.refused(error))?;
        connection.busy_timeout(Duration::from_millis(BUSY_WAIT_MS))?;
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
        connection.create_scalar_function("parted", 1, flags, |cx| Ok(parted(cx.get_raw(0).as_str()?)))?;
        Ok(connection)
    }

    fn refused(&self, error: rusqlite::Error) -> Trouble {
        match error.sqlite_error_code() {
            Some(ErrorCode::CannotOpen) => self.unusable(&error),
            _ => error.into(),
        }
    }
}

/// Leaves nothing of words that went in the words' own pages: all of these are merged into new ones (FTS5 6.8), the old ones are
/// overwritten. Takes time with the size of the index: 0.4 s with 25,000 passages.
pub(crate) fn purge(connection: &Connection) -> Result<(), Trouble> {
    connection.execute("INSERT INTO words (words) VALUES ('optimize')", [])?;
    Ok(())
}

fn prepared(connection: Connection, cache_kib: i64) -> Result<Connection, Trouble> {
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // It is derived: after a power cut it may lack the last scan, and is never damaged.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "journal_size_limit", JOURNAL_BYTES_MAX)?;
    connection.pragma_update(None, "secure_delete", true)?;
    match version(&connection)? {
        SCHEMA_VERSION => {}
        0 if is_empty(&connection)? => {
            connection
                .execute_batch(&format!("BEGIN IMMEDIATE;{SCHEMA}PRAGMA user_version={SCHEMA_VERSION};COMMIT;"))?;
        }
        other => return Err(Trouble::Damaged(format!("it has version {other}, this program makes {SCHEMA_VERSION}"))),
    }
    Ok(connection)
}

fn version(connection: &Connection) -> Result<i64, Trouble> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn is_empty(connection: &Connection) -> Result<bool, Trouble> {
    Ok(connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?)
}
