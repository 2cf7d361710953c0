//! The rows that a scan reads and writes, in transactions of bounded size.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;

use gate::{Identity, Root};
use markdown::chunk::front;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::core::Known;
use crate::database::{RECORDS, Trouble};
use crate::passages::{self, NewFile};

/// A transaction is committed after so many bytes of text, so that searches see a long scan grow.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// And after so many files.
const BATCH_FILES_MAX: usize = 512;

pub(super) struct Rows<'c> {
    connection: &'c Connection,
    is_open: bool,
    bytes: usize,
    files: usize,
}

impl<'c> Rows<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, is_open: false, bytes: 0, files: 0 }
    }

    /// Drops what belongs to roots that are not covered any more, or that are other folders now.
    pub(super) fn forget_roots_but(&mut self, roots: &[Root]) -> Result<(), Trouble> {
        let mut kept = HashSet::new();
        for root in roots {
            kept.insert((root.name.clone(), root.folder.as_os_str().as_bytes().to_vec()));
        }
        let mut statement = self.connection.prepare("SELECT id, name, folder FROM root")?;
        let all = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, (row.get(1)?, row.get(2)?))))?;
        let all: Vec<(i64, (String, Vec<u8>))> = all.collect::<Result<_, _>>()?;
        for (id, root) in all {
            if id != RECORDS && !kept.contains(&root) {
                for known in self.known(id)?.into_values() {
                    self.delete(known.id)?;
                }
                self.connection.execute("DELETE FROM root WHERE id = ?1", [id])?;
            }
        }
        self.commit()
    }

    pub(super) fn root(&mut self, root: &Root) -> Result<i64, Trouble> {
        let found = self.connection.query_row("SELECT id FROM root WHERE name = ?1", [&root.name], |row| row.get(0));
        if let Some(id) = found.optional()? {
            return Ok(id);
        }
        let folder = root.folder.as_os_str().as_bytes();
        self.connection.execute("INSERT INTO root (name, folder) VALUES (?1, ?2)", params![root.name, folder])?;
        Ok(self.connection.last_insert_rowid())
    }

    pub(super) fn identity(&self, root: i64) -> Result<Identity, Trouble> {
        let sql = "SELECT device, inode FROM root WHERE id = ?1";
        let (device, inode): (i64, i64) =
            self.connection.query_row(sql, [root], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((device.cast_unsigned(), inode.cast_unsigned()))
    }

    pub(super) fn identify(&mut self, root: i64, identity: Identity) -> Result<(), Trouble> {
        if self.identity(root)? != identity {
            let sql = "UPDATE root SET device = ?2, inode = ?3 WHERE id = ?1";
            self.connection.execute(sql, params![root, identity.0.cast_signed(), identity.1.cast_signed()])?;
        }
        Ok(())
    }

    pub(super) fn known(&self, root: i64) -> Result<HashMap<String, Known>, Trouble> {
        let mut statement =
            self.connection.prepare_cached("SELECT path, id, size, mtime_ns FROM file WHERE root = ?1")?;
        let rows = statement.query_map([root], |row| {
            let size: i64 = row.get(2)?;
            Ok((row.get(0)?, Known { id: row.get(1)?, size: size.cast_unsigned(), mtime_ns: row.get(3)? }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The file at a path and those below it: a path may have been a file and be a folder now.
    pub(super) fn known_below(&self, root: i64, path: &str) -> Result<HashMap<String, Known>, Trouble> {
        if path.is_empty() {
            return self.known(root);
        }
        // `0` comes right after `/`.
        let sql = "SELECT path, id, size, mtime_ns FROM file WHERE root = ?1 AND path = ?2
                   UNION ALL SELECT path, id, size, mtime_ns FROM file
                   WHERE root = ?1 AND path > ?2 || '/' AND path < ?2 || '0'";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![root, path], |row| {
            let size: i64 = row.get(2)?;
            Ok((row.get(0)?, Known { id: row.get(1)?, size: size.cast_unsigned(), mtime_ns: row.get(3)? }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether all roots have been scanned into this database: one that was made anew holds none.
    pub(super) fn holds(&self, roots: &[Root]) -> Result<bool, Trouble> {
        let sql = "SELECT count(*) FROM root WHERE name = ?1 AND folder = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        for root in roots {
            let folder = root.folder.as_os_str().as_bytes();
            if statement.query_row(params![root.name, folder], |row| row.get::<_, i64>(0))? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn hash_of(&self, file: i64) -> Result<Vec<u8>, Trouble> {
        let mut statement = self.connection.prepare_cached("SELECT hash FROM file WHERE id = ?1")?;
        Ok(statement.query_row([file], |row| row.get(0))?)
    }

    /// The file's words are the same; only what it looks like is new.
    pub(super) fn restamp(&mut self, before: Known, stamp: &Known) -> Result<(), Trouble> {
        if (before.size, before.mtime_ns) == (stamp.size, stamp.mtime_ns) {
            return Ok(());
        }
        self.begin()?;
        let sql = "UPDATE file SET size = ?2, mtime_ns = ?3 WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute(params![before.id, stamp.size.cast_signed(), stamp.mtime_ns])?;
        self.wrote(0)
    }

    /// Puts a file with its passages in place of what was known of it. Gives whether all of it is in.
    pub(super) fn put(
        &mut self,
        root: i64,
        path: &str,
        stamp: &Known,
        (text, hash): (&str, &[u8]),
    ) -> Result<bool, Trouble> {
        self.begin()?;
        passages::forget(self.connection, root, path)?;
        let front = front(text);
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        let title = format!("{stem} {} {}", front.title.unwrap_or_default(), front.tags.join(" "));
        let of =
            NewFile { root, path, title: &title, tags: &front.tags, date_ms: front.date, stamp, hash, context: None };
        let file = passages::put_file(self.connection, &of)?;
        let whole = passages::put_text(self.connection, file, (&title, text))?;
        self.wrote(text.len())?;
        Ok(whole)
    }

    pub(super) fn delete(&mut self, file: i64) -> Result<(), Trouble> {
        self.begin()?;
        passages::delete_file(self.connection, file)?;
        self.wrote(0)
    }

    fn begin(&mut self) -> Result<(), Trouble> {
        if !self.is_open {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            self.is_open = true;
        }
        Ok(())
    }

    fn wrote(&mut self, bytes: usize) -> Result<(), Trouble> {
        self.bytes += bytes;
        self.files += 1;
        if self.bytes >= BATCH_BYTES_MAX || self.files >= BATCH_FILES_MAX { self.commit() } else { Ok(()) }
    }

    /// Ends the batch.
    pub(super) fn commit(&mut self) -> Result<(), Trouble> {
        if self.is_open {
            passages::changed(self.connection)?;
            self.connection.execute_batch("COMMIT")?;
            (self.is_open, self.bytes, self.files) = (false, 0, 0);
        }
        Ok(())
    }

    pub(super) fn counts(&self) -> Result<(u64, u64), Trouble> {
        let count = |sql| self.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned);
        let (all, of_records) = (
            count("SELECT count(*) FROM passage")?,
            count("SELECT count(*) FROM passage WHERE file IN (SELECT id FROM file WHERE context IS NOT NULL)")?,
        );
        let records = count("SELECT count(*) FROM file WHERE context IS NOT NULL")?;
        Ok((count("SELECT count(*) FROM file")?.saturating_sub(records), all.saturating_sub(of_records)))
    }
}
