//! Writes to the outbox.

use messages::Address;
use messages::store::Write;
use rusqlite::{OptionalExtension as _, params};

use super::{Stop, Tx, conflict, refused};

const OF: &str = "SELECT ctx FROM inbox WHERE seq = ?1";
const OF_TASK: &str = "SELECT task FROM outbox WHERE seq = ?1 AND n = ?2";
const PUT: &str = "INSERT INTO outbox (seq, n, ctx, connector, chat, text, sources, outcome, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (seq, n) DO NOTHING";
const SENDING: &str = "UPDATE outbox SET state = 1, attempt = attempt + 1, attempted_at = ?2, not_before = NULL WHERE id = ?1 AND state = 0";
const SENT: &str = "UPDATE outbox SET state = 2, platform_id = ?2, ended_at = ?3 WHERE id = ?1 AND state = 1";
const RETRY: &str = "UPDATE outbox SET state = 0, not_before = ?2, error = ?3 WHERE id = ?1 AND state = 1";
const FAILED: &str = "UPDATE outbox SET state = 3, error = ?2, ended_at = ?3 WHERE id = ?1 AND state < 2";
const DOUBT: &str = "UPDATE outbox SET state = 4, error = ?2, ended_at = ?3 WHERE id = ?1 AND state = 1";
const LOGGED: &str = "UPDATE outbox SET logged = 1 WHERE id = ?1 AND state >= 2 AND logged = 0";
const STATE: &str = "SELECT state, logged FROM outbox WHERE id = ?1";

pub(super) fn apply(tx: &Tx<'_>, write: &Write) -> Result<(), Stop> {
    let (changed, id, what) = match write {
        Write::OutboxPut { .. } => return put(tx, write),
        Write::OutboxSending { id, at } => (tx.run(SENDING, params![id, at.0])?, id, "be sent"),
        Write::OutboxSent { id, platform_id, at } => {
            (tx.run(SENT, params![id, platform_id, at.0])?, id, "have been delivered")
        }
        Write::OutboxRetry { id, not_before, error } => {
            (tx.run(RETRY, params![id, not_before.0, error])?, id, "be tried again")
        }
        Write::OutboxFailed { id, error, at } => (tx.run(FAILED, params![id, error, at.0])?, id, "fail"),
        Write::OutboxDoubt { id, error, at } => (tx.run(DOUBT, params![id, error, at.0])?, id, "be in doubt"),
        Write::OutboxLogged { id } => (tx.run(LOGGED, [id])?, id, "be logged"),
        _ => return refused(format!("{} is no write to the outbox", write.name())),
    };
    expect(tx, changed, *id, what)
}

fn put(tx: &Tx<'_>, write: &Write) -> Result<(), Stop> {
    let Write::OutboxPut { seq, n, context, chat, text, sources, outcome, at } = write else {
        return refused(format!("{} is no OutboxPut", write.name()));
    };
    check_context(tx, *seq, context)?;
    let Ok(sources) = serde_json::to_string(sources) else {
        return refused(format!("the sources of a reply to inbox row {seq} can't be written as JSON"));
    };
    let added = tx.run(
        PUT,
        params![
            seq,
            n,
            context.as_str(),
            chat.connector,
            chat.chat,
            text,
            sources,
            outcome.map(messages::turn::Outcome::as_str),
            at.0,
        ],
    )?;
    if added == 1 { Ok(()) } else { check_own(tx, *seq, *n) }
}

/// A repeat finds its own row, not one that a task has put there.
fn check_own(tx: &Tx<'_>, seq: i64, n: u32) -> Result<(), Stop> {
    let task: Option<String> = tx.prepare(OF_TASK)?.query_row(params![seq, n], |row| row.get(0))?;
    task.map_or(Ok(()), |task| conflict(format!("reply {n} to inbox row {seq} is task {task}'s")))
}

/// No reply crosses from one context to another.
pub(super) fn check_context(tx: &Tx<'_>, seq: i64, context: &Address) -> Result<(), Stop> {
    let of = tx.prepare(OF)?.query_row([seq], |row| Ok(row.get_ref(0)?.as_str()? == context.as_str())).optional()?;
    match of {
        Some(true) => Ok(()),
        Some(false) => refused(format!("inbox row {seq} is not {context}'s")),
        None => conflict(format!("inbox row {seq} does not exist")),
    }
}

fn expect(tx: &Tx<'_>, changed: usize, id: i64, what: &str) -> Result<(), Stop> {
    if changed == 1 {
        return Ok(());
    }
    let state = tx.prepare(STATE)?.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let is = match state {
        None => "does not exist",
        Some((_, true)) => "is logged",
        Some((0, _)) => "is pending",
        Some((1, _)) => "is sending",
        Some((2, _)) => "is sent",
        Some((3, _)) => "is failed",
        Some(_) => "is in doubt",
    };
    conflict(format!("outbox row {id} {is} and can't {what}"))
}
