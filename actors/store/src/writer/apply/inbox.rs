//! Writes to the inbox.

use messages::store::{Accepted, Committed, InboundKind, Write};
use messages::{InboundId, turn::Turn};
use rusqlite::{OptionalExtension as _, params};

use super::{Stop, Tx, conflict, refused};

/// Of a tool's use what the model wrote, and all that steps gave.
macro_rules! erase_steps {
    () => {
        "UPDATE step SET gave = '', what = CASE kind WHEN 1 THEN json_set(what, '$.Tool.arguments', '') ELSE what END
        WHERE work IN "
    };
}

const PUT: &str =
    "INSERT INTO inbox (id, connector, event, ctx, chat, user, kind, target, text, salt, trace, received_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (connector, event) DO NOTHING";
const FIND: &str = "SELECT seq, id FROM inbox WHERE connector = ?1 AND event = ?2";
const TAKE: &str = "UPDATE inbox SET state = 1, turn = ?2 WHERE seq = ?1 AND state = 0";
const TEXT: &str = "UPDATE inbox SET text = ?2 WHERE seq = ?1 AND state < 2 AND redacted = 0";
const SETTLE: &str =
    "UPDATE inbox SET state = 2, outcome = ?2, reason = ?3, settled_at = ?4 WHERE seq = ?1 AND state < 2";
const STATE: &str = "SELECT state, redacted FROM inbox WHERE seq = ?1";
const ERASE: &str = "UPDATE inbox SET text = '', salt = zeroblob(16), redacted = 1 WHERE seq = ?1";
/// All that repeats an event's words: its replies and those of its tasks, its tasks, the steps of its turn and of those.
const ERASE_WORDS: [&str; 6] = [
    "UPDATE outbox SET text = '', redacted = 1 WHERE seq = ?1",
    // The record file is to be written again.
    "UPDATE task SET title = '', reason = '', result = '', recorded = 0 WHERE seq = ?1",
    "UPDATE task_spec SET spec = json_set(spec, '$.title', '', '$.input', '')
    WHERE place IN (SELECT place FROM task WHERE seq = ?1)",
    // What waits for a date, or for others, is to see at once that it has no words; what runs is woken by the sweep.
    "INSERT INTO timer (entity, name, due) SELECT address, 'erased', 0 FROM task WHERE seq = ?1 AND state IN (0, 1, 2, 4)
    ON CONFLICT (entity, name) DO UPDATE SET due = 0",
    concat!(erase_steps!(), "(SELECT id FROM inbox WHERE seq = ?1)"),
    concat!(erase_steps!(), "(SELECT id FROM task WHERE seq = ?1)"),
];
/// What memory has, or is to have, of an event: what is under way into it, the file, and what of it was given to tasks.
const ERASE_MEMORY: [&str; 3] = [
    concat!(erase_steps!(), "(SELECT m.work FROM memory AS m JOIN inbox AS i ON i.ctx = m.ctx WHERE i.seq = ?1)"),
    // Its file is to be looked at: entries may cite the event.
    "UPDATE memory SET erasures = erasures + 1 WHERE ctx = (SELECT ctx FROM inbox WHERE seq = ?1)",
    // Those that have ended have none.
    "UPDATE task_spec SET spec = json_set(spec, '$.memory', json('{\"text\":\"\",\"of\":[]}'))
    WHERE place IN (SELECT t.place FROM inbox AS i CROSS JOIN task AS t INDEXED BY task_shown
    ON t.ws = substr(i.ctx, 4, instr(substr(i.ctx, 4), '/') - 1) AND t.ctx = i.ctx
    WHERE i.seq = ?1 AND (t.state < 6 OR (t.state = 11 AND t.discarded_by IS NULL)))
    AND instr(spec, (SELECT id FROM inbox WHERE seq = ?1)) > 0",
];

pub(super) fn apply(tx: &Tx<'_>, write: &Write, done: &mut Committed) -> Result<(), Stop> {
    match write {
        Write::InboxPut { .. } => put(tx, write, done),
        Write::InboxTake { seq, turn } => take(tx, *seq, turn),
        Write::InboxText { seq, text } => {
            let changed = tx.run(TEXT, params![seq, text])?;
            expect(tx, changed, *seq, "be given new words")
        }
        Write::InboxSettle { seq, outcome, reason, at } => {
            let changed = tx.run(SETTLE, params![seq, outcome.as_str(), reason, at.0])?;
            expect(tx, changed, *seq, "be settled")
        }
        Write::Redact { seq } => redact(tx, *seq),
        _ => refused(format!("{} is no write to the inbox", write.name())),
    }
}

fn put(tx: &Tx<'_>, write: &Write, done: &mut Committed) -> Result<(), Stop> {
    let Write::InboxPut { id, event, context, chat, user, kind, target, text, salt, trace, received_at } = write else {
        return refused(format!("{} is no InboxPut", write.name()));
    };
    let row = params![
        id.as_str(),
        chat.connector,
        event,
        context.as_str(),
        chat.chat,
        user,
        kind_number(*kind),
        target,
        text,
        salt.as_slice(),
        trace.0,
        received_at.0,
    ];
    let accepted = if tx.run(PUT, row)? == 1 {
        Accepted { id: id.clone(), seq: tx.sql.last_insert_rowid(), duplicate: false }
    } else {
        tx.prepare(FIND)?.query_row(params![chat.connector, event], |row| {
            Ok(Accepted { seq: row.get(0)?, id: InboundId::from_row(row.get(1)?), duplicate: true })
        })?
    };
    done.inbox.push(accepted);
    Ok(())
}

fn kind_number(kind: InboundKind) -> i64 {
    match kind {
        InboundKind::Message => 0,
        InboundKind::Edit => 1,
        InboundKind::Delete => 2,
        InboundKind::Stop => 3,
    }
}

fn take(tx: &Tx<'_>, seq: i64, turn: &Turn) -> Result<(), Stop> {
    let Ok(json) = serde_json::to_string(turn) else {
        return refused(format!("the turn of inbox row {seq} can't be written as JSON"));
    };
    let changed = tx.run(TAKE, params![seq, json])?;
    expect(tx, changed, seq, "be taken")
}

fn redact(tx: &Tx<'_>, seq: i64) -> Result<(), Stop> {
    let erased = tx.run(ERASE, [seq])?;
    erase_words(tx, seq)?;
    erase_memory(tx, seq)?;
    super::retention::unmark(tx, seq)?;
    expect(tx, erased, seq, "be redacted")
}

pub(super) fn erase_words(tx: &Tx<'_>, seq: i64) -> Result<(), Stop> {
    for statement in ERASE_WORDS {
        tx.run(statement, [seq])?;
    }
    Ok(())
}

pub(super) fn erase_memory(tx: &Tx<'_>, seq: i64) -> Result<(), Stop> {
    for statement in ERASE_MEMORY {
        tx.run(statement, [seq])?;
    }
    Ok(())
}

fn expect(tx: &Tx<'_>, changed: usize, seq: i64, what: &str) -> Result<(), Stop> {
    if changed == 1 {
        return Ok(());
    }
    let state = tx.prepare(STATE)?.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let is = match state {
        None => "does not exist",
        Some((2, _)) => "is settled",
        Some((_, true)) => "is redacted",
        Some((1, _)) => "is taken",
        Some((_, false)) => "is waiting",
    };
    conflict(format!("inbox row {seq} {is} and can't {what}"))
}
