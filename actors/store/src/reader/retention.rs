//! What is to be erased: past its time, or of a person who is forgotten.

use messages::store::{
    AuditCut, EraseRow, FORGET_ROWS_MAX, ForgetRow, MARKS_MAX, Person, RetentionRow, RetentionRows, Rows, WordsOf,
};
use messages::turn::Chat;
use messages::{InboundId, Moment, Slug};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::all;
use super::rows::{inbox_state, unreadable, unsigned};
use crate::writer::has_ended;

/// Events that a context is given at a time.
const ERASE_ROWS_MAX: u32 = 32;
/// Forgettings that are given.
const FORGETS_MAX: u32 = 64;
/// Events that one query asks about.
const IDS_MAX: usize = 256;

pub(super) const ERASE: &str = "SELECT e.seq, i.id, i.connector, i.chat, i.state,
    EXISTS (SELECT 1 FROM outbox AS o WHERE o.seq = e.seq AND o.state = 1 AND o.task IS NULL), e.forget IS NULL
    FROM erase AS e CROSS JOIN inbox AS i ON i.seq = e.seq WHERE e.ctx = ?1 ORDER BY e.seq LIMIT ?2";
pub(super) const PAST: &str = concat!(
    "SELECT i.seq FROM inbox AS i INDEXED BY inbox_words WHERE i.settled_at < ?1 AND ",
    has_ended!(),
    " AND NOT EXISTS (SELECT 1 FROM erase AS e WHERE e.ctx = i.ctx AND e.seq = i.seq)
    ORDER BY i.settled_at, i.seq LIMIT ?2"
);
const PAST_COUNT: &str =
    concat!("SELECT count(*) FROM inbox AS i INDEXED BY inbox_words WHERE i.settled_at < ?1 AND ", has_ended!());
const ROW: &str = "SELECT seen, doubted, began, ended, marked, marked_ever, cut_ever FROM retention WHERE one = 1";
const MARKED: &str = "SELECT count(*) FROM erase WHERE forget IS NULL";
macro_rules! select_forget {
    ($rest:literal) => {
        concat!(
            "SELECT f.id, f.connector, f.user, f.ws, f.by, f.asked_at, f.next, f.last, f.events,
            (SELECT count(*) FROM erase AS e WHERE e.forget = f.id), f.done_at FROM forget AS f ",
            $rest
        )
    };
}
const FORGETS: &str = select_forget!("WHERE f.done_at IS NULL ORDER BY f.id LIMIT ?1");
const FORGETTING: &str = select_forget!("WHERE f.id = ?1");
const FILES_BEHIND: &str = "SELECT (SELECT count(*) FROM memory INDEXED BY memory_open
    WHERE (work IS NOT NULL OR erasures > erased) AND erasures > erased)
    + (SELECT count(*) FROM log WHERE synced = 0 AND size > 0)
    + (SELECT count(*) FROM task INDEXED BY task_unrecorded WHERE recorded < rev AND title = '')";
// A checkpoint behind which the chain begins has no record any more.
const CUT: &str = "SELECT (SELECT min(seq) FROM audit), c.seq FROM checkpoint AS c JOIN audit AS a ON a.seq = c.seq
    WHERE NOT EXISTS (SELECT 1 FROM audit AS b WHERE b.seq <= c.seq AND b.at >= ?1) ORDER BY c.seq LIMIT 1";
const AUDIT_PAST: &str = "SELECT count(*) FROM audit WHERE at < ?1";
const ERASED: &str = "SELECT 1 FROM inbox WHERE id = ?1 AND redacted = 1";
const WORDS: &str = "SELECT i.ctx, count(*),
    sum((SELECT count(*) FROM outbox AS o WHERE o.seq = i.seq AND o.redacted = 0)),
    sum((SELECT count(*) FROM task AS t WHERE t.seq = i.seq))
    FROM inbox AS i NOT INDEXED WHERE i.seq > ?1 AND i.seq <= ?2 AND i.user = ?3 AND i.connector = ?4
    AND (?5 = '' OR substr(i.ctx, 1, length(?5) + 4) = 'ws/' || ?5 || '/') AND i.kind <> 2 AND i.redacted <> 1
    GROUP BY i.ctx";
const LAST: &str = "SELECT coalesce(max(seq), 0) FROM inbox";

pub(super) fn erase(sql: &Connection, context: &str) -> rusqlite::Result<Vec<EraseRow>> {
    all(sql, ERASE, params![context, ERASE_ROWS_MAX], |row| {
        Ok(EraseRow {
            seq: row.get(0)?,
            id: InboundId::from_row(row.get(1)?),
            chat: Chat { connector: row.get(2)?, chat: row.get(3)? },
            state: inbox_state(row, 4)?,
            is_sending: row.get(5)?,
            by_age: row.get(6)?,
        })
    })
}

