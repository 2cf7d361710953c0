//! Tasks in short: lists for people, one by a prefix of its id, those of one event.

use std::collections::BTreeSet;

use messages::store::{PAGE_ROWS_MAX, Query, Rows, TaskFound, TaskView};
use messages::{Address, InboundId, Slug, TaskId};
use rusqlite::{Connection, Params, params};

use super::rows::{select_task, select_view, spent, task_row, view};
use super::whole;
use crate::reader::{all, page};

/// An ambiguous prefix is answered with so many ids.
const IDS_MAX: u32 = 8;

pub(in crate::reader) const ALL: &str = select_view!(
    "task AS t INDEXED BY task_of_workspace",
    "WHERE t.ws = ?1 AND (?2 IS NULL OR t.ctx = ?2) AND t.place < ?3 ORDER BY t.place DESC LIMIT ?4"
);
pub(in crate::reader) const OF_CONTEXT: &str = select_view!(
    "task AS t INDEXED BY task_of_context",
    "WHERE t.ws = ?1 AND t.ctx = ?2 AND t.place < ?3 ORDER BY t.place DESC LIMIT ?4"
);
pub(in crate::reader) const OPEN: &str = select_view!(
    "task AS t INDEXED BY task_shown",
    "WHERE t.ws = ?1 AND (?2 IS NULL OR t.ctx = ?2) AND t.place < ?3 \
     AND (t.state < 6 OR (t.state = 11 AND t.discarded_by IS NULL)) ORDER BY t.place DESC LIMIT ?4"
);
pub(in crate::reader) const OF_INBOX: &str =
    select_view!("task AS t INDEXED BY task_of_inbox", "WHERE t.seq = ?1 ORDER BY t.place LIMIT ?2");
// The index of workspaces would have to be sorted.
pub(in crate::reader) const IDS: &str = "SELECT id FROM task WHERE id >= ?1 AND id < ?2 AND +ws = ?3
    AND (?4 IS NULL OR +ctx = ?4) ORDER BY id LIMIT ?5";
pub(in crate::reader) const OF_ROOT: &str = select_view!(
    "task AS t INDEXED BY task_of_root",
    "WHERE t.root = ?1 AND t.parent IS NOT NULL ORDER BY t.place LIMIT ?2"
);
const ROW: &str = select_task!("task AS t", "WHERE t.id = ?1");

/// Answers `Query::Tasks`.
pub(in crate::reader) fn tasks(sql: &Connection, query: &Query) -> rusqlite::Result<Rows> {
    let Query::Tasks { workspace, context, open, before, limit } = query else {
        return Ok(Rows::Tasks(Vec::new()));
    };
    let statement = match (open, context) {
        (true, _) => OPEN,
        (false, Some(_)) => OF_CONTEXT,
        (false, None) => ALL,
    };
    let context = context.as_ref().map(Address::as_str);
    let of = params![workspace.as_str(), context, before.unwrap_or(i64::MAX), page(*limit)];
    views(sql, statement, of).map(Rows::Tasks)
}

/// Tasks that came of one event, oldest first.
pub(in crate::reader) fn of_inbox(sql: &Connection, seq: i64, limit: u32) -> rusqlite::Result<Vec<TaskView>> {
    views(sql, OF_INBOX, params![seq, limit])
}

fn views(sql: &Connection, statement: &str, of: impl Params) -> rusqlite::Result<Vec<TaskView>> {
    let mut views = all(sql, statement, of, view)?;
    for view in &mut views {
        view.spent = spent(sql, &view.id)?;
    }
    Ok(views)
}

/// Answers `Query::FindTask`; `place`: the workspace, and the context if only its tasks are looked at.
pub(in crate::reader) fn find(
    sql: &Connection,
    place: (&Slug, Option<&Address>),
    prefix: &str,
) -> rusqlite::Result<Rows> {
    if prefix.len() < "tsk_".len() + InboundId::PREFIX_MIN {
        return Ok(Rows::TaskFound(TaskFound::Unknown));
    }
    // All characters of ids are below this one.
    let end = format!("{prefix}\u{7f}");
    let of = params![prefix, end, place.0.as_str(), place.1.map(Address::as_str), IDS_MAX];
    let found = all(sql, IDS, of, |row| row.get(0).map(TaskId::from_row))?;
    Ok(Rows::TaskFound(match found.as_slice() {
        [] => TaskFound::Unknown,
        [id] => {
            let row = sql.prepare_cached(ROW)?.query_row([id.as_str()], task_row)?;
            let below = below(sql, &row.root, id)?;
            TaskFound::Found(Box::new(whole(sql, row)?), below)
        }
        _ => TaskFound::Ambiguous(found),
    }))
}

/// All below a task, in order of their making: a parent comes before its subtasks.
fn below(sql: &Connection, root: &TaskId, task: &TaskId) -> rusqlite::Result<Vec<TaskView>> {
    let mut line = BTreeSet::from([task.clone()]);
    let mut below = views(sql, OF_ROOT, params![root.as_str(), PAGE_ROWS_MAX])?;
    below.retain(|view| {
        view.parent.as_ref().is_some_and(|parent| line.contains(parent)) && line.insert(view.id.clone())
    });
    Ok(below)
}
