//! Keeping log files as their entries say: after a crash, after a failed write, after somebody's edit.

use std::ops::Range;

use messages::store::{EntryRow, FileStamp, LogRow, Query, Rows};
use runtime::World;

use super::Context;
use super::compare::{self, Comparison, Found, Needed};
use super::core::{Effect, Event};
use super::log_file::Refused;
use crate::{asks, render};

/// Entries that are read and written in one go.
const PAGE_ENTRIES: u32 = 256;

pub(super) async fn perform(effect: &Effect, world: &World<Context>) -> Option<Event> {
    let logs = &world.deps.logs;
    match effect {
        Effect::WriteLog { log, offset, bytes } => match logs.write(log, *offset, bytes) {
            Ok(()) => None,
            Err(refused) => Some(refused_of(log, refused, world).await),
        },
        Effect::SyncLog(log) => match logs.sync(log) {
            Ok(stamp) => Some(Event::LogSynced { log: log.clone(), synced: stamp.size, stamp }),
            Err(refused) => Some(refused_of(log, refused, world).await),
        },
        Effect::RecoverLog(row) => recover(row, world).await,
        Effect::MendLog(row) => mend(row, world).await,
        Effect::ProveLog { log, part } => Some(prove(log, part, world).await),
        Effect::Erase { seq, log } => erase(*seq, log, world).await,
        _ => None,
    }
}

/// Where several nodes may have the files, one that was frozen in the middle of a write may have made it now: what it wrote
/// is looked at, and is no edit when the log is as its entries say.
async fn refused_of(log: &str, refused: Refused, world: &World<Context>) -> Event {
    match refused {
        Refused::Io(error) => failed(log, &error),
        Refused::Edited => {
            // Nothing counts as synced: another's write may have been torn anywhere.
            let row = LogRow { log: log.to_owned(), size: u64::MAX, synced: 0, stamp: FileStamp::default() };
            let now = world.deps.logs.stamp(log);
            let found = compare(Comparison::from(&row, 0), log, world).await;
            mended(log, found, now, world).await
        }
    }
}

fn failed(log: &str, error: &std::io::Error) -> Event {
    Event::LogWritten { log: log.to_owned(), problem: Some(error.to_string()) }
}

/// What an open does: it leaves a log that may be written on.
async fn recover(row: &LogRow, world: &World<Context>) -> Option<Event> {
    let now = world.deps.logs.stamp(&row.log);
    match compare::needed(row, now) {
        Needed::Nothing => {
            world.deps.logs.remember(&row.log, row.stamp);
            None
        }
        Needed::Tail => match compare(Comparison::tail(row), &row.log, world).await {
            // What the tail can't explain the whole decides.
            Ok(Found::Edited) => mend(row, world).await,
            found => Some(mended(&row.log, found, now, world).await),
        },
        Needed::Whole => mend(row, world).await,
    }
}

async fn mend(row: &LogRow, world: &World<Context>) -> Option<Event> {
    let logs = &world.deps.logs;
    let now = logs.stamp(&row.log);
    // Nothing of it counts as synced: words of it were erased, perhaps, before a crash, and the index may still hold them.
    if row.synced == 0
        && let Err(problem) = forget(&row.log, None, world).await
    {
        return Some(Event::LogWritten { log: row.log.clone(), problem: Some(problem) });
    }
    let found = compare(Comparison::from(row, 0), &row.log, world).await;
    if matches!(found, Ok(Found::Same)) && row.synced == row.size {
        now.into_iter().for_each(|stamp| logs.remember(&row.log, stamp));
        return None;
    }
    Some(mended(&row.log, found, now, world).await)
}

/// Compares a page of what lay before the synced mark when the log was opened. What is written to it meanwhile is ours: each
/// write, and the sync at the end, looks whether anybody else has written.
async fn prove(log: &str, part: &Range<u64>, world: &World<Context>) -> Event {
    let row = LogRow { log: log.to_owned(), size: part.end, synced: part.end, stamp: FileStamp::default() };
    let mut held = Comparison::from(&row, part.start);
    let found = match page(log, part.start, world).await {
        Ok(mut entries) => {
            // Those behind may be committed and not written yet.
            entries.retain(|entry| entry.offset < part.end);
            hold_all(&mut held, &entries, world)
        }
        Err(problem) => Err(problem),
    };
    match found {
        Ok(true) if held.found() == Found::Same => {
            let to = if held.end() > part.start { held.end() } else { part.end };
            Event::LogProven { log: log.to_owned(), to }
        }
        Ok(true) => mended(log, Ok(held.found()), None, world).await,
        Ok(false) => set_aside(log, world).await,
        Err(problem) => {
            tracing::warn!(log, problem, "a log can't be compared with its entries; it is tried again later");
            Event::LogWritten { log: log.to_owned(), problem: None }
        }
    }
}

