//! Keeping log files as their entries say: after a crash, after a failed write, after somebody's edit.

use messages::store::{EntryOf, EntryRow, LogRow, Query, Rows};
use runtime::World;

use super::Context;
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
            Err(Refused::Edited) => Some(set_aside(log, world).await),
            Err(Refused::Io(error)) => Some(failed(log, &error)),
        },
        Effect::SyncLog(log) => match logs.sync(log) {
            Ok(stamp) => Some(Event::LogSynced { log: log.clone(), synced: stamp.size, stamp }),
            Err(Refused::Edited) => Some(set_aside(log, world).await),
            Err(Refused::Io(error)) => Some(failed(log, &error)),
        },
        Effect::MendLog(row) => mend(row, world).await,
        Effect::Erase { seq, log } => erase(*seq, log, world).await,
        _ => None,
    }
}

fn failed(log: &str, error: &std::io::Error) -> Event {
    Event::LogWritten { log: log.to_owned(), problem: Some(error.to_string()) }
}

/// What comparing a log with its entries found.
enum Found {
    Same,
    /// Entries from this offset on are missing or torn.
    Behind(u64),
    Edited,
}

async fn mend(row: &LogRow, world: &World<Context>) -> Option<Event> {
    let logs = &world.deps.logs;
    let now = logs.stamp(&row.log);
    if now == Some(row.stamp) && row.synced == row.size {
        logs.remember(&row.log, row.stamp);
        return None;
    }
    // Nothing of it counts as synced: words of it were erased, perhaps, before a crash, and the index may still hold them.
    if row.synced == 0
        && let Err(problem) = forget(&row.log, None, world).await
    {
        return Some(Event::LogWritten { log: row.log.clone(), problem: Some(problem) });
    }
    match compare(row, world).await {
        Ok(Found::Same) => {
            if let Some(stamp) = now {
                logs.remember(&row.log, stamp);
            }
            (row.synced < row.size).then(|| Event::LogWritten { log: row.log.clone(), problem: None })
        }
        Ok(Found::Behind(from)) => Some(match rewrite(&row.log, from, world).await {
            Ok(()) => Event::LogWritten { log: row.log.clone(), problem: None },
            Err(problem) => Event::LogWritten { log: row.log.clone(), problem: Some(problem) },
        }),
        Ok(Found::Edited) => Some(set_aside(&row.log, world).await),
        Err(problem) => Some(Event::LogWritten { log: row.log.clone(), problem: Some(problem) }),
    }
}

async fn page(log: &str, from: u64, world: &World<Context>) -> Result<Vec<EntryRow>, String> {
    let query = Query::Entries { log: log.to_owned(), from, limit: PAGE_ENTRIES };
    match world.system.store().query(query).await {
        Ok(Rows::Entries(rows)) => Ok(rows),
        Ok(_) => Err("the store answered with other rows than entries".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Holds a log against its entries. What differs behind the synced mark and could be a torn write is ours to write
/// again; anything else somebody wrote.
async fn compare(row: &LogRow, world: &World<Context>) -> Result<Found, String> {
    let logs = &world.deps.logs;
    if logs.stamp(&row.log).is_some_and(|now| now.size > row.size) {
        return Ok(Found::Edited);
    }
    let (mut offset, mut behind) = (0, None);
    while offset < row.size {
        let entries = page(&row.log, offset, world).await?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            let wanted = render::entry(&entry).into_bytes();
            let found = match logs.read(&row.log, entry.offset, wanted.len()) {
                Ok(found) => found,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(error.to_string()),
            };
            if found != wanted {
                // Words that were erased in the store are ours to erase here, whatever stands there.
                let torn = erased(&entry) || wanted.iter().zip(&found).all(|(want, have)| want == have || *have == 0);
                if !torn || (entry.offset < row.synced && !found.is_empty() && !erased(&entry)) {
                    return Ok(Found::Edited);
                }
                behind = behind.or(Some(entry.offset));
            }
            offset = entry.offset + u64::from(entry.length);
        }
    }
    Ok(behind.map_or(Found::Same, Found::Behind))
}

fn erased(entry: &EntryRow) -> bool {
    match &entry.of {
        EntryOf::Inbound(row) => row.redacted,
        EntryOf::Outbound(row) => row.redacted,
    }
}

/// Writes all entries from an offset on.
async fn rewrite(log: &str, from: u64, world: &World<Context>) -> Result<(), String> {
    let mut offset = from;
    loop {
        let entries = page(log, offset, world).await?;
        let Some(last) = entries.last() else { return Ok(()) };
        let next = last.offset + u64::from(last.length);
        let text: String = entries.iter().map(render::entry).collect();
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
        event = match world.deps.logs.write(&entry.log, entry.offset, text.as_bytes()) {
            Ok(()) => Some(Event::LogWritten { log: entry.log, problem: None }),
            Err(Refused::Edited) => Some(set_aside(&entry.log, world).await),
            Err(Refused::Io(error)) => Some(failed(&entry.log, &error)),
        };
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
