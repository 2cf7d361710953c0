//! Writes to tasks.

mod post;
mod put;

use messages::store::{TaskMove, TaskWrite};
use messages::task::{TaskState, Wait};
use messages::{Address, Moment, Slug, TaskId};
use rusqlite::{OptionalExtension as _, params};

use super::{Stop, Tx, conflict, int, json, number, numbered, refused};

const HEAD: &str = "SELECT place, ws, state, rev, discarded_by FROM task WHERE id = ?1";
const CLAIM: &str = "UPDATE task SET state = 3, rev = ?2, run = run + 1, epoch = ?3, moved_at = ?4, started_at = ?4,
    start_by = NULL, not_before = NULL WHERE place = ?1";
const MOVE: &str = "UPDATE task SET state = ?2, rev = ?3, wait = ?4, not_before = ?5, priority = ?6, failures = ?7,
    lost = ?8, budget = ?9, reason = ?10, result = ?11, moved_at = ?12, ended_at = ?13,
    start_by = CASE ?2 WHEN 1 THEN min(?12 + start_ms, deadline) END WHERE place = ?1";
// What it was told of a conversation is of no use to it any more.
const FORGET: &str = "UPDATE task_spec SET spec = json_set(spec, '$.memory.text', '', '$.memory.of', json('[]'))
    WHERE place = ?1 AND spec ->> '$.memory.text' <> ''";
// A record that shows words which were erased meanwhile is behind still.
const RECORDED: &str = "UPDATE task SET recorded = ?2 WHERE place = ?1 AND NOT (?3 AND title = '')";
// Its record file is to show it.
const DISCARD: &str = "UPDATE task SET discarded_by = ?2, rev = rev + 1 WHERE place = ?1";

pub(super) fn apply(tx: &Tx<'_>, write: &TaskWrite) -> Result<(), Stop> {
    match write {
        TaskWrite::Put(task) => put::put(tx, task),
        TaskWrite::Claim { task, rev, at } => claim(tx, task, *rev, *at),
        TaskWrite::Move(to) => go(tx, to),
        TaskWrite::Post { .. } => post::post(tx, write),
        TaskWrite::Recorded { task, rev, has_words } => recorded(tx, task, *rev, *has_words),
        TaskWrite::Discard { task, by, at: _ } => discard(tx, task, by),
    }
}

/// What a change of a task is decided on.
struct Head {
    place: i64,
    workspace: String,
    state: TaskState,
    rev: i64,
    discarded_by: Option<String>,
}

fn head(tx: &Tx<'_>, task: &TaskId) -> Result<Head, Stop> {
    let row = |row: &rusqlite::Row<'_>| {
        let (place, workspace, rev, discarded_by) = (row.get(0)?, row.get(1)?, row.get(3)?, row.get(4)?);
        Ok((Head { place, workspace, state: TaskState::Draft, rev, discarded_by }, row.get::<_, i64>(2)?))
    };
    let Some((head, state)) = tx.prepare(HEAD)?.query_row([task.as_str()], row).optional()? else {
        return conflict(format!("task {task} does not exist"));
    };
    match numbered(&TaskState::ALL, state) {
        Some(state) => Ok(Head { state, ..head }),
        None => conflict(format!("task {task} is in state {state}, which is none")),
    }
}

impl Head {
    /// The new revision, if it is the one that follows.
    fn follow(&self, task: &TaskId, rev: u64) -> Result<i64, Stop> {
        let (rev, at) = (int("rev", rev)?, self.rev);
        if rev.checked_sub(1) == Some(at) {
            return Ok(rev);
        }
        conflict(format!("task {task} is at revision {at}; {rev} does not follow"))
    }
}

fn claim(tx: &Tx<'_>, task: &TaskId, rev: u64, at: Moment) -> Result<(), Stop> {
    let head = head(tx, task)?;
    let rev = head.follow(task, rev)?;
    if head.state != TaskState::Queued {
        return conflict(format!("task {task} is {} and can't be claimed", head.state));
    }
    let epoch = int("epoch", epoch(tx, &head.workspace)?)?;
    tx.run(CLAIM, params![head.place, rev, epoch, at.0])?;
    Ok(())
}

/// The epoch under which the commit holds the workspace.
fn epoch(tx: &Tx<'_>, workspace: &str) -> Result<u64, Stop> {
    let unit = Slug::parse(workspace).map(|slug| Address::workspace(&slug));
    let fence = tx.fences.iter().find(|fence| unit.as_ref().is_ok_and(|unit| fence.unit == *unit));
    match fence {
        Some(fence) => Ok(fence.epoch),
        None => refused(format!("a claim needs the fence of ws/{workspace}")),
    }
}

fn go(tx: &Tx<'_>, to: &TaskMove) -> Result<(), Stop> {
    let task = &to.task;
    let head = head(tx, task)?;
    let rev = head.follow(task, to.rev)?;
    if to.to == TaskState::Running {
        return refused(format!("task {task} comes to run by a claim alone"));
    }
    if !head.state.may_become(to.to) {
        return conflict(format!("task {task} is {} and can't become {}", head.state, to.to));
    }
    let wait = match (to.to == TaskState::Waiting, to.wait) {
        (true, None) => return refused(format!("task {task} is to wait for nothing")),
        (true, Some(wait)) => Some(number(&Wait::ALL, wait)?),
        (false, _) => None,
    };
    let ended_at = to.to.is_terminal().then_some(to.at.0);
    let result = if to.result.is_empty() || !super::step::is_erased(tx, task)? { to.result.as_str() } else { "" };
    let row = params![
        head.place,
        number(&TaskState::ALL, to.to)?,
        rev,
        wait,
        to.not_before.map(|at| at.0),
        to.priority,
        to.failures,
        to.lost,
        json("the budget of a task", &to.budget)?,
        to.reason,
        result,
        to.at.0,
        ended_at,
    ];
    tx.run(MOVE, row)?;
    if to.to.is_terminal() {
        tx.run(FORGET, [head.place])?;
    }
    Ok(())
}

/// A record that shows no more than an earlier one changes nothing.
fn recorded(tx: &Tx<'_>, task: &TaskId, rev: u64, has_words: bool) -> Result<(), Stop> {
    let (head, rev) = (head(tx, task)?, int("rev", rev)?);
    if rev > head.rev {
        return conflict(format!("task {task} is at revision {}; its record can't show {rev}", head.rev));
    }
    tx.run(RECORDED, params![head.place, rev, has_words])?;
    Ok(())
}

fn discard(tx: &Tx<'_>, task: &TaskId, by: &str) -> Result<(), Stop> {
    let head = head(tx, task)?;
    if head.state != TaskState::Dead {
        return conflict(format!("task {task} is {} and can't be discarded; only a dead one can", head.state));
    }
    if let Some(first) = head.discarded_by {
        return conflict(format!("task {task} was discarded by {first} before"));
    }
    tx.run(DISCARD, params![head.place, by])?;
    Ok(())
}
