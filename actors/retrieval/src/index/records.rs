//! Bringing a context's own records up to date before it asks for them.

use std::sync::Arc;

use messages::store::{EntryOf, EntryRow, InboxRow, InboxState, LogRow, Query, Rows};
use messages::turn::Outcome;
use messages::{Address, InboundId, Slug};
use runtime::ServiceCx;
use tokio::task::spawn_blocking;

use super::Shared;

/// Logs of one context that are searched.
const LOGS_MAX: u32 = 64;
/// Entries that are taken in at a time.
const PAGE_ENTRIES: u32 = 256;
/// Bytes of log that one question takes in; what is left is taken in by the next.
const TAKEN_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Takes in what is new of a context's logs and memory. Gives whether something is left: it is told with what was found.
pub(super) async fn bring_up(shared: &Arc<Shared>, context: &Slug, cx: &ServiceCx) -> bool {
    let _one = shared.records.lock().await;
    match take_in(shared, context, cx).await {
        Ok(behind) => behind,
        Err(why) => {
            tracing::warn!(%context, why, "records could not be brought up to date in the index");
            true
        }
    }
}

async fn take_in(shared: &Arc<Shared>, context: &Slug, cx: &ServiceCx) -> Result<bool, String> {
    let Some(workspace) = cx.address.workspace_of() else { return Ok(false) };
    let own = Address::context(&workspace, context);
    let Rows::Logs(logs) = rows(cx, Query::Logs { context: own, limit: LOGS_MAX }).await? else { return Ok(false) };
    let (worker, of) = (shared.clone(), context.to_string());
    let known = on_thread(move || {
        worker.library.put_memory(&of)?;
        worker.library.logs_known(&of)
    });
    let (known, mut left) = (known.await?, TAKEN_BYTES_MAX);
    let inside = format!("{workspace}/");
    let mut behind = false;
    for log in logs {
        let path = log.log.strip_prefix(&inside).unwrap_or(&log.log).to_owned();
        let from = known.get(&path).copied();
        behind |= take_log(shared, (context, path, from), (&log, &mut left), cx).await?;
    }
    Ok(behind)
}

/// Takes in what is new of one log: whole turns that have ended. Gives whether more is left than one question takes in.
async fn take_log(
    shared: &Arc<Shared>,
    (context, path, known): (&Slug, String, Option<u64>),
    (log, left): (&LogRow, &mut u64),
    cx: &ServiceCx,
) -> Result<bool, String> {
    let mut from = known.unwrap_or(0);
    while from < log.size {
        if *left == 0 {
            return Ok(true);
        }
        let query = Query::Entries { log: log.log.clone(), from, limit: PAGE_ENTRIES };
        let Rows::Entries(mut entries) = rows(cx, query).await? else { return Ok(false) };
        let count = entries.len();
        let to = keep_ended(&mut entries, from);
        if to == from && known.is_some() {
            // A turn that runs has nothing new: a commit would only have what is kept in memory read again.
            return Ok(false);
        }
        keep_talk(&mut entries, cx).await?;
        *left = left.saturating_sub(to - from);
        let (worker, of, path) = (shared.clone(), context.to_string(), path.clone());
        on_thread(move || worker.library.put_entries((&of, &path), &entries, to)).await?;
        if to == from || count < PAGE_ENTRIES as usize {
            return Ok(false);
        }
        from = to;
    }
    Ok(false)
}

/// Drops the entries from the first on whose turn has not ended: a question would find itself. Gives where the rest ends.
fn keep_ended(entries: &mut Vec<EntryRow>, from: u64) -> u64 {
    let running = |entry: &EntryRow| matches!(&entry.of, EntryOf::Inbound(row) if row.state != InboxState::Settled);
    entries.truncate(entries.iter().position(running).unwrap_or(entries.len()));
    entries.last().map_or(from, |last| last.offset + u64::from(last.length))
}

/// Drops what is no find: commands and what was answered to them, and words of people who were refused, who must not get
/// them before a model in this way.
async fn keep_talk(entries: &mut Vec<EntryRow>, cx: &ServiceCx) -> Result<(), String> {
    let of = |entry: &EntryRow| match &entry.of {
        EntryOf::Outbound(row) if row.outcome.is_some() => Some(row.inbound.clone()),
        _ => None,
    };
    let ids: Vec<InboundId> = entries.iter().filter_map(of).collect();
    let answered = if ids.is_empty() { Rows::Inbox(Vec::new()) } else { rows(cx, Query::Inbound { ids }).await? };
    let dropped: Vec<InboundId> = match answered {
        Rows::Inbox(rows) => rows.into_iter().filter(|row| !is_talk(row)).map(|row| row.id).collect(),
        _ => Vec::new(),
    };
    entries.retain(|entry| match &entry.of {
        EntryOf::Inbound(row) => is_talk(row),
        EntryOf::Outbound(row) => row.outcome.is_none() || !dropped.contains(&row.inbound),
    });
    Ok(())
}

fn is_talk(row: &InboxRow) -> bool {
    !row.text.starts_with('/') && row.outcome != Some(Outcome::Denied)
}

async fn rows(cx: &ServiceCx, query: Query) -> Result<Rows, String> {
    cx.system.store().query(query).await.map_err(|error| error.to_string())
}

async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, crate::database::Trouble> + Send + 'static,
) -> Result<T, String> {
    spawn_blocking(work).await.map_err(|panic| panic.to_string())?.map_err(|trouble| trouble.to_string())
}

#[cfg(test)]
mod tests;
