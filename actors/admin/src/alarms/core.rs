//! When an alarm is raised and when it is over, and what is not ready. Pure: it is told what was seen.

use std::collections::BTreeMap;

use messages::alarms::{NotReady, Readiness};

use super::telling::AlarmChat;

/// A mailbox must have been over its limit for so long.
const MAILBOX_FOR_MS: u64 = 15_000;
/// The wall clock may differ so much from the steady one between two looks.
const CLOCK_MS_MAX: u64 = 30_000;
/// The clock counts as calm when it has not jumped for so long.
const CLOCK_CALM_MS: u64 = 600_000;
/// The disk is low no more when so many hundredths of the limit are free.
const DISK_OVER_PERCENT: u64 = 110;

/// When alarms are raised, and who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmLimits {
    /// Less of the disk is free, in hundredths of it: it is low.
    pub disk_free_percent: u64,
    /// Less of the disk is free, in bytes: it is low.
    pub disk_free_bytes: u64,
    /// The oldest message of a mailbox has waited longer, in milliseconds: it grows.
    pub mailbox_wait_ms: u64,
    /// The chat that is told.
    pub tell: Option<AlarmChat>,
}

/// The room on a disk, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) free: u64,
    pub(crate) total: u64,
}

/// The longest wait in the mailboxes of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) kind: &'static str,
    pub(crate) address: String,
    pub(crate) wait_ms: u64,
}

/// What was seen at one look.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) wall_ms: i64,
    /// A clock that nobody sets, and that counts while the machine sleeps.
    pub(crate) steady_ms: u64,
    /// `None`: the system does not tell.
    pub(crate) disk: Option<Disk>,
    pub(crate) waits: Vec<Wait>,
    /// Replies and tasks in doubt for long; `None`: the store does not tell.
    pub(crate) doubts: Option<(u64, u64)>,
}

/// An alarm that is raised (`Some`) or over.
pub(crate) type Change = (String, Option<String>);

/// What is remembered from look to look.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The data folder, for people.
    data: String,
    clock: Option<(i64, u64)>,
    jumped_at: Option<u64>,
    disk_low: bool,
    /// Kinds with a mailbox over its limit: since when, and whether that was told.
    over: BTreeMap<&'static str, (u64, bool)>,
    doubt: Option<(bool, bool)>,
}

impl Watch {
    pub(crate) fn new(data: String) -> Self {
        Self { data, ..Self::default() }
    }

    /// What has changed.
    pub(crate) fn look(&mut self, limits: &AlarmLimits, seen: &Seen) -> Vec<Change> {
        let mut changes = self.clock(seen);
        changes.extend(self.disk(limits, seen.disk));
        changes.extend(self.mailboxes(limits, seen));
        changes.extend(self.doubts(seen.doubts));
        changes
    }

    fn clock(&mut self, seen: &Seen) -> Vec<Change> {
        let (wall, steady) = (seen.wall_ms, seen.steady_ms);
        let before = self.clock.replace((wall, steady));
        let Some((wall_before, steady_before)) = before else { return Vec::new() };
        let passed = i64::try_from(steady.saturating_sub(steady_before)).unwrap_or(i64::MAX);
        let jump = wall.saturating_sub(wall_before).saturating_sub(passed);
        if jump.unsigned_abs() > CLOCK_MS_MAX {
            self.jumped_at = Some(steady);
            return vec![("clock".to_owned(), Some(jumped(jump)))];
        }
        if self.jumped_at.is_some_and(|at| steady.saturating_sub(at) >= CLOCK_CALM_MS) {
            self.jumped_at = None;
            return vec![("clock".to_owned(), None)];
        }
        Vec::new()
    }

    fn disk(&mut self, limits: &AlarmLimits, disk: Option<Disk>) -> Option<Change> {
        let disk = disk?;
        let is_low = is_low(limits, disk, if self.disk_low { DISK_OVER_PERCENT } else { 100 });
        if std::mem::replace(&mut self.disk_low, is_low) == is_low {
            return None;
        }
        let (data, free, total) = (&self.data, megabytes(disk.free), megabytes(disk.total));
        let told = format!(
            "the disk of {data} is low: {free} MB of {total} MB are free; free some space or give it a larger disk, for \
             when it is full nothing more is accepted"
        );
        Some(("disk".to_owned(), is_low.then_some(told)))
    }

    fn mailboxes(&mut self, limits: &AlarmLimits, seen: &Seen) -> Vec<Change> {
        let mut changes = Vec::new();
        // One that was told is over only well below its limit.
        let least = |told: bool| if told { limits.mailbox_wait_ms / 2 } else { limits.mailbox_wait_ms };
        self.over.retain(|kind, (_, told)| {
            let wait = seen.waits.iter().find(|wait| wait.kind == *kind).map_or(0, |wait| wait.wait_ms);
            let stays = wait > least(*told);
            if !stays && *told {
                changes.push((format!("mailbox:{kind}"), None));
            }
            stays
        });
        for wait in seen.waits.iter().filter(|wait| wait.wait_ms > limits.mailbox_wait_ms) {
            let (since, told) = self.over.entry(wait.kind).or_insert((seen.steady_ms, false));
            if !*told && seen.steady_ms.saturating_sub(*since) >= MAILBOX_FOR_MS {
                *told = true;
                changes.push((format!("mailbox:{}", wait.kind), Some(grows(wait))));
            }
        }
        changes
    }

