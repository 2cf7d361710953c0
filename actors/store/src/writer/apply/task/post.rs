//! Words of a task for the chat its turn came from.

use messages::store::TaskWrite;
use rusqlite::{OptionalExtension as _, params};

use super::super::outbox::check_context;
use super::super::{Stop, Tx, conflict, json, refused};

const TASK: &str = "SELECT seq, ctx FROM task WHERE id = ?1";
const POSTED: &str = "SELECT 1 FROM outbox INDEXED BY outbox_task WHERE task = ?1 AND coalesce(step, -1) = ?2";
// 0 is left to the answer of the turn itself, which may come later.
const PUT: &str = "INSERT INTO outbox (seq, n, ctx, connector, chat, text, sources, created_at, task, step)
    VALUES (?1, (SELECT coalesce(max(n), 0) + 1 FROM outbox WHERE seq = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

pub(super) fn post(tx: &Tx<'_>, write: &TaskWrite) -> Result<(), Stop> {
    let TaskWrite::Post { task, step, seq, context, chat, text, sources, at } = write else {
        return refused(format!("{} is no TaskPost", write.name()));
    };
    check_context(tx, *seq, context)?;
    let of = tx
        .prepare(TASK)?
        .query_row([task.as_str()], |row| {
            Ok(row.get::<_, i64>(0)? == *seq && row.get_ref(1)?.as_str()? == context.as_str())
        })
        .optional()?;
    match of {
        None => return conflict(format!("task {task} does not exist")),
        Some(false) => return refused(format!("task {task} did not come of inbox row {seq} of {context}")),
        Some(true) => {}
    }
    let key = params![task.as_str(), step.map_or(-1, i64::from)];
    if tx.prepare(POSTED)?.exists(key)? {
        return Ok(());
    }
    let instead = format!("Task `{task}`: the message that it came of was deleted, and its words with it.");
    let text = if super::super::step::is_erased(tx, task)? { &instead } else { text };
    let sources = json("the sources of a task's words", sources)?;
    let row = params![seq, context.as_str(), chat.connector, chat.chat, text, sources, at.0, task.as_str(), step,];
    tx.run(PUT, row)?;
    Ok(())
}
