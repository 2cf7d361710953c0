//! A quick look at the store for an operator: the file itself, its schema, the end of the audit chain. Read-only, beside
//! a running node; what it costs grows with the file alone, not with what must hold between rows.

use std::path::Path;

use messages::Moment;
use rusqlite::Connection;
use serde::Serialize;

use super::{VerifyError, unreadable};
use crate::audit::{self, BadRecord};
use crate::{connection, schema};

/// Records at the end of the audit chain that are made again and compared.
const TAIL_RECORDS: i64 = 1_000;
/// Lines of damage that are kept.
const DAMAGE_LINES_MAX: usize = 5;

/// How a store's file stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// The version of its schema.
    pub schema: i64,
    /// The one that this program reads and writes.
    pub schema_known: i64,
    /// The version of the program that made it.
    pub made_by: String,
    /// What SQLite finds damaged, the first lines; empty: nothing.
    pub damage: Vec<String>,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of its write-ahead log.
    pub wal_bytes: u64,
    /// Audit records.
    pub audit_records: i64,
    /// When the last of them was written.
    pub audit_at: Option<Moment>,
    /// Where the last thousand of them do not follow from each other.
    pub audit_bad: Option<BadRecord>,
}

/// Looks at the store in `folder` (`<data>/agent-runtime`). A file of another schema is described as far as that goes:
/// its rows are not looked at.
///
/// # Errors
/// [`VerifyError`] when there is none, or it can't be read at all.
pub fn condition(folder: &Path) -> Result<Condition, VerifyError> {
    let file = connection::file_in(folder);
    if !file.is_file() {
        return Err(VerifyError::Missing(folder.to_owned()));
    }
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |facts| facts.len());
    let mut condition = Condition {
        bytes: size(&file),
        wal_bytes: size(&file.with_extension("sqlite-wal")),
        schema_known: schema::version(),
        ..Condition::default()
    };
    look(folder, &mut condition).map_err(|error| unreadable(folder, &error))?;
    Ok(condition)
}

fn look(folder: &Path, condition: &mut Condition) -> rusqlite::Result<()> {
    let sql = connection::reader(folder)?;
    sql.execute_batch("BEGIN")?;
    condition.schema = schema::version_of(&sql)?;
    condition.damage = damage(&sql)?;
    if condition.schema != condition.schema_known || !condition.damage.is_empty() {
        return Ok(());
    }
    let made_by = sql.query_row("SELECT value FROM meta WHERE key = 'made_by'", [], |row| row.get(0));
    condition.made_by = made_by.unwrap_or_default();
    let last: Option<i64>;
    (condition.audit_records, last) = sql.query_row(
        "SELECT coalesce(max(seq), 0), (SELECT at FROM audit ORDER BY seq DESC LIMIT 1) FROM audit",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    condition.audit_at = last.map(Moment);
    condition.audit_bad = audit::walk_tail(&sql, TAIL_RECORDS)?;
    Ok(())
}

fn damage(sql: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = sql.prepare("PRAGMA quick_check(5)")?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let bad = lines.into_iter().filter(|line| line != "ok").map(|line| line.replace('\n', ", "));
    Ok(bad.take(DAMAGE_LINES_MAX).collect())
}

#[cfg(test)]
mod tests {
    use crate::audit::{GENESIS, Record};

    use super::*;

    /// A store with so many audit records.
    fn store(records: i64) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        crate::open(folder.path(), &crate::OpenOptions::new("1.2.3")).unwrap().close().unwrap();
        let sql = Connection::open(connection::file_in(folder.path())).unwrap();
        let mut head = GENESIS;
        for at in 1..=records {
            let record = Record { at, actor: "a", principal: "p", action: "x", subject: "s", rules: &[], detail: "{}" };
            head = head.after(&record);
            let row = (head.seq, at, "a", "p", "x", "s", "[]", "{}", head.hash);
            sql.execute(
                "INSERT INTO audit (seq, at, actor, principal, action, subject, rules, detail, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                row,
            )
            .unwrap();
        }
        folder
    }

    #[test]
    fn a_good_store_is_described_and_not_changed() {
        for records in [0, 1, TAIL_RECORDS, TAIL_RECORDS + 1] {
            let folder = store(records);
            let found = condition(folder.path()).unwrap();
            assert_eq!((found.audit_records, found.audit_bad), (records, None), "{records}");
            assert_eq!((found.schema, found.made_by.as_str()), (found.schema_known, "1.2.3"));
            assert_eq!((found.damage.len(), found.audit_at), (0, (records > 0).then_some(Moment(records))));
        }
    }

    #[test]
    fn a_record_of_the_tail_that_was_changed_is_named_and_an_older_one_is_not_looked_at() {
        let folder = store(TAIL_RECORDS + 5);
        let sql = Connection::open(connection::file_in(folder.path())).unwrap();
        sql.execute("UPDATE audit SET subject = 'other' WHERE seq = 2", []).unwrap();
        assert_eq!(condition(folder.path()).unwrap().audit_bad, None);
        sql.execute("UPDATE audit SET subject = 'other' WHERE seq = ?1", [TAIL_RECORDS]).unwrap();
        assert_eq!(condition(folder.path()).unwrap().audit_bad.unwrap().seq, TAIL_RECORDS);
    }

    #[test]
    fn a_store_of_another_schema_is_described_and_one_that_is_none_is_told() {
        let folder = store(1);
        let sql = Connection::open(connection::file_in(folder.path())).unwrap();
        sql.pragma_update(None, "user_version", 99).unwrap();
        assert_eq!(condition(folder.path()).unwrap().schema, 99);
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(condition(empty.path()), Err(VerifyError::Missing(_))));
        std::fs::write(connection::file_in(empty.path()), "this is no store at all, but long enough").unwrap();
        assert!(matches!(condition(empty.path()), Err(VerifyError::Damaged { .. })));
    }
}
