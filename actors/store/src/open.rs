//! Opening the store: folder, lock, key, file, schema, threads; nothing that grows with the store.

use std::fs::{DirBuilder, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};

use crate::audit::AuditKey;
use crate::connection::{self, Place};
use crate::handle::StoreHandle;
use crate::lock::{self, LockError};
use crate::schema;
use crate::writer::Heads;

/// The first bytes of every SQLite file (<https://www.sqlite.org/fileformat2.html>, 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How to open a store.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The program's version; written into a file that is made now.
    pub version: &'static str,
    /// For tests of a full disk: the file may not grow beyond so many pages of 4 KiB. `None`: what the disk holds.
    pub pages_max: Option<u32>,
}

impl OpenOptions {
    /// The usual way, for a program of this version.
    #[must_use]
    pub fn new(version: &'static str) -> Self {
        Self { version, pages_max: None }
    }
}

/// Why a store could not be opened. Nothing was changed but what the variant says.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can't be made, or its mode not set to 0700.
    #[error("the folder {} can't be used ({why}); make it writable or use another --data", folder.display())]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// What the operating system says.
        why: std::io::Error,
    },
    /// Another node has it, or the lock can't be made.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file is of a later version of this program.
    #[error(
        "{} was made by a newer version of agent-runtime (schema {found}, this one knows {known}); install that version, or restore a backup that an older one made",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// The schema's version in the file.
        found: i64,
        /// The latest that this program knows.
        known: i64,
    },
    /// The file is not what a store writes.
    #[error("{} is damaged or is no store ({why}); move it away and restore a backup", file.display())]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// A migration failed; the file is as it was.
    #[error("{} could not be brought from version {found} to {known} ({why}); the file is as it was", file.display())]
    Migrate {
        /// The file.
        file: PathBuf,
        /// From which version.
        found: i64,
        /// To which.
        known: i64,
        /// What SQLite says.
        why: String,
    },
    /// The copy before a migration could not be made; the file is as it was.
    #[error("no copy could be made at {} before the migration ({why}); free some space and start again", copy.display())]
    NoCopy {
        /// Where the copy would be.
        copy: PathBuf,
        /// What failed.
        why: String,
    },
    /// The key of the audit chain can't be read or made.
    #[error("{0}")]
    Key(String),
    /// The file can't be opened, read or written.
    #[error("{} can't be opened: {why}", file.display())]
    Sqlite {
        /// The file.
        file: PathBuf,
        /// What SQLite says, and what to do.
        why: String,
    },
    /// The operating system gives no thread.
    #[error("the store's thread can't be started ({0}); raise the limit of processes")]
    Thread(std::io::Error),
}

impl OpenError {
    pub(crate) fn sqlite(file: &Path, error: &rusqlite::Error) -> Self {
        let file = file.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { file, why: error.to_string() }
            }
            _ => {
                let folder = file.parent().unwrap_or(&file).to_owned();
                let why = crate::core::advice(error, &folder);
                Self::Sqlite { file, why }
            }
        }
    }
}

/// Opens the store in `folder` (`<data>/agent-runtime`), making it when there is none. Ready in milliseconds whatever
/// its size: nothing is read but the last audit record and the units.
///
/// # Errors
/// [`OpenError`]; each says what to do.
pub fn open(folder: &Path, options: &OpenOptions) -> Result<StoreHandle, OpenError> {
    make_folder(folder)?;
    let lock = lock::lock(folder, "lock")?;
    let place = Place { folder: folder.to_owned(), pages_max: options.pages_max };
    let file = place.file();
    check_magic(&file)?;
    let key = AuditKey::load_or_make(folder).map_err(|e| OpenError::Key(e.to_string()))?;
    let connection = open_file(&place, options).map_err(|error| explain(&file, error))?;
    let heads = Heads::load(&connection).map_err(|e| explain(&file, OpenError::sqlite(&file, &e)))?;
    StoreHandle::start(place, lock, key, (connection, heads)).map_err(OpenError::Thread)
}

fn make_folder(folder: &Path) -> Result<(), OpenError> {
    let private = || {
        if !folder.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                File::open(parent)?.sync_all()?;
            }
        }
        if std::fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
            std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        }
        Ok(())
    };
    private().map_err(|why| OpenError::Folder { folder: folder.to_owned(), why })
}

/// SQLite would take a file of a few foreign bytes for an empty one and write over it.
fn check_magic(file: &Path) -> Result<(), OpenError> {
    let Ok(mut opened) = File::open(file) else { return Ok(()) };
    let mut begin = Vec::with_capacity(MAGIC.len());
    let read = opened.by_ref().take(16).read_to_end(&mut begin);
    match read {
        Ok(0) => Ok(()),
        Ok(_) if begin == MAGIC => Ok(()),
        Ok(_) => {
            Err(OpenError::Corrupt { file: file.to_owned(), why: "it does not begin as a SQLite file does".into() })
        }
        Err(error) => Err(OpenError::Sqlite { file: file.to_owned(), why: error.to_string() }),
    }
}

pub(crate) fn open_file(place: &Place, options: &OpenOptions) -> Result<Connection, OpenError> {
    let file = place.file();
    let sqlite = |error| OpenError::sqlite(&file, &error);
    make_private(&file);
    let mut connection = connection::writer(place, true).map_err(sqlite)?;
    let new = schema::version_of(&connection).map_err(sqlite)? == 0;
    schema::migrate(&mut connection, &file)?;
    if new {
        let made_by = "INSERT OR IGNORE INTO meta (key, value) VALUES ('made_by', ?1)";
        connection.execute(made_by, [options.version]).map_err(sqlite)?;
        std::fs::set_permissions(&file, Permissions::from_mode(0o600))
            .map_err(|e| OpenError::Sqlite { file: file.clone(), why: e.to_string() })?;
    }
    Ok(connection)
}

/// SQLite gives its side files the mode that the file has when they are made. When it can't be made here, SQLite says why.
fn make_private(file: &Path) {
    drop(File::options().write(true).create_new(true).mode(0o600).open(file));
}

/// Looks closer only once something has failed: where the damage is helps whoever repairs it.
fn explain(file: &Path, error: OpenError) -> OpenError {
    let OpenError::Corrupt { file: _, why } = error else { return error };
    let check = || -> rusqlite::Result<String> {
        let folder = file.parent().unwrap_or(file);
        connection::reader(folder)?.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
    };
    let why = match check() {
        Ok(found) => format!("{why}; {found}"),
        Err(_) => why,
    };
    OpenError::Corrupt { file: file.to_owned(), why }
}
