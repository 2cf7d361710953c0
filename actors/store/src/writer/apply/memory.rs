//! Writes to the memory of contexts.

use messages::store::{Compaction, MemoryPut};
use messages::{Address, MemoryId, Slug};
use rusqlite::{OptionalExtension as _, params};

use super::{Stop, Tx, conflict, int, json, refused};

const FIND: &str = "SELECT rev, work FROM memory WHERE ctx = ?1";
const NEW: &str = "INSERT INTO memory (address, ctx, rev, upto, work, work_to, erased, failing)
    VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7)";
const PUT: &str =
    "UPDATE memory SET rev = ?2, upto = ?3, work = ?4, work_to = ?5, erased = ?6, failing = ?7 WHERE ctx = ?1";
const BEGIN: &str = "INSERT INTO compaction (work, ctx) VALUES (?1, ?2)";
const END: &str = "UPDATE compaction SET ended = 1 WHERE work = ?1 AND ended = 0";
// What was kept of it stands in the file, for people to read and to take out.
const WORDS: &str = "UPDATE step SET gave = '' WHERE work = ?1";

pub(super) fn apply(tx: &Tx<'_>, put: &MemoryPut) -> Result<(), Stop> {
    let (ctx, rev) = (put.context.as_str(), int("rev", put.rev)?);
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?));
    let found = tx.prepare(FIND)?.query_row([ctx], row).optional()?;
    let is_new = found.is_none();
    let (at, before) = found.unwrap_or_default();
    if rev.checked_sub(1) != Some(at) {
        return conflict(format!("the memory of {ctx} is at revision {at}; {rev} does not follow"));
    }
    let now = put.work.as_ref().map(|work| work.id.as_str());
    if let (Some(begun), false) = (&put.work, before.as_deref() == now) {
        begin(tx, put, begun, before.is_some())?;
    }
    let work_to = put.work.as_ref().map(|work| json("where a compaction ends", &work.upto)).transpose()?;
    let failing = put.failing.as_ref().map(|failing| json("failures of a memory", failing)).transpose()?;
    let (upto, erased) = (json("where a memory ends", &put.upto)?, int("erased", put.erased)?);
    if is_new {
        tx.run(NEW, params![address(&put.context)?, ctx, upto, now, work_to, erased, failing])?;
    } else {
        tx.run(PUT, params![ctx, rev, upto, now, work_to, erased, failing])?;
    }
    match before.filter(|before| now != Some(before)) {
        Some(ended) => {
            tx.run(END, [&ended])?;
            tx.run(WORDS, [&ended])?;
            Ok(())
        }
        None => Ok(()),
    }
}

fn begin(tx: &Tx<'_>, put: &MemoryPut, begun: &Compaction, another_runs: bool) -> Result<(), Stop> {
    let ctx = &put.context;
    if another_runs {
        return conflict(format!("a compaction of {ctx} is under way; another can't begin"));
    }
    if begun.id != MemoryId::of(ctx, put.rev) {
        return refused(format!("{} is not the id of what {ctx} begins with revision {}", begun.id, put.rev));
    }
    tx.run(BEGIN, params![begun.id.as_str(), ctx.as_str()])?;
    Ok(())
}

/// Where the memory of a context lives.
fn address(context: &Address) -> Result<String, Stop> {
    match (context.workspace_of(), Slug::parse(context.leaf())) {
        (Some(workspace), Ok(slug)) if *context == Address::context(&workspace, &slug) => {
            Ok(Address::memory(&workspace, &slug).to_string())
        }
        _ => refused(format!("{context} is no context")),
    }
}
