//! A context's own records in the index: its logs, entry by entry as the store has them, and its memory.
//!
//! A log only grows, so that what is new of it is taken in and the rest left alone. Its entries come from the store and not
//! from the file: they are there as soon as they are committed, and an erased one is erased there first.

use std::collections::HashMap;

use gate::Root;
use markdown::chunk::pieces;
use messages::store::{EntryOf, EntryRow};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use crate::database::{self, Place, RECORDS, Trouble};
use crate::passages::{self, NewFile, NewPassage};
use crate::pool::Pool;
use crate::scan::Known;

/// Where a context's memory stands, below the workspace.
pub(crate) fn memory_path(context: &str) -> String {
    format!("contexts/{context}/memory.md")
}

/// Bytes of each log of a context that are indexed.
pub(crate) fn known(connection: &Connection, context: &str) -> Result<HashMap<String, u64>, Trouble> {
    let sql = "SELECT path, size FROM file WHERE context = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([context], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether anything is known of a record.
pub(crate) fn is_known(connection: &Connection, record: &str) -> Result<bool, Trouble> {
    Ok(passages::file_at(connection, RECORDS, record)?.is_some())
}

/// Takes entries of a log in, from where it was known to `to`.
pub(crate) fn put_entries(
    connection: &Connection,
    (context, log): (&str, &str),
    entries: &[EntryRow],
    to: u64,
) -> Result<(), Trouble> {
    let transaction = begin(connection)?;
    let (file, from) = log_file(connection, context, log)?;
    for entry in entries.iter().filter(|entry| entry.offset >= from) {
        put_entry(connection, file, entry)?;
    }
    connection
        .prepare_cached("UPDATE file SET size = max(size, ?2) WHERE id = ?1")?
        .execute(params![file, to.cast_signed()])?;
    passages::changed(connection)?;
    Ok(transaction.commit()?)
}

/// A transaction that writes from its beginning: one that began by reading could not go on where a scan wrote meanwhile.
fn begin(connection: &Connection) -> Result<Transaction<'_>, Trouble> {
    Ok(Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?)
}

/// The row of a log, made if it is not there, and how much of it is indexed.
fn log_file(connection: &Connection, context: &str, log: &str) -> Result<(i64, u64), Trouble> {
    let sql = "SELECT id, size, context FROM file WHERE root = ?1 AND path = ?2";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<String>>(2)?));
    match connection.prepare_cached(sql)?.query_row(params![RECORDS, log], row).optional()? {
        Some((file, size, of)) if of.as_deref() == Some(context) => return Ok((file, size.cast_unsigned())),
        // It is another context's now.
        Some((file, ..)) => passages::delete_file(connection, file)?,
        None => {}
    }
    Ok((put_record(connection, (context, log), "", (0, &[]))?, 0))
}

/// Puts a record of a context without passages; there is none of its path. Gives its row.
fn put_record(
    connection: &Connection,
    (context, path): (&str, &str),
    title: &str,
    (size, hash): (u64, &[u8]),
) -> Result<i64, Trouble> {
    let stamp = Known { id: 0, size, mtime_ns: 0 };
    let of =
        NewFile { root: RECORDS, path, title, tags: &[], date_ms: None, stamp: &stamp, hash, context: Some(context) };
    passages::put_file(connection, &of)
}

fn put_entry(connection: &Connection, file: i64, entry: &EntryRow) -> Result<(), Trouble> {
    let (who, at_ms, text) = match &entry.of {
        EntryOf::Inbound(row) if !row.redacted => (row.user.as_str(), row.received_at.0, row.text.as_str()),
        EntryOf::Outbound(row) if !row.redacted => {
            ("agent", row.ended_at.unwrap_or(row.created_at).0, row.text.as_str())
        }
        EntryOf::Inbound(_) | EntryOf::Outbound(_) => return Ok(()),
    };
    let heading = format!("{} · {}", markdown::civil::utc(at_ms), markdown::text::clean_line(who, 64));
    let place = entry.offset.cast_signed();
    for text in pieces(text) {
        let passage = NewPassage { file, place, at_ms: Some(at_ms), title: "", heading: &heading, text };
        passages::put(connection, &passage)?;
    }
    Ok(())
}

/// Brings what is indexed of a context's memory up to its file, if that has changed.
pub(crate) fn put_memory(pool: &Pool, place: &Place, roots: &[Root], context: &str) -> Result<(), Trouble> {
    let path = memory_path(context);
    let read = |root: &Root| root.open().and_then(|open| open.read(&path));
    // One that can't be read is not searched; the context says so in its status.
    let text = roots.iter().find(|root| root.is_own()).and_then(|root| read(root).ok()).unwrap_or_default();
    let hash = if text.trim().is_empty() { Vec::new() } else { Sha256::digest(text.as_bytes()).to_vec() };
    let sql = "SELECT hash FROM file WHERE root = ?1 AND path = ?2";
    let known: Option<Vec<u8>> = pool.read(place, |open| {
        let Some((connection, _)) = open else { return Ok(None) };
        Ok(connection.prepare_cached(sql)?.query_row(params![RECORDS, path], |row| row.get(0)).optional()?)
    })?;
    if known.unwrap_or_default() == hash {
        return Ok(());
    }
    let connection = place.write()?;
    let transaction = begin(&connection)?;
    passages::forget(&connection, RECORDS, &path)?;
    if !hash.is_empty() {
        let title = "memory";
        let file = put_record(&connection, (context, &path), title, (text.len() as u64, &hash))?;
        passages::put_text(&connection, file, (title, &text))?;
    }
    passages::changed(&connection)?;
    Ok(transaction.commit()?)
}

/// Takes a record, or some entries of a log, out of the database, and out of its journal on disk.
pub(crate) fn forget(connection: &Connection, record: &str, entries: Option<&[u64]>) -> Result<(), Trouble> {
    let transaction = begin(connection)?;
    if let Some(file) = passages::file_at(connection, RECORDS, record)? {
        match entries {
            None => passages::delete_file(connection, file)?,
            Some(entries) => {
                entries.iter().try_for_each(|place| passages::delete_at(connection, file, place.cast_signed()))?;
            }
        }
        database::purge(connection)?;
    }
    passages::changed(connection)?;
    transaction.commit()?;
    // The write-ahead log holds the pages as they were. Who reads it now keeps it until the next time.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
