//! The journal: steps that begin and end. What they reserve and cost is `super::spending`'s.

use messages::MemoryId;
use messages::step::{Cost, Reserve, StepStatus, What, Work};
use messages::store::StepWrite;
use messages::task::{TaskId, TaskState};
use messages::tool::ToolCall;
use rusqlite::{OptionalExtension as _, params};

use super::{Stop, Tx, conflict, int, json, number, numbered, refused, spending};

const STEP: &str = "SELECT status, reserve FROM step WHERE work = ?1 AND seq = ?2";
const TURN: &str = "SELECT state FROM inbox WHERE id = ?1";
const TASK: &str = "SELECT state FROM task WHERE id = ?1";
const MEMORY: &str = "SELECT ended FROM compaction WHERE work = ?1";
// What is added on a conflict is what an earlier attempt had reserved.
const START: &str = "INSERT INTO step (work, seq, kind, status, attempt, input, micro_usd, started_at, reserve, what)
    VALUES (?1, ?2, ?3, 0, 1, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (work, seq) DO UPDATE SET kind = excluded.kind, status = 0, attempt = attempt + 1,
    input = input + excluded.input, micro_usd = micro_usd + excluded.micro_usd, started_at = excluded.started_at,
    ended_at = NULL, reserve = excluded.reserve, what = excluded.what, gave = ''";
const END: &str = "INSERT INTO step (work, seq, kind, status, attempt, input, output, cached, reasoning, micro_usd,
    started_at, ended_at, model, what, gave) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12, ?13)
    ON CONFLICT (work, seq) DO UPDATE SET kind = excluded.kind, attempt = attempt + (status <> 0), status = excluded.status,
    input = input + excluded.input, output = output + excluded.output, cached = cached + excluded.cached,
    reasoning = reasoning + excluded.reasoning, micro_usd = micro_usd + excluded.micro_usd,
    ended_at = excluded.ended_at, model = CASE excluded.model WHEN '' THEN model ELSE excluded.model END,
    reserve = NULL, what = excluded.what, gave = excluded.gave";

const STALE: &str = "SELECT erasures > erased FROM memory WHERE work = ?1";
const ERASED: &str = "SELECT i.redacted FROM task AS t JOIN inbox AS i ON i.seq = t.seq WHERE t.id = ?1";

/// The message that a task came of was erased: what the task still says while it is being ended must not bring its words
/// back.
pub(super) fn is_erased(tx: &Tx<'_>, task: &TaskId) -> Result<bool, Stop> {
    Ok(tx.prepare(ERASED)?.query_row([task.as_str()], |row| row.get(0)).optional()?.unwrap_or(false))
}

/// A message was erased that the compaction may have been asked about: its answer is not used, and must not bring the words
/// back.
fn is_stale(tx: &Tx<'_>, work: &MemoryId) -> Result<bool, Stop> {
    Ok(tx.prepare(STALE)?.query_row([work.as_str()], |row| row.get(0)).optional()?.unwrap_or(false))
}

pub(super) fn apply(tx: &Tx<'_>, write: &StepWrite) -> Result<(), Stop> {
    match write {
        StepWrite::Start { .. } => start(tx, write),
        StepWrite::End { .. } => end(tx, write),
    }
}

/// A step as it is in the journal.
struct Found {
    status: StepStatus,
    reserve: Option<Reserve>,
}

fn find(tx: &Tx<'_>, work: &Work, seq: u32) -> Result<Option<Found>, Stop> {
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?));
    let Some((status, reserve)) = tx.prepare(STEP)?.query_row(params![work.as_str(), seq], row).optional()? else {
        return Ok(None);
    };
    let reserve = reserve.map(|text| serde_json::from_str(&text)).transpose();
    match (numbered(&StepStatus::ALL, status), reserve) {
        (Some(status), Ok(reserve)) => Ok(Some(Found { status, reserve })),
        _ => conflict(format!("{} can't be read", name(work, seq))),
    }
}

fn name(work: &Work, seq: u32) -> String {
    format!("step {seq} of {}", work.as_str())
}

fn start(tx: &Tx<'_>, write: &StepWrite) -> Result<(), Stop> {
    let StepWrite::Start { work, seq, what, reserve, at } = write else {
        return refused(format!("{} is no StepStart", write.name()));
    };
    check_open(tx, work)?;
    let forfeited = match find(tx, work, *seq)? {
        None => {
            check_before(tx, work, *seq)?;
            None
        }
        Some(found) => {
            check_unfinished(tx, &found, (work, *seq), "begin again")?;
            found.reserve
        }
    };
    if let Some(forfeited) = &forfeited {
        spending::forfeit(tx, forfeited)?;
    }
    if let Some(reserve) = reserve {
        spending::put_aside(tx, reserve)?;
    }
    let (tokens, micro_usd) = forfeited.map_or((0, 0), |reserve| (reserve.tokens, reserve.micro_usd));
    let row = params![
        work.as_str(),
        seq,
        kind(what),
        int("tokens", tokens)?,
        int("micro_usd", micro_usd)?,
        at.0,
        reserve.as_ref().map(|reserve| json("a reserve", reserve)).transpose()?,
        json("a step", what)?,
    ];
    tx.run(START, row)?;
    Ok(())
}

