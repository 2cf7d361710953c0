//! Files and passages as rows, with their words and vectors: what writes them writes all of it.

use markdown::chunk::{CHUNKS_MAX, chunks};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::database::Trouble;
use crate::scan::Known;
use crate::search::core::parted;
use crate::vectors::embed;

/// A file that is put.
pub(crate) struct NewFile<'a> {
    pub(crate) root: i64,
    /// Below the root.
    pub(crate) path: &'a str,
    /// Words that are searched with each of its passages.
    pub(crate) title: &'a str,
    pub(crate) tags: &'a [String],
    /// Milliseconds since the Unix epoch, as its head says.
    pub(crate) date_ms: Option<i64>,
    /// What it looked like when it was read.
    pub(crate) stamp: &'a Known,
    pub(crate) hash: &'a [u8],
    /// Whose log or memory it is; `None`: knowledge.
    pub(crate) context: Option<&'a str>,
}

/// A passage that is put.
pub(crate) struct NewPassage<'a> {
    pub(crate) file: i64,
    /// Where it begins in the file, in bytes; of a log: where its entry begins.
    pub(crate) place: i64,
    /// When it was said, in a log; milliseconds since the Unix epoch.
    pub(crate) at_ms: Option<i64>,
    /// As its file's.
    pub(crate) title: &'a str,
    pub(crate) heading: &'a str,
    pub(crate) text: &'a str,
}

/// Puts a file without passages; there is none of its path. Gives its row.
pub(crate) fn put_file(connection: &Connection, of: &NewFile<'_>) -> Result<i64, Trouble> {
    let sql = "INSERT INTO file (root, path, size, mtime_ns, hash, title, tags, date_ms, context)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let tags: String =
        of.tags.iter().map(|tag| format!("\n{}\n", tag.trim_start_matches('#').to_lowercase())).collect();
    let (size, mtime_ns) = (of.stamp.size.cast_signed(), of.stamp.mtime_ns);
    let row = params![of.root, of.path, size, mtime_ns, of.hash, of.title, tags, of.date_ms, of.context];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(connection.last_insert_rowid())
}

/// Puts a passage with its words and its vector.
pub(crate) fn put(connection: &Connection, of: &NewPassage<'_>) -> Result<(), Trouble> {
    // A heading says what a short passage is about.
    let vector = embed(&format!("{}\n{}", of.heading, of.text));
    let sql = "INSERT INTO passage (file, place, at_ms, heading, text, vector) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let bytes = vector.as_ref().map(|vector| vector.as_bytes());
    let row = params![of.file, of.place, of.at_ms, of.heading, of.text, bytes.as_ref().map(|bytes| bytes.as_slice())];
    connection.prepare_cached(sql)?.execute(row)?;
    let id = connection.last_insert_rowid();
    if let Some(vector) = &vector {
        let sql = "INSERT INTO signature (passage, file, bits) VALUES (?1, ?2, ?3)";
        connection.prepare_cached(sql)?.execute(params![id, of.file, vector.signature().as_bytes().as_slice()])?;
    }
    let sql = "INSERT INTO words (rowid, title, body) VALUES (?1, ?2, ?3)";
    let title = parted(&format!("{} {}", of.title, of.heading));
    connection.prepare_cached(sql)?.execute(params![id, title, parted(of.text)])?;
    Ok(())
}

/// Puts all passages of a text. Gives whether the file's limit left room for all of it.
pub(crate) fn put_text(connection: &Connection, file: i64, (title, text): (&str, &str)) -> Result<bool, Trouble> {
    let found = chunks(text);
    for chunk in &found {
        let place = i64::try_from(chunk.start_byte).unwrap_or(i64::MAX);
        put(connection, &NewPassage { file, place, at_ms: None, title, heading: &chunk.heading, text: chunk.text })?;
    }
    let end = found.last().map_or(text.len(), |chunk| chunk.end_byte);
    Ok(found.len() < CHUNKS_MAX || text.get(end..).is_none_or(|rest| rest.trim().is_empty()))
}

/// The row of the file that a path has.
pub(crate) fn file_at(connection: &Connection, root: i64, path: &str) -> Result<Option<i64>, Trouble> {
    let sql = "SELECT id FROM file WHERE root = ?1 AND path = ?2";
    Ok(connection.prepare_cached(sql)?.query_row(params![root, path], |row| row.get(0)).optional()?)
}

/// Deletes what is known of a path, if anything.
pub(crate) fn forget(connection: &Connection, root: i64, path: &str) -> Result<(), Trouble> {
    file_at(connection, root, path)?.map_or(Ok(()), |file| delete_file(connection, file))
}

/// Deletes a file with all that came of it.
pub(crate) fn delete_file(connection: &Connection, file: i64) -> Result<(), Trouble> {
    delete_passages(connection, "file = ?1", params![file])?;
    connection.prepare_cached("DELETE FROM file WHERE id = ?1")?.execute([file])?;
    Ok(())
}

/// Deletes the passages of one place of a file.
pub(crate) fn delete_at(connection: &Connection, file: i64, place: i64) -> Result<(), Trouble> {
    delete_passages(connection, "file = ?1 AND place = ?2", params![file, place])
}

fn delete_passages(connection: &Connection, which: &str, params: &[&dyn rusqlite::ToSql]) -> Result<(), Trouble> {
    // External content: the engine is told which words go (FTS5 4.4.3), while the rows still show them.
    let words = format!(
        "INSERT INTO words (words, rowid, title, body) SELECT 'delete', i.id, i.title, i.body
         FROM indexed i WHERE i.id IN (SELECT id FROM passage WHERE {which})"
    );
    connection.prepare_cached(&words)?.execute(params)?;
    let signatures = format!("DELETE FROM signature WHERE passage IN (SELECT id FROM passage WHERE {which})");
    connection.prepare_cached(&signatures)?.execute(params)?;
    connection.prepare_cached(&format!("DELETE FROM passage WHERE {which}"))?.execute(params)?;
    Ok(())
}

/// Notes that something was written: what is kept in memory of the database is read again.
pub(crate) fn changed(connection: &Connection) -> Result<(), Trouble> {
    connection.prepare_cached("UPDATE state SET changes = changes + 1")?.execute([])?;
    Ok(())
}

/// How often something was written.
pub(crate) fn changes(connection: &Connection) -> Result<i64, Trouble> {
    Ok(connection.prepare_cached("SELECT changes FROM state")?.query_row([], |row| row.get(0))?)
}