/// Does what follows from a comparison.
async fn mended(log: &str, found: Result<Found, String>, now: Option<FileStamp>, world: &World<Context>) -> Event {
    let done = match found {
        Ok(Found::Same) => {
            now.into_iter().for_each(|stamp| world.deps.logs.remember(log, stamp));
            Ok(())
        }
        Ok(Found::Behind(from)) => rewrite(log, from, world).await,
        Ok(Found::Edited) => return set_aside(log, world).await,
        Err(problem) => {
            world.deps.logs.doubt(log);
            Err(problem)
        }
    };
    Event::LogWritten { log: log.to_owned(), problem: done.err() }
}

async fn page(log: &str, from: u64, world: &World<Context>) -> Result<Vec<EntryRow>, String> {
    let query = Query::Entries { log: log.to_owned(), from, limit: PAGE_ENTRIES };
    match world.system.store().query(query).await {
        Ok(Rows::Entries(rows)) => Ok(rows),
        Ok(_) => Err("the store answered with other rows than entries".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

async fn compare(mut held: Comparison, log: &str, world: &World<Context>) -> Result<Found, String> {
    while let Some(next) = held.next() {
        let entries = page(log, next, world).await?;
        if entries.is_empty() {
            break;
        }
        if !hold_all(&mut held, &entries, world)? {
            return Ok(Found::Edited);
        }
    }
    Ok(held.found_in(world.deps.logs.stamp(log).map(|now| now.size)))
}

/// False: somebody wrote one of them.
fn hold_all(held: &mut Comparison, entries: &[EntryRow], world: &World<Context>) -> Result<bool, String> {
    for entry in entries {
        let wanted = render::entry(entry).into_bytes();
        let found = match world.deps.logs.read(&entry.log, entry.offset, wanted.len()) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.to_string()),
        };
        if !held.hold(entry, &wanted, &found) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes all entries from an offset on.
async fn rewrite(log: &str, from: u64, world: &World<Context>) -> Result<(), String> {
    let mut offset = from;
    loop {
        let entries = page(log, offset, world).await?;
        let Some(last) = entries.last() else { return Ok(()) };
        let next = last.offset + u64::from(last.length);
        let text: String = entries.iter().map(render::entry).collect();
        world.may_act()?;
        match world.deps.logs.overwrite(log, offset, text.as_bytes()) {
            Ok(()) | Err(Refused::Edited) => {}
            Err(Refused::Io(error)) => return Err(error.to_string()),
        }
        if entries.len() < PAGE_ENTRIES as usize {
            return Ok(());
        }
        offset = next;
    }
}

/// The edited file is kept beside, and the log written anew from its entries.
async fn set_aside(log: &str, world: &World<Context>) -> Event {
    if let Err(why) = world.may_act() {
        return Event::LogWritten { log: log.to_owned(), problem: Some(why) };
    }
    let aside = match world.deps.logs.set_aside(log, world.system.now()) {
        Ok(aside) => aside,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "(it had been removed)".to_owned(),
        Err(error) => return failed(log, &error),
    };
    match rewrite(log, 0, world).await {
        Ok(()) => Event::LogSetAside { log: log.to_owned(), aside },
        Err(problem) => Event::LogWritten { log: log.to_owned(), problem: Some(problem) },
    }
}

/// Writes the entries of one event again, now without its words.
async fn erase(seq: i64, log: &str, world: &World<Context>) -> Option<Event> {
    let entries = match world.system.store().query(Query::EntriesOf { seq }).await {
        Ok(Rows::Entries(entries)) => entries,
        Ok(_) => return None,
        // Mended later, by comparing all of it: what was erased is found there.
        Err(error) => return Some(Event::LogWritten { log: log.to_owned(), problem: Some(error.to_string()) }),
    };
    let mut event = None;
    let offsets: Vec<u64> = entries.iter().map(|entry| entry.offset).collect();
    for entry in entries {
        let text = render::entry(&entry);
        if let Err(why) = world.may_act() {
            return Some(Event::LogWritten { log: log.to_owned(), problem: Some(why) });
        }
        event = Some(match world.deps.logs.write(&entry.log, entry.offset, text.as_bytes()) {
            Ok(()) => Event::LogWritten { log: entry.log, problem: None },
            Err(refused) => refused_of(&entry.log, refused, world).await,
        });
    }
    match forget(log, Some(offsets), world).await {
        Ok(()) => event,
        Err(problem) => Some(Event::LogWritten { log: log.to_owned(), problem: Some(problem) }),
    }
}

async fn forget(log: &str, entries: Option<Vec<u64>>, world: &World<Context>) -> Result<(), String> {
    let Some(workspace) = world.address.workspace_of() else { return Ok(()) };
    let inside = format!("{workspace}/");
    asks::forget(&world.system, &workspace, log.strip_prefix(&inside).unwrap_or(log), entries).await
}

#[cfg(test)]
mod tests;
