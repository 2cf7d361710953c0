//! Writes to the chat logs: places of entries, and how much is known to be on disk.

use messages::Address;
use messages::store::{EntryKind, FileStamp, Write};
use rusqlite::{OptionalExtension as _, params};

use super::outbox::check_context;
use super::{Stop, Tx, conflict, int, refused};

const GROW: &str = "UPDATE log SET size = size + ?3 WHERE log = ?1 AND size = ?2 AND ctx = ?4 RETURNING id";
const MAKE: &str = "INSERT INTO log (log, ctx, size) VALUES (?1, ?2, ?3) ON CONFLICT (log) DO NOTHING";
const LOG: &str = "SELECT size, ctx FROM log WHERE log = ?1";
const ENTRY: &str = "INSERT INTO entry (log, offset, length, what, shows) VALUES (?1, ?2, ?3, ?4, ?5)";
const REPLY: &str = "SELECT ctx FROM outbox WHERE id = ?1";
const SYNCED: &str = "UPDATE log SET synced = ?2, inode = ?3, file_bytes = ?4, mtime_ns = ?5
    WHERE log = ?1 AND size >= ?2";

pub(super) fn apply(tx: &Tx<'_>, write: &Write) -> Result<(), Stop> {
    match write {
        Write::EntryPut { .. } => put(tx, write),
        Write::LogSynced { log, synced, stamp } => sync(tx, log, *synced, stamp),
        _ => refused(format!("{} is no write to a log", write.name())),
    }
}

fn put(tx: &Tx<'_>, write: &Write) -> Result<(), Stop> {
    let Write::EntryPut { log, context, offset, length, what, of } = write else {
        return refused(format!("{} is no EntryPut", write.name()));
    };
    let offset = int("offset", *offset)?;
    if offset.checked_add(i64::from(*length)).is_none() {
        return refused(format!("an entry at {offset} is beyond the end of any log"));
    }
    let what = match what {
        EntryKind::Inbound => {
            check_context(tx, *of, context)?;
            0
        }
        EntryKind::Outbound => {
            check_reply(tx, *of, context)?;
            1
        }
    };
    let id = allot(tx, log, context, (offset, *length))?;
    tx.run(ENTRY, params![id, offset, length, what, of])?;
    Ok(())
}

/// Gives the entry its place and tells the log's id.
fn allot(tx: &Tx<'_>, log: &str, context: &Address, place: (i64, u32)) -> Result<i64, Stop> {
    let (offset, length) = place;
    let grow = params![log, offset, length, context.as_str()];
    if let Some(id) = tx.prepare(GROW)?.query_row(grow, |row| row.get(0)).optional()? {
        return Ok(id);
    }
    if offset == 0 && tx.run(MAKE, params![log, context.as_str(), length])? == 1 {
        return Ok(tx.sql.last_insert_rowid());
    }
    let found: Option<(i64, String)> =
        tx.prepare(LOG)?.query_row([log], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match found {
        Some((_, keeper)) if keeper != context.as_str() => {
            refused(format!("{log} is kept by {keeper}, not by {context}"))
        }
        Some((size, _)) => conflict(format!("{log} ends at {size}, the entry begins at {offset}")),
        None => conflict(format!("{log} is new, the entry begins at {offset}")),
    }
}

fn check_reply(tx: &Tx<'_>, id: i64, context: &Address) -> Result<(), Stop> {
    let of = tx.prepare(REPLY)?.query_row([id], |row| Ok(row.get_ref(0)?.as_str()? == context.as_str())).optional()?;
    match of {
        Some(true) => Ok(()),
        Some(false) => refused(format!("outbox row {id} is not {context}'s")),
        None => conflict(format!("outbox row {id} does not exist")),
    }
}

fn sync(tx: &Tx<'_>, log: &str, synced: u64, stamp: &FileStamp) -> Result<(), Stop> {
    let synced = int("synced", synced)?;
    // Inode and size are bits to compare, not numbers to order.
    let (inode, bytes) = (stamp.inode.cast_signed(), stamp.size.cast_signed());
    if tx.run(SYNCED, params![log, synced, inode, bytes, stamp.mtime_ns])? == 1 {
        return Ok(());
    }
    match tx.prepare(LOG)?.query_row([log], |row| row.get::<_, i64>(0)).optional()? {
        Some(size) => conflict(format!("{log} ends at {size} and can't be on disk up to {synced}")),
        None => conflict(format!("there is no log {log}")),
    }
}
