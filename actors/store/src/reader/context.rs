//! All that a context opens from.

use messages::Address;
use messages::store::{
    CONTEXT_TEXT_BYTES_MAX, ContextRow, ContextRows, EntryOf, EntryRow, LogRow, PAGE_ROWS_MAX, Rows,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::all;
use super::entries::{entry, log_row, place};
use super::rows::{inbox, outbox, select_inbox, select_outbox, unsigned};
use super::{spending, task};

/// The least entries read at a time when the conversation's end is looked for.
const TAIL_PAGE_ROWS_MIN: u32 = 64;

const CONTEXT: &str = "SELECT rev, fresh_after, definition FROM context WHERE context = ?1";
// `state = 1` selects, `state < 2` is the index's own words.
pub(super) const TAKEN: &str = select_inbox!(
    "inbox AS i INDEXED BY inbox_open",
    "WHERE i.ctx = ?1 AND i.state = 1 AND i.state < 2 AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.seq = i.seq AND o.n = 0) \
     ORDER BY i.seq LIMIT ?2"
);
pub(super) const BEGUN: &str = "SELECT 1 FROM entry INDEXED BY entry_of WHERE shows = ?1 AND what = 0";
pub(super) const REPLIES: &str = select_outbox!(
    "outbox AS o INDEXED BY outbox_unlogged",
    "WHERE o.ctx = ?1 AND o.logged = 0 ORDER BY o.id LIMIT ?2"
);
pub(super) const LOGS: &str = "SELECT log, size, synced, inode, file_bytes, mtime_ns, id
    FROM log INDEXED BY log_of_context WHERE ctx = ?1 ORDER BY id LIMIT ?2";
pub(super) const TAIL: &str = "SELECT offset, length, what, shows FROM entry
    WHERE log = ?1 AND offset < ?2 ORDER BY offset DESC LIMIT ?3";

pub(super) fn context(sql: &Connection, context: &Address, tail: u32) -> rusqlite::Result<Rows> {
    let of = params![context.as_str(), PAGE_ROWS_MAX];
    let own = sql.prepare_cached(CONTEXT)?.query_row([context.as_str()], own).optional()?;
    let logs = all(sql, LOGS, of, |row| Ok((log_row(row)?, row.get::<_, i64>(6)?)))?;
    let fresh_after = own.as_ref().map_or(0, |own| own.fresh_after);
    let mut tails = Vec::new();
    for (log, id) in &logs {
        tails.push(tail_of(sql, (log, *id), fresh_after, tail)?);
    }
    let taken = all(sql, TAKEN, of, inbox)?;
    let mut begun = Vec::new();
    for row in &taken {
        let entry = sql.prepare_cached(BEGUN)?.query_row([row.seq], |_| Ok(row.seq)).optional()?;
        begun.extend(entry);
    }
    let mut steps = Vec::new();
    for row in taken.iter().filter(|row| begun.contains(&row.seq)) {
        steps.extend(task::steps(sql, row.id.as_str())?);
    }
    Ok(Rows::Context(Box::new(ContextRows {
        context: own,
        taken,
        begun,
        steps,
        spending: spending::latest(sql, context)?,
        replies: newest_words(all(sql, REPLIES, of, outbox)?, |row| &mut row.text),
        logs: logs.into_iter().map(|(log, _)| log).collect(),
        tail: newest_words(merge(tails, tail), |entry| match &mut entry.of {
            EntryOf::Inbound(row) => &mut row.text,
            EntryOf::Outbound(row) => &mut row.text,
        }),
    })))
}

/// Without the words of the older ones: a context remembers far fewer, and what a connector could not deliver for days
/// must not be more than a message between nodes.
fn newest_words<T>(mut rows: Vec<T>, words: impl Fn(&mut T) -> &mut String) -> Vec<T> {
    let mut bytes = 0_usize;
    for row in rows.iter_mut().rev() {
        let words = words(row);
        bytes += words.len();
        if bytes > CONTEXT_TEXT_BYTES_MAX {
            words.clear();
        }
    }
    rows
}

pub(super) fn logs(sql: &Connection, context: &Address, limit: u32) -> rusqlite::Result<Rows> {
    all(sql, LOGS, params![context.as_str(), limit], log_row).map(Rows::Logs)
}

fn own(row: &Row<'_>) -> rusqlite::Result<ContextRow> {
    Ok(ContextRow { rev: unsigned(row, 0)?, fresh_after: row.get(1)?, definition: row.get(2)? })
}

/// The last entries of one log that belong to the conversation, newest first. Where `/new` was said, entries of before
/// and after may stand mixed: a page without any of after ends the search.
fn tail_of(sql: &Connection, log: (&LogRow, i64), fresh_after: i64, tail: u32) -> rusqlite::Result<Vec<EntryRow>> {
    let (log, id) = log;
    let most = usize::try_from(tail).unwrap_or(usize::MAX);
    let (mut found, mut before) = (Vec::new(), i64::MAX);
    while found.len() < most {
        let rows = params![id, before, tail.max(TAIL_PAGE_ROWS_MIN)];
        let places = all(sql, TAIL, rows, place)?;
        let Some(first) = places.last() else { break };
        before = i64::try_from(first.offset).unwrap_or(0);
        let had = found.len();
        for place in places {
            let entry = entry(sql, &log.log, place)?;
            if turn_of(&entry) > fresh_after && found.len() < most {
                found.push(entry);
            }
        }
        if found.len() == had {
            break;
        }
    }
    Ok(found)
}

/// The inbox row whose turn an entry is of.
fn turn_of(entry: &EntryRow) -> i64 {
    match &entry.of {
        EntryOf::Inbound(row) => row.seq,
        EntryOf::Outbound(row) => row.seq,
    }
}

/// The newest of several logs, oldest first. Each log keeps its own order.
fn merge(mut tails: Vec<Vec<EntryRow>>, tail: u32) -> Vec<EntryRow> {
    let mut sources: Vec<_> = tails.drain(..).map(|t| t.into_iter().peekable()).collect();
    let mut newest = Vec::new();
    for _ in 0..tail {
        let latest = sources
            .iter_mut()
            .filter_map(|source| source.peek().map(turn_of).map(|turn| (turn, source)))
            .max_by_key(|(turn, _)| *turn);
        let Some(entry) = latest.and_then(|(_, source)| source.next()) else { break };
        newest.push(entry);
    }
    newest.reverse();
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_mebibyte_of_words_all_are_given_and_of_a_byte_more_the_oldest_are_not() {
        let words = |sizes: &[usize]| -> Vec<usize> {
            let rows = sizes.iter().map(|size| "x".repeat(*size)).collect();
            newest_words(rows, |row: &mut String| row).iter().map(String::len).collect()
        };
        let most = CONTEXT_TEXT_BYTES_MAX;
        assert_eq!(words(&[1, most - 2, 1]), [1, most - 2, 1]);
        assert_eq!(words(&[2, most - 2, 1]), [0, most - 2, 1]);
        assert_eq!(words(&[1, 1, most + 1, 7]), [0, 0, 0, 7]);
        assert_eq!(words(&[]), [0; 0]);
    }
}
