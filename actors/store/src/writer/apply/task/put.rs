//! A new task.

use messages::TaskId;
use messages::task::{CHILDREN_MAX, DEPTH_MAX, DESCENDANTS_MAX, NewTask, Remembered, TaskSpec, TaskState};
use rusqlite::{OptionalExtension as _, params};

use super::super::outbox::check_context;
use super::super::{Stop, Tx, conflict, json, number, numbered, refused};

/// Milliseconds of a second, and the longest wait for a slot that is written: some 30,000 years.
const SECOND_MS: u64 = 1_000;
const START_MS_MAX: i64 = 1_000_000_000_000_000;

const FIND: &str = "SELECT ws, key FROM task WHERE id = ?1";
const PARENT: &str = "SELECT ws, root, depth, state, ctx, seq FROM task WHERE id = ?1";
const CHILDREN: &str = "SELECT count(*) FROM task INDEXED BY task_of_parent WHERE parent = ?1";
const BELOW: &str = "SELECT count(*) FROM task INDEXED BY task_of_root WHERE root = ?1 AND parent IS NOT NULL";
const PUT: &str = "INSERT INTO task (id, key, ws, ctx, seq, trace, parent, root, depth, state, priority, rev, budget,
    start_ms, start_by, created_at, moved_at, deadline, ended_at, title)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, ?12, ?13, ?14, ?15, ?15, ?16, ?17, ?18)";
const SPEC: &str = "INSERT INTO task_spec (place, spec) VALUES (?1, ?2)";
const STALE: &str =
    "SELECT 1 FROM json_each(?1) AS of CROSS JOIN inbox AS i ON i.id = of.value WHERE i.redacted = 1 LIMIT 1";
const DEPENDS: &str = "INSERT INTO depends (task, needs) VALUES (?1, ?2) ON CONFLICT (task, needs) DO NOTHING";

pub(super) fn put(tx: &Tx<'_>, task: &NewTask) -> Result<(), Stop> {
    if is_there(tx, task)? {
        return Ok(());
    }
    check_context(tx, task.seq, &task.context)?;
    if task.depth > DEPTH_MAX {
        return conflict(format!("task {} would be {} subtasks deep; at most {DEPTH_MAX}", task.id, task.depth));
    }
    if let Some(parent) = &task.parent {
        check_parent(tx, task, parent)?;
    }
    insert(tx, task)?;
    for needs in &task.spec.depends_on {
        tx.run(DEPENDS, params![task.id.as_str(), needs.as_str()])?;
    }
    Ok(())
}

/// The same key was put before.
fn is_there(tx: &Tx<'_>, task: &NewTask) -> Result<bool, Stop> {
    let same = |row: &rusqlite::Row<'_>| {
        Ok(row.get_ref(0)?.as_str()? == task.workspace.as_str() && row.get_ref(1)?.as_str()? == task.key)
    };
    match tx.prepare(FIND)?.query_row([task.id.as_str()], same).optional()? {
        None => Ok(false),
        Some(true) => Ok(true),
        Some(false) => conflict(format!("the id {} is another task's", task.id)),
    }
}

/// A subtask stands where its parent does: same workspace, same context, same event, one deeper.
fn check_parent(tx: &Tx<'_>, task: &NewTask, parent: &TaskId) -> Result<(), Stop> {
    let (id, workspace, context) = (&task.id, task.workspace.as_str(), task.context.as_str());
    let row = |row: &rusqlite::Row<'_>| {
        let fits = row.get_ref(0)?.as_str()? == workspace
            && row.get_ref(1)?.as_str()? == task.root.as_str()
            && row.get::<_, u32>(2)?.checked_add(1) == Some(task.depth)
            && row.get_ref(4)?.as_str()? == context
            && row.get::<_, i64>(5)? == task.seq;
        Ok((fits, row.get::<_, i64>(3)?))
    };
    let Some((fits, state)) = tx.prepare(PARENT)?.query_row([parent.as_str()], row).optional()? else {
        return conflict(format!("task {parent}, which {id} is to be a subtask of, does not exist"));
    };
    if !fits {
        return refused(format!("task {id} does not stand below {parent}: workspace, context, event, root or depth"));
    }
    if numbered(&TaskState::ALL, state).is_none_or(TaskState::is_terminal) {
        return conflict(format!("task {parent} has ended and can't have a new subtask"));
    }
    let count = |statement, of: &TaskId| tx.prepare(statement)?.query_row([of.as_str()], |row| row.get::<_, u32>(0));
    if count(CHILDREN, parent)? >= CHILDREN_MAX {
        return conflict(format!("task {parent} has {CHILDREN_MAX} subtasks, which is the most"));
    }
    let root = &task.root;
    if count(BELOW, root)? >= DESCENDANTS_MAX {
        return conflict(format!("task {root} has {DESCENDANTS_MAX} subtasks below it, which is the most"));
    }
    Ok(())
}

fn insert(tx: &Tx<'_>, task: &NewTask) -> Result<(), Stop> {
    let start_ms = task.spec.limits.schedule_to_start_s.saturating_mul(SECOND_MS);
    let start_ms = i64::try_from(start_ms).unwrap_or(START_MS_MAX).min(START_MS_MAX);
    let start_by = task.at.plus_ms(start_ms).min(task.deadline);
    tx.run(
        PUT,
        params![
            task.id.as_str(),
            task.key,
            task.workspace.as_str(),
            task.context.as_str(),
            task.seq,
            task.trace.0,
            task.parent.as_ref().map(TaskId::as_str),
            task.root.as_str(),
            task.depth,
            number(&TaskState::ALL, task.state)?,
            task.priority,
            json("the budget of a task", &task.budget)?,
            start_ms,
            (task.state == TaskState::Queued).then_some(start_by.0),
            task.at.0,
            task.deadline.0,
            task.state.is_terminal().then_some(task.at.0),
            task.spec.title,
        ],
    )?;
    let place = tx.sql.last_insert_rowid();
    let mut spec = json("the spec of a task", &task.spec)?;
    // A message may have been erased since whoever made the task last looked.
    let of = &task.spec.memory.of;
    if !of.is_empty() && tx.prepare(STALE)?.exists([json("where a memory came from", of)?])? {
        spec = json("the spec of a task", &TaskSpec { memory: Remembered::default(), ..task.spec.clone() })?;
    }
    tx.run(SPEC, params![place, spec])?;
    Ok(())
}