    fn doubts(&mut self, doubts: Option<(u64, u64)>) -> Option<Change> {
        let (replies, tasks) = doubts?;
        let now = (replies > 0, tasks > 0);
        if self.doubt.replace(now).unwrap_or_default() == now {
            return None;
        }
        let told = match now {
            (false, false) => None,
            (true, false) => Some(format!("replies {IN_DOUBT}: {REPLIES}")),
            (false, true) => Some(format!("tasks {IN_DOUBT}: {TASKS}")),
            (true, true) => Some(format!("replies and tasks {IN_DOUBT}: {REPLIES}; {TASKS}")),
        };
        Some(("doubt".to_owned(), told))
    }
}

const IN_DOUBT: &str = "have been in doubt for more than a day";
const REPLIES: &str = "`agent-runtime verify` names the replies, and their chats tell whether they came";
const TASKS: &str = "`agent-runtime tasks` names the tasks, `tasks retry` or `tasks cancel` decides";

fn is_low(limits: &AlarmLimits, disk: Disk, percent_of_limit: u64) -> bool {
    let percent = u128::from(limits.disk_free_percent) * u128::from(percent_of_limit);
    let bytes = u128::from(limits.disk_free_bytes) * u128::from(percent_of_limit) / 100;
    u128::from(disk.free) * 10_000 < u128::from(disk.total) * percent || u128::from(disk.free) < bytes
}

fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}

fn jumped(jump_ms: i64) -> String {
    let (way, then) = if jump_ms > 0 {
        ("forward", "dates came early, and events that waited may have expired")
    } else {
        ("back", "dates come late")
    };
    let seconds = jump_ms.unsigned_abs() / 1_000;
    format!("the wall clock jumped {way} by {seconds} s: {then}; see that the time is kept (`timedatectl`)")
}

fn grows(wait: &Wait) -> String {
    let (address, seconds) = (&wait.address, wait.wait_ms / 1_000);
    format!(
        "{address} does not keep up: a message has waited in its mailbox for {seconds} s; `agent-runtime actors` shows \
         what it is doing"
    )
}

/// What readiness is decided from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts<'a> {
    /// The node is about to stop.
    pub(crate) draining: bool,
    /// The store could be read.
    pub(crate) counted: bool,
    /// Indexes that are being made.
    pub(crate) indexes_made: u64,
    /// Alarms that stand, by id.
    pub(crate) alarms: &'a [(String, String)],
}

/// What an alarm is called: its id up to the colon. An id may go on with an address; a name never does.
pub(crate) fn name(id: &str) -> &str {
    id.split_once(':').map_or(id, |(name, _)| name)
}

/// Whether the node can do all of its work.
pub(crate) fn readiness(facts: &Facts<'_>) -> Readiness {
    let of = |wanted: &'static str| facts.alarms.iter().filter(move |(id, _)| name(id) == wanted);
    let count = |wanted| of(wanted).count();
    let mut not_ready = Vec::new();
    let mut say = |what: &str, why: String| not_ready.push(NotReady { what: what.to_owned(), why });
    if facts.draining {
        say("stopping", "the node is about to stop".into());
    }
    if count("hub") > 0 {
        say("hub", "it is not reached; the log of this node says why".into());
    }
    if count("store") > 0 || !facts.counted {
        say("store", "it refuses commits or can't be read; `agent-runtime status` says why".into());
    }
    if count("store") > 0 {
        // The record of a change is in the same transaction as the change.
        say("audit", "it can't be written while the store refuses, and nothing is done without it".into());
    }
    if facts.indexes_made > 0 {
        let n = facts.indexes_made;
        say("index", format!("{n} of the search indexes are being made; `agent-runtime index status` shows how far"));
    }
    for (id, _) in of("model") {
        let model = id.split_once(':').map_or("", |(_, model)| model);
        say("model", format!("`{model}` refuses; `agent-runtime model test {model}` says why"));
    }
    if count("stopped") > 0 {
        let n = count("stopped");
        say("actors", format!("{n} were stopped after failing too often; `agent-runtime status` names them"));
    }
    if count("disk") > 0 {
        say("disk", "little of it is free; `agent-runtime status` says how much".into());
    }
    let mut alarms: Vec<String> = facts.alarms.iter().map(|(id, _)| name(id).to_owned()).collect();
    alarms.dedup();
    Readiness { ready: not_ready.is_empty(), not_ready, alarms }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
