//! The readers: a few threads over one queue. Each query sees one state of the store and never waits for the writer.

mod context;
mod entries;
mod memory;
mod notice;
mod oldest;
#[cfg(test)]
mod plans;
mod rest;
mod retention;
mod rows;
mod spending;
mod task;
mod unfinished;
mod why;
mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};

use messages::store::{PAGE_ROWS_MAX, Query, QueryError, Rows};
use rusqlite::{Connection, Params, Row};
use tokio::sync::oneshot;

use crate::connection;
use crate::core;
use crate::shared::Shared;
use crate::writer::words;

pub(crate) use entries::{entry_rows_of, logs_all};

/// The answer to one query.
pub(crate) type Answer = Result<Rows, QueryError>;

/// One query and who waits for it.
pub(crate) struct Read {
    pub(crate) query: Query,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// Works until all senders of the queue are gone.
pub(crate) fn run(folder: &Path, shared: &Shared, queue: &Mutex<Receiver<Read>>) {
    let mut open = None;
    loop {
        // One reader waits at the queue, the others for their turn to.
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Read { query, answer }) = next else { return };
        shared.queries.fetch_sub(1, Ordering::Relaxed);
        if !answer.is_closed() {
            let found = read(folder, &mut open, &query);
            if let Err(QueryError::Unavailable(why)) = &found {
                shared.unread(why);
            }
            // An asker that has given up meanwhile is no error.
            drop(answer.send(found));
        }
    }
}

/// A connection that failed is not used again.
pub(crate) fn read(folder: &Path, open: &mut Option<Connection>, query: &Query) -> Answer {
    let answer = catch_unwind(AssertUnwindSafe(|| {
        let sql = match open.take() {
            Some(sql) => sql,
            None => connection::reader(folder)?,
        };
        let rows = in_one_view(&sql, query)?;
        Ok::<_, rusqlite::Error>((sql, rows))
    }));
    match answer {
        Ok(Ok((sql, rows))) => {
            *open = Some(sql);
            Ok(rows)
        }
        Ok(Err(error)) => Err(QueryError::Unavailable(core::advice(&error, folder))),
        Err(panic) => Err(QueryError::Unavailable(format!("a reader failed: {}", words(&*panic)))),
    }
}

fn in_one_view(sql: &Connection, query: &Query) -> rusqlite::Result<Rows> {
    sql.prepare_cached("BEGIN")?.execute([])?;
    let rows = answer(sql, query)?;
    sql.prepare_cached("COMMIT")?.execute([])?;
    Ok(rows)
}

pub(crate) fn answer(sql: &Connection, query: &Query) -> rusqlite::Result<Rows> {
    match query {
        Query::Context { context, tail } => context::context(sql, context, page(*tail)),
        Query::Work { context, limit } => work::work(sql, context, page(*limit)),
        Query::Lane { chat } => work::lane(sql, chat),
        Query::Entries { log, from, limit } => entries::entries(sql, log, *from, page(*limit)),
        Query::Logs { context, limit } => context::logs(sql, context, page(*limit)),
        Query::EntriesOf { seq } => entries::entries_of(sql, *seq),
        Query::Unfinished { after, limit } => unfinished::unfinished(sql, after.as_ref(), page(*limit)),
        Query::Due { now, after, limit } => rest::due(sql, *now, after.as_ref(), page(*limit)),
        Query::NextDue => rest::next_due(sql),
        Query::Why { context, prefix } => why::why(sql, context, prefix),
        Query::Task { task } => task::task(sql, task),
        Query::Memory { context } => memory::memory(sql, context),
        Query::Queue { workspace, after, now, slots } => task::queue(sql, workspace, after.as_ref(), (*now, *slots)),
        Query::Unrecorded { workspace, quiet_since, limit } => task::unrecorded(sql, workspace, *quiet_since, *limit),
        Query::Tasks { .. } => task::tasks(sql, query),
        Query::FindTask { workspace, context, prefix } => task::find(sql, (workspace, context.as_ref()), prefix),
        Query::Spending { from, to, account, limit } => spending::spending(sql, (*from, *to), account, page(*limit)),
        Query::Inbound { ids } => rest::inbound(sql, ids),
        Query::Erased { ids } => retention::erased(sql, ids),
        Query::Retention { events_before, audit_before } => retention::retention(sql, *events_before, *audit_before),
        Query::PastTime { events_before, audit_before } => retention::past_time(sql, *events_before, *audit_before),
        Query::Forgetting { id } => retention::forgetting(sql, *id),
        Query::WordsOf { person, workspace, after } => retention::words_of(sql, person, workspace.as_ref(), *after),
        Query::Counts => rest::counts(sql),
        Query::Oldest { doubts_from, doubts_to } => oldest::oldest(sql, *doubts_from, *doubts_to),
        Query::Notices { chat } => notice::notices(sql, chat),
        Query::Unit { unit } => rest::unit(sql, unit),
        Query::Generation => rest::generation(sql),
        Query::Units { after, limit } => rest::units(sql, after.as_ref(), page(*limit)),
        Query::Audit { after, last, limit } => rest::audit(sql, *after, *last, page(*limit)),
    }
}

fn page(limit: u32) -> u32 {
    limit.min(PAGE_ROWS_MAX)
}

/// All rows of a statement; its LIMIT bounds them.
fn all<T>(
    sql: &Connection,
    statement: &str,
    params: impl Params,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    sql.prepare_cached(statement)?.query_map(params, row)?.collect()
}
