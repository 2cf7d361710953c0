//! The numbered migrations, and the copy that is kept before one changes a file.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::open::OpenError;

/// One entry a version, oldest first; an entry that was released is never changed.
const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("schema.sql")),
    M::up(include_str!("schema_2.sql")),
    M::up(include_str!("schema_3.sql")),
    M::up(include_str!("schema_4.sql")),
];

/// Brings a file to this program's version; an existing one is copied beside first.
pub(crate) fn migrate(connection: &mut Connection, file: &Path) -> Result<(), OpenError> {
    migrate_by(MIGRATIONS, connection, file)
}

/// The version of the schema that this program reads and writes.
pub(crate) fn version() -> i64 {
    count(MIGRATIONS)
}

fn count(migrations: &[M<'static>]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// The version of the schema that a file has; 0 for a new file.
pub(crate) fn version_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn migrate_by(migrations: &'static [M<'static>], connection: &mut Connection, file: &Path) -> Result<(), OpenError> {
    let sqlite = |error| OpenError::sqlite(file, &error);
    let (found, known) = (version_of(connection).map_err(sqlite)?, count(migrations));
    if found > known {
        return Err(OpenError::Newer { file: file.to_owned(), found, known });
    }
    if found == known {
        return Ok(());
    }
    if found > 0 {
        keep_copy(connection, file, known)?;
    }
    Migrations::from_slice(migrations).to_latest(connection).map_err(|error| OpenError::Migrate {
        file: file.to_owned(),
        found,
        known,
        why: error.to_string(),
    })
}

/// `meta.before-v<version>.sqlite`, written under another name first so that half a copy is never taken for one.
fn keep_copy(connection: &Connection, file: &Path, version: i64) -> Result<PathBuf, OpenError> {
    let copy = file.with_file_name(format!("meta.before-v{version}.sqlite"));
    let half = copy.with_extension("sqlite.half");
    let no_copy = |why: String| OpenError::NoCopy { copy: copy.clone(), why };
    match std::fs::remove_file(&half) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(no_copy(error.to_string()));
        }
        _ => {}
    }
    let name = half.to_str().ok_or_else(|| no_copy("the path is not UTF-8".into()))?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(|e| no_copy(e.to_string()))?;
    std::fs::rename(&half, &copy).map_err(|e| no_copy(e.to_string()))?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[M<'static>] = &[M::up(include_str!("schema.sql"))];
    const NEXT: &[M<'static>] =
        &[M::up(include_str!("schema.sql")), M::up("CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT")];
    const BROKEN: &[M<'static>] = &[M::up(include_str!("schema.sql")), M::up("CREATE TABLE meta (again)")];
    const NEWER: &[M<'static>] =
        &[M::up(""), M::up(""), M::up(""), M::up(""), M::up("CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT")];

    fn open(file: &Path) -> Connection {
        Connection::open(file).unwrap()
    }

    fn made(folder: &Path) -> PathBuf {
        made_by(MIGRATIONS, folder)
    }

    fn made_by(migrations: &'static [M<'static>], folder: &Path) -> PathBuf {
        let file = folder.join("meta.sqlite");
        let mut connection = open(&file);
        migrate_by(migrations, &mut connection, &file).unwrap();
        connection.execute("INSERT INTO meta VALUES ('mark', 'kept')", []).unwrap();
        file
    }

    fn mark(connection: &Connection) -> String {
        connection.query_row("SELECT value FROM meta WHERE key = 'mark'", [], |r| r.get(0)).unwrap()
    }

    #[test]
    fn the_migrations_are_valid_and_every_table_is_strict() {
        let folder = tempfile::tempdir().unwrap();
        Migrations::from_slice(MIGRATIONS).validate().unwrap();
        let connection = open(&made(folder.path()));
        let loose: i64 = connection
            .query_row("SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' AND strict = 0", [], |r| r.get(0))
            .unwrap();
        assert_eq!(loose, 0);
    }

    #[test]
    fn an_existing_file_is_copied_before_it_is_migrated_and_keeps_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        let file = made_by(FIRST, folder.path());
        let mut connection = open(&file);
        migrate_by(NEXT, &mut connection, &file).unwrap();
        assert_eq!((version_of(&connection).unwrap(), mark(&connection).as_str()), (2, "kept"));
        let copy = open(&folder.path().join("meta.before-v2.sqlite"));
        assert_eq!((version_of(&copy).unwrap(), mark(&copy).as_str()), (1, "kept"));
    }

    #[test]
    fn a_new_file_and_an_up_to_date_one_are_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let file = made(folder.path());
        migrate(&mut open(&file), &file).unwrap();
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_old_version_and_says_which() {
        let folder = tempfile::tempdir().unwrap();
        let file = made_by(FIRST, folder.path());
        let mut connection = open(&file);
        let error = migrate_by(BROKEN, &mut connection, &file).unwrap_err();
        assert!(error.to_string().contains("from version 1 to 2"), "{error}");
        assert_eq!((version_of(&connection).unwrap(), mark(&connection).as_str()), (1, "kept"));
    }

    #[test]
    fn a_file_of_a_newer_program_is_refused_in_words_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = made(folder.path());
        let mut connection = open(&file);
        migrate_by(NEWER, &mut connection, &file).unwrap();
        let error = migrate(&mut connection, &file).unwrap_err().to_string();
        assert!(error.contains("made by a newer version"), "{error}");
        assert_eq!(version_of(&connection).unwrap(), 5);
    }
}