fn end(tx: &Tx<'_>, write: &StepWrite) -> Result<(), Stop> {
    let StepWrite::End { work, seq, what, status, output, cost, at } = write else {
        return refused(format!("{} is no StepEnd", write.name()));
    };
    if *status == StepStatus::Started {
        return refused(format!("{} can't end as started", name(work, *seq)));
    }
    match find(tx, work, *seq)? {
        None => {
            state_of(tx, work)?;
            check_before(tx, work, *seq)?;
        }
        Some(found) => {
            check_unfinished(tx, &found, (work, *seq), "end again")?;
            found.reserve.map_or(Ok(()), |reserve| spending::release(tx, &reserve))?;
        }
    }
    cost.as_ref().map_or(Ok(()), |cost| spending::charge(tx, cost))?;
    let (what, output) = match work {
        Work::Task(task) if is_erased(tx, task)? => (&without_words(what), ""),
        Work::Memory(id) if is_stale(tx, id)? => (what, ""),
        _ => (what, output.as_str()),
    };
    let nothing = Cost::default();
    let cost = cost.as_ref().unwrap_or(&nothing);
    let row = params![
        work.as_str(),
        seq,
        kind(what),
        number(&StepStatus::ALL, *status)?,
        int("tokens", cost.usage.input)?,
        int("tokens", cost.usage.output)?,
        int("tokens", cost.usage.cached)?,
        int("tokens", cost.usage.reasoning)?,
        int("micro_usd", cost.micro_usd)?,
        at.0,
        cost.model,
        json("a step", what)?,
        output,
    ];
    tx.run(END, row)?;
    Ok(())
}

/// What was done, or not allowed, is never done again; nor is what a later step has followed on.
fn check_unfinished(tx: &Tx<'_>, found: &Found, step: (&Work, u32), what: &str) -> Result<(), Stop> {
    let (work, seq) = step;
    let (step, status) = (name(work, seq), found.status.as_str());
    if matches!(found.status, StepStatus::Done | StepStatus::Refused) {
        return conflict(format!("{step} is {status} and can't {what}"));
    }
    let is_followed = seq.checked_add(1).map(|next| find(tx, work, next)).transpose()?.flatten().is_some();
    if is_followed {
        return conflict(format!("{step} is {status} and was followed by another; it can't {what}"));
    }
    Ok(())
}

/// The step before must have ended: there are no gaps, and one goes at a time.
fn check_before(tx: &Tx<'_>, work: &Work, seq: u32) -> Result<(), Stop> {
    let Some(before) = seq.checked_sub(1) else { return Ok(()) };
    let (step, before_it) = (name(work, seq), name(work, before));
    match find(tx, work, before)? {
        None => conflict(format!("{step} does not follow: there is no {before_it}")),
        Some(found) if found.status == StepStatus::Started => {
            conflict(format!("{step} does not follow: {before_it} has not ended"))
        }
        Some(_) => Ok(()),
    }
}

/// A step begins only in a turn that was taken, or a task or compaction that has not ended.
fn check_open(tx: &Tx<'_>, work: &Work) -> Result<(), Stop> {
    let state = state_of(tx, work)?;
    let (is_open, is) = match work {
        Work::Turn(_) => (state == 1, if state == 0 { "waiting" } else { "settled" }),
        Work::Task(_) => match numbered(&TaskState::ALL, state) {
            Some(state) => (!state.is_terminal(), state.as_str()),
            None => (false, "in no known state"),
        },
        Work::Memory(_) => (state == 0, "ended"),
    };
    if is_open { Ok(()) } else { conflict(format!("{} is {is} and can't begin a step", work.as_str())) }
}

fn state_of(tx: &Tx<'_>, work: &Work) -> Result<i64, Stop> {
    let statement = match work {
        Work::Turn(_) => TURN,
        Work::Task(_) => TASK,
        Work::Memory(_) => MEMORY,
    };
    let state = tx.prepare(statement)?.query_row([work.as_str()], |row| row.get(0)).optional()?;
    state.map_or_else(|| conflict(format!("{} does not exist", work.as_str())), Ok)
}

fn without_words(what: &What) -> What {
    match what {
        What::Tool(call) => What::Tool(ToolCall { arguments: String::new(), ..call.clone() }),
        other => other.clone(),
    }
}

fn kind(what: &What) -> i64 {
    match what {
        What::Model => 0,
        What::Tool(_) => 1,
        What::Children => 2,
    }
}
