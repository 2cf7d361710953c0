//! What was seen as Prometheus' text form.

mod core;
mod names;
#[cfg(test)]
#[path = "page_tests.rs"]
mod page_tests;

use messages::meter;
use runtime::HistogramView;

use self::core::Page;
use self::names::{
    ACCEPTED, ACTORS, ALARM, AUDIT, BUILD, CALLS, COMMIT, COST, DISK, DISK_FREE, EVENT_AGE, EVENTS, FAILURES, FILES,
    GROUP, HEAP, INDEX_FILES, INDEX_PASSAGES, INDEX_SCANNING, MAILBOX, MAILBOX_AGE, READY, REPLIES, REPLY_AGE,
    RESTARTS, RSS, STALE, STOPPED, STORE_BYTES, STORE_QUEUE, TASKS, TOKENS, UPTIME,
};
pub use self::names::{METRICS, Metric};
use crate::alarms::{ALARMS, IndexSample, NodeSample, name};

/// How the store's threads work.
#[derive(Debug, Clone, Default)]
pub struct StoreStats {
    /// Commits, from being asked for to being answered, in microseconds.
    pub latency_us: HistogramView,
    /// Commits in one transaction.
    pub group: HistogramView,
    /// Commits that wait for the writer.
    pub commits_waiting: u64,
    /// Queries that wait for a reader.
    pub queries_waiting: u64,
}

/// Microseconds in a second.
const MICRO: f64 = 1e6;

/// All metrics. What the store does not tell is left out.
pub(crate) fn text(sample: &NodeSample, indexes: &IndexSample, is_ready: bool) -> String {
    let mut page = Page::default();
    page.family(BUILD, [(vec![sample.node.as_str(), sample.version.as_str()], 1)]);
    page.float(UPTIME, sample.uptime.as_secs_f64());
    page.number(READY, u64::from(is_ready));
    let standing = |alarm: &str| sample.alarms.iter().filter(|(id, _)| name(id) == alarm).count() as u64;
    page.family(ALARM, ALARMS.iter().map(|alarm| (vec![alarm.name], standing(alarm.name))));
    queues(&mut page, sample);
    actors(&mut page, sample);
    store(&mut page, sample);
    page.number(INDEX_FILES, indexes.files);
    page.number(INDEX_PASSAGES, indexes.passages);
    page.number(INDEX_SCANNING, indexes.scanning);
    models(&mut page, sample);
    page.number(RSS, sample.host.rss_bytes);
    let heap = sample.host.heap;
    page.family(HEAP, [(vec!["unused"], heap.unused as u64), (vec!["used"], heap.used as u64)]);
    page.number(FILES, sample.host.open_files);
    page.finish()
}

fn queues(page: &mut Page, sample: &NodeSample) {
    if let Some(counts) = &sample.counts {
        page.family(EVENTS, [(vec!["waiting"], counts.waiting), (vec!["taken"], counts.taken)]);
        page.number(ACCEPTED, counts.accepted);
        let replies = [("pending", counts.pending), ("sending", counts.sending), ("in_doubt", counts.in_doubt)];
        page.family(REPLIES, replies.map(|(state, n)| (vec![state], n)));
        let waiting = counts.tasks_waiting.saturating_sub(counts.tasks_in_doubt);
        let tasks = [
            ("queued", counts.tasks_queued),
            ("running", counts.tasks_running),
            ("waiting", waiting),
            ("in_doubt", counts.tasks_in_doubt),
            ("dead", counts.tasks_dead),
        ];
        page.family(TASKS, tasks.map(|(state, n)| (vec![state], n)));
    }
    if let Some(oldest) = &sample.oldest {
        let age = |since: Option<messages::Moment>| since.map_or(0, |since| sample.host.wall.ms_since(since).max(0));
        page.millis(EVENT_AGE, age(oldest.event_since).unsigned_abs());
        page.millis(REPLY_AGE, age(oldest.reply_since).unsigned_abs());
    }
}

fn actors(page: &mut Page, sample: &NodeSample) {
    let kinds = &sample.kinds;
    page.family(ACTORS, kinds.iter().map(|kind| (vec![kind.kind], kind.actors)));
    page.family(STOPPED, kinds.iter().map(|kind| (vec![kind.kind], kind.stopped)));
    let restarts = sample.meters.get(meter::ACTOR_RESTARTS);
    let of = |kind: &str| restarts.and_then(|all| all.get(kind)).copied().unwrap_or_default();
    page.family(RESTARTS, kinds.iter().map(|kind| (vec![kind.kind], of(kind.kind))));
    page.family(MAILBOX, kinds.iter().map(|kind| (vec![kind.kind], kind.mailbox)));
    page.floats(MAILBOX_AGE, kinds.iter().map(|kind| (vec![kind.kind], kind.oldest_wait.as_secs_f64())));
}

fn store(page: &mut Page, sample: &NodeSample) {
    page.histogram(COMMIT, &sample.store.latency_us, MICRO);
    page.histogram(GROUP, &sample.store.group, 1.0);
    let stale = sample.meters.get(meter::COMMITS_STALE).into_iter().flatten();
    page.family(STALE, stale.map(|(unit, n)| (vec![unit.as_str()], *n)));
    let waiting = [("commits", sample.store.commits_waiting), ("queries", sample.store.queries_waiting)];
    page.family(STORE_QUEUE, waiting.map(|(of, n)| (vec![of], n)));
    if let Some(counts) = &sample.counts {
        page.number(STORE_BYTES, counts.bytes);
        page.number(AUDIT, counts.audit);
    }
    if let Some(disk) = sample.host.disk {
        page.number(DISK_FREE, disk.free);
        page.number(DISK, disk.total);
    }
}

#[allow(clippy::cast_precision_loss)] // Exact up to billions of dollars.
fn models(page: &mut Page, sample: &NodeSample) {
    let of = |name: &str| sample.meters.get(name).into_iter().flatten().map(|(model, n)| (model.as_str(), *n));
    page.family(CALLS, of(meter::MODEL_CALLS).map(|(model, n)| (vec![model], n)));
    page.family(FAILURES, of(meter::MODEL_FAILURES).map(|(model, n)| (vec![model], n)));
    let input = of(meter::MODEL_INPUT_TOKENS).map(|(model, n)| (vec!["input", model], n));
    let output = of(meter::MODEL_OUTPUT_TOKENS).map(|(model, n)| (vec!["output", model], n));
    page.family(TOKENS, input.chain(output));
    page.floats(COST, of(meter::MODEL_MICRO_USD).map(|(model, n)| (vec![model], n as f64 / MICRO)));
}
