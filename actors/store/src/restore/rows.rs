//! What becomes of each kind of row, within the one transaction of a restore.

use messages::step::{Cost, Reserve, StepStatus, Usage, What, Work};
use messages::store::{Committed, StepWrite, Write};
use messages::turn::Outcome;
use messages::{Address, InboundId, Moment};
use rusqlite::{Row, params};

use crate::writer::{Stop, Tx, apply, sign_chain};

/// Events that are read at a time.
const PAGE: i64 = 512;
/// A reply that its context has still to look at: it settles the event by how the reply's delivery stands.
macro_rules! has_reply {
    () => {
        "EXISTS (SELECT 1 FROM outbox AS o WHERE o.seq = i.seq AND o.task IS NULL AND o.outcome IS NOT NULL
        AND o.logged = 0)"
    };
}
// 2: a delete.
const OPEN: &str = concat!(
    "SELECT i.seq, i.id FROM inbox AS i NOT INDEXED WHERE i.state < 2 AND i.seq > ?1 AND i.kind <> 2 AND NOT ",
    has_reply!(),
    " ORDER BY i.seq LIMIT ?2"
);
const STEPS: &str = "SELECT seq, what, reserve FROM step WHERE work = ?1 AND status = 0";
// An attempt of the store of before, as far as this one knows.
const REPLIES: &str = "UPDATE outbox SET attempt = CASE state WHEN 0 THEN attempt + 1 ELSE attempt END,
    attempted_at = CASE state WHEN 0 THEN ?1 ELSE attempted_at END, state = 4, not_before = NULL, error = ?2, ended_at = ?1
    WHERE state < 2";
const TASKS: &str = "UPDATE task SET state = 4, wait = 5, rev = rev + 1, run = max(run, 1), start_by = NULL,
    not_before = NULL, reason = ?2, moved_at = ?1, started_at = coalesce(started_at, ?1) WHERE state BETWEEN 1 AND 5";
const IN_DOUBT: &str = "SELECT place, id, address FROM task WHERE state = 4 AND place > ?1 ORDER BY place LIMIT ?2";
const NO_TIMERS: &str = "DELETE FROM timer";
const DEADLINES: &str =
    "INSERT INTO timer (entity, name, due) SELECT address, 'deadline', deadline FROM task WHERE state = 4";
const EPOCHS: &str = "UPDATE unit SET epoch = max(epoch, ?1) + 1";
const EPOCHS_FROM: &str = "INSERT INTO meta (key, value) VALUES ('epochs_from', ?1)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value";

/// When, and what rows say of it.
pub(super) struct At<'a> {
    pub(super) at: Moment,
    pub(super) reason: &'a str,
}

/// Replies and words of tasks that were on their way are in doubt.
pub(super) fn outbox(tx: &Tx<'_>, at: &At<'_>) -> Result<u64, Stop> {
    Ok(count(tx.run(REPLIES, params![at.at.0, at.reason])?))
}

/// Events without a reply are settled as in doubt, each with its record.
pub(super) fn inbox(tx: &mut Tx<'_>, at: &At<'_>) -> Result<u64, Stop> {
    let (mut after, mut settled) = (0, 0);
    loop {
        let page = page(tx, OPEN, after, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let Some((last, _)) = page.last() else { return Ok(settled) };
        after = *last;
        for (seq, id) in page {
            settle(tx, (seq, &InboundId::from_row(id)), at)?;
            settled += 1;
        }
    }
}

fn settle(tx: &mut Tx<'_>, (seq, id): (i64, &InboundId), at: &At<'_>) -> Result<(), Stop> {
    for write in steps(tx, &Work::Turn(id.clone()), at)? {
        record(tx, &write)?;
    }
    let (outcome, reason) = (Outcome::InDoubt, at.reason.to_owned());
    record(tx, &Write::InboxSettle { seq, outcome, reason, at: at.at })?;
    let detail = serde_json::json!({ "outcome": outcome.as_str(), "delivery": "", "restored": true });
    record(tx, &audit("turn.settled", id.as_str(), detail.to_string(), at.at))
}

/// The ends of the steps of a turn that had begun: what was put aside for a call is spent, as it may have been used.
fn steps(tx: &Tx<'_>, work: &Work, at: &At<'_>) -> Result<Vec<Write>, Stop> {
    let row = |row: &Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?));
    let open = tx.prepare(STEPS)?.query_map([work.as_str()], row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let ends = open.into_iter().map(|(seq, what, reserve)| {
        let what = serde_json::from_str(&what).unwrap_or(What::Model);
        let reserve = reserve.and_then(|text| serde_json::from_str::<Reserve>(&text).ok());
        let (work, output) = (work.clone(), at.reason.to_owned());
        let cost = reserve.map(spent);
        Write::Step(Box::new(StepWrite::End { work, seq, what, status: StepStatus::Unknown, output, cost, at: at.at }))
    });
    Ok(ends.collect())
}

fn spent(reserve: Reserve) -> Cost {
    let accounts = reserve.limits.into_iter().map(|limit| limit.account).collect();
    let usage = Usage { input: reserve.tokens, ..Usage::default() };
    Cost { day: reserve.day, accounts, model: String::new(), usage, micro_usd: reserve.micro_usd }
}

/// Tasks that had not ended wait for a person. Dates are gone but for their deadlines.
pub(super) fn tasks(tx: &mut Tx<'_>, at: &At<'_>) -> Result<u64, Stop> {
    let waiting = count(tx.run(TASKS, params![at.at.0, at.reason])?);
    tx.run(NO_TIMERS, [])?;
    tx.run(DEADLINES, [])?;
    let mut after = 0;
    loop {
        let page = page(tx, IN_DOUBT, after, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let Some((last, _)) = page.last() else { return Ok(waiting) };
        after = *last;
        for (_, id) in page {
            let detail = serde_json::json!({ "wait": "in_doubt", "restored": true });
            record(tx, &audit("task.waiting", &id, detail.to_string(), at.at))?;
        }
    }
}

/// Every unit's epoch is above `from`, and so is the first of a unit that was never held.
pub(super) fn epochs(tx: &Tx<'_>, from: i64) -> Result<(), Stop> {
    tx.run(EPOCHS, [from])?;
    tx.run(EPOCHS_FROM, [from])?;
    Ok(())
}

fn audit(action: &str, subject: &str, detail: String, at: Moment) -> Write {
    let (actor, principal, rules) = (Address::fixed("store"), String::new(), Vec::new());
    Write::Audit { at, actor, principal, action: action.to_owned(), subject: subject.to_owned(), rules, detail }
}

/// One write, as the writer does it.
pub(super) fn record(tx: &mut Tx<'_>, write: &Write) -> Result<(), Stop> {
    apply(tx, write, &mut Committed::default())
}

/// Signs where the chain stands.
pub(super) fn sign(tx: &mut Tx<'_>) -> Result<(), Stop> {
    Ok(sign_chain(tx)?)
}

fn page<T>(
    tx: &Tx<'_>,
    statement: &str,
    after: i64,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Stop> {
    Ok(tx.prepare(statement)?.query_map(params![after, PAGE], row)?.collect::<rusqlite::Result<_>>()?)
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
