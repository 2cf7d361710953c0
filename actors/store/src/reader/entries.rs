//! Entries of chat logs with what they show.

use messages::store::{EntryOf, EntryRow, FileStamp, LogRow, Rows};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::all;
use super::rows::{INBOX_BY_SEQ, OUTBOX_BY_ID, inbox, outbox, unsigned};

/// The most replies of one event whose entries are looked for.
const REPLIES_MAX: u32 = 256;

const LOG: &str = "SELECT id FROM log WHERE log = ?1";
pub(super) const FROM: &str = "SELECT offset, length, what, shows FROM entry
    WHERE log = ?1 AND offset >= ?2 ORDER BY offset LIMIT ?3";
pub(super) const OF: &str = "SELECT e.offset, e.length, e.what, e.shows, l.log
    FROM entry AS e INDEXED BY entry_of CROSS JOIN log AS l ON l.id = e.log WHERE e.shows = ?1 AND e.what = ?2";
pub(super) const REPLIES: &str = "SELECT id FROM outbox WHERE seq = ?1 ORDER BY n LIMIT ?2";
const LOGS: &str = "SELECT log, size, synced, inode, file_bytes, mtime_ns, id FROM log ORDER BY log";

/// An entry's place, without what it shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) what: i64,
    pub(super) shows: i64,
}

pub(super) fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    let (length, what, shows) = (row.get(1)?, row.get(2)?, row.get(3)?);
    Ok(Place { offset: unsigned(row, 0)?, length, what, shows })
}

/// The entry with what it shows.
pub(super) fn entry(sql: &Connection, log: &str, place: Place) -> rusqlite::Result<EntryRow> {
    let of = if place.what == 0 {
        let row = sql.prepare_cached(INBOX_BY_SEQ)?.query_row([place.shows], inbox)?;
        EntryOf::Inbound(Box::new(row))
    } else {
        let row = sql.prepare_cached(OUTBOX_BY_ID)?.query_row([place.shows], outbox)?;
        EntryOf::Outbound(Box::new(row))
    };
    Ok(EntryRow { log: log.to_owned(), offset: place.offset, length: place.length, of })
}

pub(super) fn entries(sql: &Connection, log: &str, from: u64, limit: u32) -> rusqlite::Result<Rows> {
    let id: Option<i64> = sql.prepare_cached(LOG)?.query_row([log], |row| row.get(0)).optional()?;
    let (Some(id), Ok(from)) = (id, i64::try_from(from)) else {
        return Ok(Rows::Entries(Vec::new()));
    };
    let places = all(sql, FROM, params![id, from, limit], place)?;
    let entries = places.into_iter().map(|place| entry(sql, log, place));
    entries.collect::<Result<_, _>>().map(Rows::Entries)
}

pub(super) fn entries_of(sql: &Connection, seq: i64) -> rusqlite::Result<Rows> {
    let mut entries = Vec::new();
    entry_of(sql, (seq, 0), &mut entries)?;
    for id in all(sql, REPLIES, params![seq, REPLIES_MAX], |row| row.get(0))? {
        entry_of(sql, (id, 1), &mut entries)?;
    }
    Ok(Rows::Entries(entries))
}

fn entry_of(sql: &Connection, of: (i64, i64), entries: &mut Vec<EntryRow>) -> rusqlite::Result<()> {
    let found = sql
        .prepare_cached(OF)?
        .query_row([of.0, of.1], |row| Ok((place(row)?, row.get::<_, String>(4)?)))
        .optional()?;
    if let Some((place, log)) = found {
        entries.push(entry(sql, &log, place)?);
    }
    Ok(())
}

pub(super) fn log_row(row: &Row<'_>) -> rusqlite::Result<LogRow> {
    Ok(LogRow {
        log: row.get(0)?,
        size: unsigned(row, 1)?,
        synced: unsigned(row, 2)?,
        stamp: FileStamp {
            inode: row.get::<_, i64>(3)?.cast_unsigned(),
            size: row.get::<_, i64>(4)?.cast_unsigned(),
            mtime_ns: row.get(5)?,
        },
    })
}

/// Every log, one after the other, with its number.
pub(crate) fn logs_all(
    sql: &Connection,
    mut each: impl FnMut(LogRow, i64) -> rusqlite::Result<bool>,
) -> rusqlite::Result<()> {
    let mut statement = sql.prepare(LOGS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !each(log_row(row)?, row.get(6)?)? {
            break;
        }
    }
    Ok(())
}

/// The entries of one log in order, each with what it shows, read as they are asked for.
pub(crate) fn entry_rows_of(
    sql: &Connection,
    log: (&str, i64),
    visit: &mut dyn FnMut(&mut dyn Iterator<Item = rusqlite::Result<EntryRow>>) -> bool,
) -> rusqlite::Result<bool> {
    let (name, id) = log;
    let mut statement = sql.prepare_cached(FROM)?;
    let places = statement.query_map(params![id, 0, -1], place)?;
    let mut rows = places.map(|found| found.and_then(|place| entry(sql, name, place)));
    Ok(visit(&mut rows))
}
