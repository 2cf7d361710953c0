//! How the file is opened: one connection that writes, a few that only read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// Prepared statements that a connection keeps; there are fewer than this.
const STATEMENTS_MAX: usize = 128;
/// Another program that holds the file is waited for so long.
pub(crate) const BUSY_WAIT_MS_MAX: u64 = 5_000;
/// Page cache of the writer and of each reader, in KiB; the kernel's own cache does the rest.
const WRITER_CACHE_KIB_MAX: i64 = 12_288;
const READER_CACHE_KIB_MAX: i64 = 1_024;
/// The write-ahead log is moved into the file every so many pages, and cut to so many bytes when it starts anew.
const AUTOCHECKPOINT_PAGES: i64 = 1_000;
const WAL_BYTES_KEPT_MAX: i64 = 8 << 20;

/// Where the store is, and how large it may grow.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The store's folder.
    pub(crate) folder: PathBuf,
    /// For tests of a full disk: SQLite refuses to grow beyond it as it does when the disk is full.
    pub(crate) pages_max: Option<u32>,
}

impl Place {
    pub(crate) fn file(&self) -> PathBuf {
        file_in(&self.folder)
    }
}

/// The store's file.
pub(crate) fn file_in(folder: &Path) -> PathBuf {
    folder.join("meta.sqlite")
}

/// Opens the file to write. `create`: make it when there is none.
pub(crate) fn writer(place: &Place, create: bool) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = Connection::open_with_flags(place.file(), flags)?;
    prepare(&connection, WRITER_CACHE_KIB_MAX)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", AUTOCHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT_MAX)?;
    // What is overwritten is gone from its page, and from pages that are freed: a long text that was written again would
    // leave its first copy where no redaction finds it.
    connection.pragma_update(None, "secure_delete", "ON")?;
    if let Some(pages) = place.pages_max {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(connection)
}

/// Opens the file to read. It sees what is committed and never waits for the writer.
pub(crate) fn reader(folder: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file_in(folder), flags)?;
    prepare(&connection, READER_CACHE_KIB_MAX)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn prepare(connection: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    // Else the planner looks at the value bound to a LIMIT, and prepares the statement again each time it is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.busy_timeout(Duration::from_millis(BUSY_WAIT_MS_MAX))?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}
