//! From columns to tasks, steps and views. The column lists and their readers stand side by side.

use messages::step::{StepStatus, Usage};
use messages::store::{StepRow, TaskRow, TaskView};
use messages::task::{Spent, TaskState, Wait};
use messages::{InboundId, Moment, Slug, TaskId, Trace};
use rusqlite::{Connection, Row};

use crate::reader::rows::{address, json, unreadable, unsigned};

/// `SELECT` of whole tasks from `task AS t` with what follows, and the event each came of as `i`.
macro_rules! select_task {
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT t.id, t.key, t.ws, t.ctx, t.seq, i.id, t.trace, t.parent, t.root, t.depth, t.state, t.wait, ",
            "t.priority, t.rev, t.run, t.epoch, t.failures, t.lost, w.spec, t.budget, t.reason, t.result, ",
            "t.not_before, t.created_at, t.moved_at, t.started_at, t.deadline, t.ended_at, t.discarded_by, ",
            "t.recorded FROM ",
            $from,
            " CROSS JOIN inbox AS i ON i.seq = t.seq CROSS JOIN task_spec AS w ON w.place = t.place ",
            $rest
        )
    };
}

/// `SELECT` of tasks in short from `task AS t` with what follows.
macro_rules! select_view {
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT t.id, t.parent, t.ctx, t.title, t.state, t.wait, t.reason, t.result, t.budget, t.place, ",
            "t.created_at, t.ended_at, t.discarded_by, t.not_before FROM ",
            $from,
            " ",
            $rest
        )
    };
}

/// `SELECT` of steps with what follows.
macro_rules! select_step {
    ($rest:literal) => {
        concat!(
            "SELECT seq, what, status, attempt, gave, model, input, output, cached, reasoning, micro_usd, reserve, ",
            "started_at, ended_at FROM step ",
            $rest
        )
    };
}

pub(super) use {select_step, select_task, select_view};

/// What a task and all below it have used.
pub(in crate::reader) const SPENT: &str = "WITH RECURSIVE below (id) AS (VALUES (?1) UNION ALL
    SELECT t.id FROM below CROSS JOIN task AS t INDEXED BY task_of_parent ON t.parent = below.id)
    SELECT coalesce(sum(s.micro_usd), 0), coalesce(sum(s.input), 0), coalesce(sum(s.output), 0),
    coalesce(sum(s.kind = 1 AND s.status IN (1, 2)), 0)
    FROM below CROSS JOIN step AS s ON s.work = below.id";

pub(super) fn task_row(row: &Row<'_>) -> rusqlite::Result<TaskRow> {
    Ok(TaskRow {
        id: TaskId::from_row(row.get(0)?),
        key: row.get(1)?,
        workspace: Slug::parse(row.get_ref(2)?.as_str()?).map_err(|bad| unreadable(2, bad.to_string()))?,
        context: address(row, 3)?,
        seq: row.get(4)?,
        inbound: InboundId::from_row(row.get(5)?),
        trace: Trace(row.get(6)?),
        parent: row.get::<_, Option<String>>(7)?.map(TaskId::from_row),
        root: TaskId::from_row(row.get(8)?),
        depth: row.get(9)?,
        state: numbered(row, 10, &TaskState::ALL)?,
        wait: wait(row, 11)?,
        priority: row.get(12)?,
        rev: unsigned(row, 13)?,
        run: row.get(14)?,
        epoch: unsigned(row, 15)?,
        failures: row.get(16)?,
        lost: row.get(17)?,
        spec: json(18, row.get_ref(18)?.as_str()?)?,
        budget: json(19, row.get_ref(19)?.as_str()?)?,
        reason: row.get(20)?,
        result: row.get(21)?,
        not_before: moment(row, 22)?,
        created_at: Moment(row.get(23)?),
        moved_at: Moment(row.get(24)?),
        started_at: moment(row, 25)?,
        deadline: Moment(row.get(26)?),
        ended_at: moment(row, 27)?,
        discarded_by: row.get(28)?,
        recorded: unsigned(row, 29)?,
    })
}

/// Without what was spent: that is another read, [`spent`].
pub(super) fn view(row: &Row<'_>) -> rusqlite::Result<TaskView> {
    Ok(TaskView {
        id: TaskId::from_row(row.get(0)?),
        parent: row.get::<_, Option<String>>(1)?.map(TaskId::from_row),
        context: address(row, 2)?,
        title: row.get(3)?,
        state: numbered(row, 4, &TaskState::ALL)?,
        wait: wait(row, 5)?,
        reason: row.get(6)?,
        result: row.get(7)?,
        budget: json(8, row.get_ref(8)?.as_str()?)?,
        spent: Spent::default(),
        place: row.get(9)?,
        created_at: Moment(row.get(10)?),
        ended_at: moment(row, 11)?,
        discarded_by: row.get(12)?,
        not_before: moment(row, 13)?,
    })
}

pub(super) fn step(row: &Row<'_>) -> rusqlite::Result<StepRow> {
    let reserve = row.get_ref(11)?.as_str_or_null()?.map(|text| json(11, text));
    Ok(StepRow {
        seq: row.get(0)?,
        what: json(1, row.get_ref(1)?.as_str()?)?,
        status: numbered(row, 2, &StepStatus::ALL)?,
        attempt: row.get(3)?,
        output: row.get(4)?,
        model: row.get(5)?,
        usage: Usage {
            input: unsigned(row, 6)?,
            output: unsigned(row, 7)?,
            cached: unsigned(row, 8)?,
            reasoning: unsigned(row, 9)?,
        },
        micro_usd: unsigned(row, 10)?,
        reserve: reserve.transpose()?,
        started_at: Moment(row.get(12)?),
        ended_at: moment(row, 13)?,
    })
}

pub(super) fn spent(sql: &Connection, task: &TaskId) -> rusqlite::Result<Spent> {
    sql.prepare_cached(SPENT)?.query_row([task.as_str()], |row| {
        Ok(Spent {
            micro_usd: unsigned(row, 0)?,
            input_tokens: unsigned(row, 1)?,
            output_tokens: unsigned(row, 2)?,
            tool_calls: row.get(3)?,
        })
    })
}

/// One of a list of the vocabulary, by its number.
pub(super) fn numbered<T: Copy>(row: &Row<'_>, index: usize, all: &[T]) -> rusqlite::Result<T> {
    let number: i64 = row.get(index)?;
    let one = usize::try_from(number).ok().and_then(|place| all.get(place).copied());
    one.ok_or_else(|| unreadable(index, format!("{number} is none of {}", all.len())))
}

fn wait(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Wait>> {
    let wait: Option<i64> = row.get(index)?;
    wait.map(|_| numbered(row, index, &Wait::ALL)).transpose()
}

fn moment(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Moment>> {
    Ok(row.get::<_, Option<i64>>(index)?.map(Moment))
}
