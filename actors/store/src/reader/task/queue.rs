//! What a workspace decides on: who holds its slots, who waits for one.

use std::collections::BTreeSet;

use messages::store::{PAGE_ROWS_MAX, QUEUE_CONTEXTS_MAX, QueueRows, QueuedRow, Rows, RunningRow};
use messages::task::PRIORITIES;
use messages::{Address, Moment, Slug, TaskId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::reader::all;
use crate::reader::rows::{address, unsigned};

/// Queued tasks that are given of each priority of each context.
const EACH_MAX: u32 = 2;
/// Tasks with a record file that is behind are counted up to here: one batch of records.
const UNRECORDED_MAX: u32 = 256;
/// Tasks that are too late to be begun and are given at a time.
const LATE_MAX: u32 = 64;

macro_rules! select_queued {
    ($rest:literal) => {
        concat!("SELECT id, ctx, rev, priority, moved_at, not_before, start_by FROM task ", $rest)
    };
}

// All addresses of the workspace's tasks are between the two.
pub(in crate::reader) const SLOTS: &str = "SELECT id, ctx FROM task INDEXED BY task_slot
    WHERE state IN (3, 5) AND address > ?1 AND address < ?2 ORDER BY address LIMIT ?3";
pub(in crate::reader) const CONTEXTS: &str = "SELECT ctx FROM task INDEXED BY task_queue
    WHERE state = 1 AND keeper = ?1 AND ctx > ?2 AND (not_before IS NULL OR not_before <= ?3) ORDER BY ctx LIMIT 1";
pub(in crate::reader) const QUEUED: &str = select_queued!(
    "INDEXED BY task_queue WHERE state = 1 AND keeper = ?1 AND ctx = ?2 AND priority = ?3 \
     AND (not_before IS NULL OR not_before <= ?4) ORDER BY moved_at, place LIMIT ?5"
);
pub(in crate::reader) const LATE: &str = select_queued!(
    "INDEXED BY task_start_by WHERE state = 1 AND keeper = ?1 AND start_by <= ?2 ORDER BY start_by LIMIT ?3"
);
pub(in crate::reader) const NEXT_BY: &str = "SELECT start_by FROM task INDEXED BY task_start_by
    WHERE state = 1 AND keeper = ?1 AND start_by > ?2 ORDER BY start_by LIMIT 1";
pub(in crate::reader) const NEXT_FROM: &str = "SELECT not_before FROM task INDEXED BY task_not_before
    WHERE state = 1 AND not_before IS NOT NULL AND keeper = ?1 AND not_before > ?2 ORDER BY not_before LIMIT 1";
pub(in crate::reader) const UNRECORDED_COUNT: &str = "SELECT count(*) FROM
    (SELECT 1 FROM task INDEXED BY task_unrecorded WHERE recorded < rev AND keeper = ?1 LIMIT ?2)";

/// Answers `Query::Queue`.
pub(in crate::reader) fn queue(
    sql: &Connection,
    workspace: &Slug,
    after: Option<&Address>,
    (now, slots): (Moment, u32),
) -> rusqlite::Result<Rows> {
    let keeper = Address::of_workspace(workspace);
    let keeper = keeper.as_str();
    let running = running(sql, workspace)?;
    let is_full = u32::try_from(running.len()).is_ok_and(|held| held >= slots);
    let (contexts, more) =
        if is_full { (Vec::new(), false) } else { contexts(sql, (keeper, now), after.map_or("", Address::as_str))? };
    let mut queued = Vec::new();
    for context in &contexts {
        for priority in 0..PRIORITIES {
            queued.extend(all(sql, QUEUED, params![keeper, context, priority, now.0, EACH_MAX], queued_row)?);
        }
    }
    let late = all(sql, LATE, params![keeper, now.0, LATE_MAX], queued_row)?;
    let more = more || u32::try_from(late.len()).is_ok_and(|late| late >= LATE_MAX);
    let given: BTreeSet<TaskId> = queued.iter().map(|row| row.id.clone()).collect();
    queued.extend(late.into_iter().filter(|row| !given.contains(&row.id)));
    let first =
        |statement| sql.prepare_cached(statement)?.query_row(params![keeper, now.0], |row| row.get(0)).optional();
    let next = [first(NEXT_BY)?, first(NEXT_FROM)?].into_iter().flatten().min();
    Ok(Rows::Queue(QueueRows {
        running,
        queued,
        more,
        unrecorded: sql
            .prepare_cached(UNRECORDED_COUNT)?
            .query_row(params![keeper, UNRECORDED_MAX], |row| unsigned(row, 0))?,
        next: next.map(Moment),
    }))
}

fn running(sql: &Connection, workspace: &Slug) -> rusqlite::Result<Vec<RunningRow>> {
    let (from, to) = (format!("ws/{workspace}/task/"), format!("ws/{workspace}/task/\u{7f}"));
    all(sql, SLOTS, params![from, to, PAGE_ROWS_MAX], |row| {
        Ok(RunningRow { id: TaskId::from_row(row.get(0)?), context: address(row, 1)? })
    })
}

/// The contexts that are looked at, with tasks that may be run now: those after `after`, then from the first on; and
/// whether there are more.
fn contexts(sql: &Connection, (keeper, now): (&str, Moment), after: &str) -> rusqlite::Result<(Vec<String>, bool)> {
    let mut statement = sql.prepare_cached(CONTEXTS)?;
    let mut next = |at: &str| statement.query_row(params![keeper, at, now.0], |row| row.get::<_, String>(0)).optional();
    let mut found: Vec<String> = Vec::new();
    let (mut at, mut wrapped) = (after.to_owned(), after.is_empty());
    loop {
        match next(&at)? {
            Some(context) if wrapped && !after.is_empty() && context.as_str() > after => return Ok((found, false)),
            Some(_) if found.len() >= QUEUE_CONTEXTS_MAX => return Ok((found, true)),
            Some(context) => {
                at.clone_from(&context);
                found.push(context);
            }
            None if wrapped => return Ok((found, false)),
            None => (at, wrapped) = (String::new(), true),
        }
    }
}

fn queued_row(row: &Row<'_>) -> rusqlite::Result<QueuedRow> {
    Ok(QueuedRow {
        id: TaskId::from_row(row.get(0)?),
        context: address(row, 1)?,
        rev: unsigned(row, 2)?,
        priority: row.get(3)?,
        queued_at: Moment(row.get(4)?),
        not_before: row.get::<_, Option<i64>>(5)?.map(Moment),
        start_by: Moment(row.get(6)?),
    })
}
