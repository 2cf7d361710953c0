//! What has waited longest, and what is in doubt for long.

use messages::Moment;
use messages::store::{Oldest, Rows};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::unsigned;

pub(super) const EVENT: &str = "SELECT min(seq) FROM inbox INDEXED BY inbox_open WHERE state < 2 AND state = 0";
const EVENT_SINCE: &str = "SELECT received_at FROM inbox WHERE seq = ?1";
pub(super) const REPLY: &str = "SELECT min(id) FROM outbox INDEXED BY outbox_lane WHERE state < 2 AND state = 0";
const REPLY_SINCE: &str = "SELECT created_at FROM outbox WHERE id = ?1";
/// Of the last ones only: doubts stay for ever, and each costs a look at its row.
const REPLIES: &str = "SELECT count(*) FROM (SELECT ended_at FROM outbox INDEXED BY outbox_doubt
    WHERE state = 4 ORDER BY id DESC LIMIT 1024) WHERE ended_at >= ?1 AND ended_at < ?2";
pub(super) const TASKS: &str = "SELECT count(*) FROM task INDEXED BY task_shown
    WHERE (state < 6 OR (state = 11 AND discarded_by IS NULL)) AND wait IS 5 AND moved_at >= ?1 AND moved_at < ?2";

pub(super) fn oldest(sql: &Connection, from: Moment, to: Moment) -> rusqlite::Result<Rows> {
    let count = |statement| sql.prepare_cached(statement)?.query_row(params![from.0, to.0], |row| unsigned(row, 0));
    Ok(Rows::Oldest(Oldest {
        event_since: since(sql, EVENT, EVENT_SINCE)?,
        reply_since: since(sql, REPLY, REPLY_SINCE)?,
        replies_in_doubt: count(REPLIES)?,
        tasks_in_doubt: count(TASKS)?,
    }))
}

/// When the row came that `first` gives the number of.
fn since(sql: &Connection, first: &str, moment: &str) -> rusqlite::Result<Option<Moment>> {
    let number: Option<i64> = sql.prepare_cached(first)?.query_row([], |row| row.get(0))?;
    let Some(number) = number else { return Ok(None) };
    sql.prepare_cached(moment)?.query_row([number], |row| row.get(0).map(Moment)).optional()
}