pub(super) fn retention(
    sql: &Connection,
    events_before: Option<Moment>,
    audit_before: Option<Moment>,
) -> rusqlite::Result<Rows> {
    let past = match events_before {
        Some(before) => all(sql, PAST, params![before.0, MARKS_MAX], |row| row.get(0))?,
        None => Vec::new(),
    };
    let cut = |row: &Row<'_>| Ok(AuditCut { from: row.get(0)?, upto: row.get(1)? });
    let cut = match audit_before {
        Some(before) => sql.prepare_cached(CUT)?.query_row([before.0], cut).optional()?,
        None => None,
    };
    let forgets = all(sql, FORGETS, [FORGETS_MAX], forget)?;
    let marked = sql.prepare_cached(MARKED)?.query_row([], |row| unsigned(row, 0))?;
    let row = sql.prepare_cached(ROW)?.query_row([], stands)?;
    Ok(Rows::Retention(Box::new(RetentionRows { row, past, marked, forgets, cut })))
}

fn stands(row: &Row<'_>) -> rusqlite::Result<RetentionRow> {
    let moment = |index| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(index)?.map(Moment));
    Ok(RetentionRow {
        seen: moment(0)?,
        doubted: moment(1)?,
        began: moment(2)?,
        ended: moment(3)?,
        marked: unsigned(row, 4)?,
        marked_ever: unsigned(row, 5)?,
        cut_ever: unsigned(row, 6)?,
    })
}

fn forget(row: &Row<'_>) -> rusqlite::Result<ForgetRow> {
    let workspace: String = row.get(3)?;
    let workspace = if workspace.is_empty() { None } else { Some(Slug::parse(&workspace)) };
    Ok(ForgetRow {
        id: row.get(0)?,
        person: Person { connector: row.get(1)?, user: row.get(2)? },
        workspace: workspace.transpose().map_err(|bad| unreadable(3, bad.to_string()))?,
        by: row.get(4)?,
        asked_at: Moment(row.get(5)?),
        next: row.get(6)?,
        last: row.get(7)?,
        events: unsigned(row, 8)?,
        left: unsigned(row, 9)?,
        done_at: row.get::<_, Option<i64>>(10)?.map(Moment),
    })
}

pub(super) fn forgetting(sql: &Connection, id: i64) -> rusqlite::Result<Rows> {
    let found = sql.prepare_cached(FORGETTING)?.query_row([id], forget).optional()?;
    let behind = sql.prepare_cached(FILES_BEHIND)?.query_row([], |row| unsigned(row, 0))?;
    Ok(Rows::Forgetting(found.map(Box::new), behind))
}

pub(super) fn past_time(
    sql: &Connection,
    events_before: Option<Moment>,
    audit_before: Option<Moment>,
) -> rusqlite::Result<Rows> {
    let count = |statement: &str, before: Option<Moment>| match before {
        Some(before) => sql.prepare_cached(statement)?.query_row([before.0], |row| unsigned(row, 0)),
        None => Ok(0),
    };
    Ok(Rows::PastTime(count(PAST_COUNT, events_before)?, count(AUDIT_PAST, audit_before)?))
}

pub(super) fn erased(sql: &Connection, ids: &[InboundId]) -> rusqlite::Result<Rows> {
    let mut statement = sql.prepare_cached(ERASED)?;
    let mut found = Vec::new();
    for id in ids.iter().take(IDS_MAX) {
        if statement.exists([id.as_str()])? {
            found.push(id.clone());
        }
    }
    Ok(Rows::Erased(found))
}

pub(super) fn words_of(
    sql: &Connection,
    person: &Person,
    workspace: Option<&Slug>,
    after: i64,
) -> rusqlite::Result<Rows> {
    let upto = after.saturating_add(FORGET_ROWS_MAX);
    let last: i64 = sql.prepare_cached(LAST)?.query_row([], |row| row.get(0))?;
    let workspace = workspace.map_or("", Slug::as_str);
    let found = all(sql, WORDS, params![after, upto, person.user, person.connector, workspace], |row| {
        Ok(WordsOf {
            context: row.get(0)?,
            events: unsigned(row, 1)?,
            replies: unsigned(row, 2)?,
            tasks: unsigned(row, 3)?,
        })
    })?;
    Ok(Rows::WordsOf(found, (upto < last).then_some(upto)))
}
