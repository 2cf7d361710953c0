//! Writes to contexts, timers and units.

use messages::Address;
use messages::store::{Committed, Write};
use rusqlite::{OptionalExtension as _, params};

use super::{Stop, Tx, conflict, int, refused};

const CONTEXT_NEW: &str = "INSERT INTO context (context, rev, fresh_after, definition) VALUES (?1, 1, ?2, ?3)
    ON CONFLICT (context) DO NOTHING";
const CONTEXT: &str =
    "UPDATE context SET rev = ?2, fresh_after = ?3, definition = ?4 WHERE context = ?1 AND rev = ?2 - 1";
const CONTEXT_REV: &str = "SELECT rev FROM context WHERE context = ?1";
const TIMER: &str = "INSERT INTO timer (entity, name, due) VALUES (?1, ?2, ?3)
    ON CONFLICT (entity, name) DO UPDATE SET due = excluded.due";
const TIMER_DROP: &str = "DELETE FROM timer WHERE entity = ?1 AND name = ?2";
const CLAIM: &str = "INSERT INTO unit (unit, node, incarnation, epoch) VALUES (?1, ?2, ?3, 1 + coalesce((SELECT value FROM meta WHERE key = 'epochs_from'), 0))
    ON CONFLICT (unit) DO UPDATE SET node = excluded.node, incarnation = excluded.incarnation, epoch = epoch + 1
    RETURNING epoch";

pub(super) fn apply(tx: &mut Tx<'_>, write: &Write, done: &mut Committed) -> Result<(), Stop> {
    match write {
        Write::ContextPut { .. } => context(tx, write),
        Write::TimerPut { entity, name, due } => {
            tx.run(TIMER, params![entity.as_str(), name, due.0])?;
            Ok(())
        }
        Write::TimerDrop { entity, name } => {
            tx.run(TIMER_DROP, params![entity.as_str(), name])?;
            Ok(())
        }
        Write::UnitClaim { unit, node, incarnation, after } => {
            let is = tx.heads.epoch(unit).unwrap_or(0);
            if let Some(after) = after.filter(|after| *after != is) {
                return conflict(format!("{unit} is at epoch {is}, not at {after}"));
            }
            let epoch = claim(tx, unit, node, incarnation)?;
            done.epochs.push(epoch);
            Ok(())
        }
        _ => refused(format!("{} is no write to a context, timer or unit", write.name())),
    }
}

fn context(tx: &Tx<'_>, write: &Write) -> Result<(), Stop> {
    let Write::ContextPut { context, rev, fresh_after, definition } = write else {
        return refused(format!("{} is no ContextPut", write.name()));
    };
    let rev = int("rev", *rev)?;
    let changed = if rev == 1 {
        tx.run(CONTEXT_NEW, params![context.as_str(), fresh_after, definition])?
    } else {
        tx.run(CONTEXT, params![context.as_str(), rev, fresh_after, definition])?
    };
    if changed == 1 {
        return Ok(());
    }
    let found: Option<i64> = tx.prepare(CONTEXT_REV)?.query_row([context.as_str()], |row| row.get(0)).optional()?;
    let found = found.unwrap_or(0);
    conflict(format!("{context} is at revision {found}; {rev} does not follow"))
}

fn claim(tx: &mut Tx<'_>, unit: &Address, node: &str, incarnation: &str) -> Result<u64, Stop> {
    let row = params![unit.as_str(), node, incarnation];
    let epoch: i64 = tx.prepare(CLAIM)?.query_row(row, |row| row.get(0))?;
    let Ok(epoch) = u64::try_from(epoch) else {
        return refused(format!("the epoch of {unit} is {epoch}"));
    };
    tx.heads.claim(unit, epoch);
    Ok(epoch)
}
