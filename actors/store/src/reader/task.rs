//! All that a task opens from, and that its record file shows.

mod list;
mod queue;
mod rows;

use messages::store::{PAGE_ROWS_MAX, Rows, StepRow, TaskRow, TaskRows};
use messages::task::TaskState;
use messages::{Address, Moment, Slug, TaskId};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::unsigned;
use super::{all, spending};
pub(super) use list::{find, of_inbox, tasks};
pub(super) use queue::queue;
use rows::{numbered, select_step, select_task, select_view, spent, step, task_row, view};

#[cfg(test)]
pub(super) use {
    list::{ALL, IDS, OF_CONTEXT, OF_INBOX, OF_ROOT, OPEN},
    queue::{CONTEXTS, LATE, NEXT_BY, NEXT_FROM, QUEUED, SLOTS, UNRECORDED_COUNT},
    rows::SPENT,
};

/// The most tasks that `Query::Unrecorded` gives.
const RECORDS_MAX: u32 = 256;

pub(super) const TASK: &str = select_task!("task AS t", "WHERE t.id = ?1");
pub(super) const STEPS: &str = select_step!("WHERE work = ?1 ORDER BY seq LIMIT ?2");
pub(super) const CHILDREN: &str =
    select_view!("task AS t INDEXED BY task_of_parent", "WHERE t.parent = ?1 ORDER BY t.place LIMIT ?2");
pub(super) const BELOW: &str =
    "SELECT count(*) FROM task INDEXED BY task_of_root WHERE root = ?1 AND parent IS NOT NULL";
// A task of another context is as one that is not there: it is waited for by nobody, and nobody is told how it stands.
pub(super) const NEEDS: &str = "SELECT n.id, n.state FROM depends AS d CROSS JOIN task AS n ON n.id = d.needs
    WHERE d.task = ?1 AND n.ctx = ?2 ORDER BY d.needs LIMIT ?3";
pub(super) const NEEDED_BY: &str = "SELECT t.id FROM depends AS d INDEXED BY depends_needs
    CROSS JOIN task AS t ON t.id = d.task WHERE d.needs = ?1 AND t.ctx = ?2 AND t.state < 6 ORDER BY d.task LIMIT ?3";
const STATE: &str = "SELECT state FROM task WHERE id = ?1";
const EPOCH: &str = "SELECT epoch FROM unit WHERE unit = ?1";
pub(super) const UNRECORDED: &str = select_task!(
    "task AS t INDEXED BY task_unrecorded",
    "WHERE t.recorded < t.rev AND t.keeper = ?1 AND t.moved_at <= ?2 ORDER BY t.place LIMIT ?3"
);

pub(super) fn task(sql: &Connection, task: &TaskId) -> rusqlite::Result<Rows> {
    let row = sql.prepare_cached(TASK)?.query_row([task.as_str()], task_row).optional()?;
    row.map(|row| whole(sql, row).map(Box::new)).transpose().map(Rows::Task)
}

pub(super) fn unrecorded(
    sql: &Connection,
    workspace: &Slug,
    quiet_since: Moment,
    limit: u32,
) -> rusqlite::Result<Rows> {
    let keeper = Address::of_workspace(workspace);
    let rows = all(sql, UNRECORDED, params![keeper.as_str(), quiet_since.0, limit.min(RECORDS_MAX)], task_row)?;
    rows.into_iter().map(|row| whole(sql, row)).collect::<Result<_, _>>().map(Rows::Records)
}

/// The journal of a turn or a task.
pub(super) fn steps(sql: &Connection, work: &str) -> rusqlite::Result<Vec<StepRow>> {
    all(sql, STEPS, params![work, PAGE_ROWS_MAX], step)
}

fn whole(sql: &Connection, task: TaskRow) -> rusqlite::Result<TaskRows> {
    let (id, context) = (task.id.as_str(), task.context.as_str());
    let mut children = all(sql, CHILDREN, params![id, PAGE_ROWS_MAX], view)?;
    for child in &mut children {
        child.spent = spent(sql, &child.id)?;
    }
    let state = |row: &rusqlite::Row<'_>, at| numbered(row, at, &TaskState::ALL);
    let needs = |row: &rusqlite::Row<'_>| Ok((TaskId::from_row(row.get(0)?), state(row, 1)?));
    let of = params![id, context, PAGE_ROWS_MAX];
    let parent = match &task.parent {
        Some(parent) => sql.prepare_cached(STATE)?.query_row([parent.as_str()], |row| state(row, 0)).optional()?,
        None => None,
    };
    Ok(TaskRows {
        steps: steps(sql, id)?,
        children,
        descendants: sql.prepare_cached(BELOW)?.query_row([task.root.as_str()], |row| row.get(0))?,
        depends_on: all(sql, NEEDS, of, needs)?,
        dependents: all(sql, NEEDED_BY, of, |row| row.get(0).map(TaskId::from_row))?,
        parent,
        epoch: epoch(sql, &task.workspace)?,
        spending: spending::latest(sql, &task.context)?,
        task,
    })
}

/// 0 when nobody ever held the workspace.
fn epoch(sql: &Connection, workspace: &Slug) -> rusqlite::Result<u64> {
    let unit = Address::workspace(workspace);
    let epoch = sql.prepare_cached(EPOCH)?.query_row([unit.as_str()], |row| unsigned(row, 0)).optional()?;
    Ok(epoch.unwrap_or(0))
}
