//! The surroundings: configuration, files, disk, clock, limits.

use crate::doctor::facts::{Disk, Facts, NO_CONFIG, PathFacts, word};
use crate::doctor::{Finding, Verdict};

/// Less room than this stops a node soon, in bytes.
const FREE_BYTES_MIN: u64 = 100_000_000;
/// Less than this is worth knowing, in bytes.
const FREE_BYTES_SCARCE: u64 = 1_000_000_000;
/// Fewer files than this that may still be made stop a node soon.
const FREE_FILES_MIN: u64 = 1_000;
/// Files may be so far ahead of the clock, in milliseconds: disks round.
const AHEAD_MS_MAX: i64 = 5_000;
/// The clocks may come apart by so much while facts are gathered, in milliseconds.
const DRIFT_MS_MAX: i64 = 1_000;
/// 2026-01-01 in milliseconds: this program is younger.
const CLOCK_MS_MIN: i64 = 1_767_225_600_000;
/// A node with many sessions and folders has so many files open.
const FILES_MIN: u64 = 4_096;

const WHY_PRIVATE: &str = "it holds what people said, or a key; whoever can read it needs no permission from the node";

pub(crate) fn config(facts: &Facts) -> Verdict {
    let why = "a node does not start with it, and one that runs would not start again";
    let todo = format!("edit {}, then `agent-runtime config check{}`", facts.config_file, facts.flags);
    let findings = facts.problems.iter().map(|problem| Finding::wrong(problem, why, &todo));
    Verdict::of(findings.collect(), "a node can start with it")
}

pub(crate) fn rights(facts: &Facts) -> Verdict {
    if facts.data.is_none() {
        return Verdict::Skipped(NO_CONFIG.to_owned());
    }
    let there: Vec<&PathFacts> = facts.paths.iter().filter(|path| path.is_there).collect();
    if there.is_empty() {
        return Verdict::Skipped("there is no data folder yet; a node makes it when it starts".to_owned());
    }
    let findings = there.iter().flat_map(|path| open_to_others(path, facts.uid));
    Verdict::of(findings.collect(), format!("{} folders and files, each this account's alone", there.len()))
}

/// Others can reach what is meant for one account.
pub(crate) fn is_open(path: &PathFacts) -> bool {
    path.is_there && !path.is_link && path.mode & 0o077 != 0
}

pub(crate) fn open_to_others(path: &PathFacts, uid: u32) -> Option<Finding> {
    let shown = path.path.display();
    // Root may look at anybody's node.
    if path.uid != uid && uid != 0 && !path.is_link {
        let why = "a node of this account can't keep it, or its owner can read what is in it";
        let todo = format!("run this as its owner, or as root: chown -R {uid} {}", word(&path.path));
        return Some(Finding::wrong(format!("{shown} belongs to another account (uid {})", path.uid), why, todo));
    }
    let closed = if path.is_folder { 700 } else { 600 };
    let todo = format!("chmod {closed} {}   # or `agent-runtime doctor --fix`", word(&path.path));
    is_open(path)
        .then(|| Finding::wrong(format!("{shown} is open to others (mode {:03o})", path.mode), WHY_PRIVATE, todo))
}

pub(crate) fn disk(facts: &Facts) -> Verdict {
    let (Some(disk), Some(data)) = (facts.disk, &facts.data) else {
        return Verdict::Skipped(NO_CONFIG.to_owned());
    };
    let good = format!("{} MB free", disk.free_bytes / 1_000_000);
    Verdict::of(of_disk(disk, &word(data)), good)
}

fn of_disk(disk: Disk, data: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let room = format!("{} MB are free on the disk of {data}", disk.free_bytes / 1_000_000);
    let todo = format!("free some space: du -xh --max-depth=2 {data} | sort -h | tail");
    if disk.free_bytes < FREE_BYTES_MIN {
        let why = "a node on a full disk accepts nothing; nothing is lost, and it goes on when there is room";
        findings.push(Finding::wrong(room, why, todo));
    } else if disk.free_bytes < FREE_BYTES_SCARCE {
        findings.push(Finding::note(room, "when it is full, nothing is accepted any more", todo));
    }
    if let Some(files) = disk.free_files.filter(|files| *files < FREE_FILES_MIN) {
        let why = "logs, records and notes are files of their own, and none can be made without one";
        let what = format!("only {files} more files can be made on the disk of {data}");
        findings.push(Finding::wrong(
            what,
            why,
            format!("find the many small ones: du --inodes -x {data} | sort -n | tail"),
        ));
    }
    if disk.is_remote {
        let why =
            "SQLite's write-ahead log needs shared memory, and locks there may not hold: the store can be damaged";
        let what = format!("{data} is on another machine's disk");
        findings.push(Finding::wrong(
            what,
            why,
            "stop the node, move the folder to a disk of this machine, and name it by `node.data`",
        ));
    }
    findings
}

pub(crate) fn copy(facts: &Facts) -> Verdict {
    if facts.data.is_none() {
        return Verdict::Skipped(NO_CONFIG.to_owned());
    }
    let data = facts.data_word();
    let each = facts.copies.iter().map(|other| {
        let why = "a node on each would do the same work twice, and sign two pasts with one key";
        let todo =
            format!("move it off this disk, or make it an archive: tar -czf copy.tgz {0} && rm -r {0}", word(other));
        Finding::note(format!("{} is a copy of {data}", other.display()), why, todo)
    });
    Verdict::of(each.collect(), "none beside it")
}

pub(crate) fn clock(facts: &Facts) -> Verdict {
    let clock = &facts.clock;
    let todo = "timedatectl status   # then `timedatectl set-ntp true`";
    let mut findings = Vec::new();
    if clock.now_ms != 0 && clock.now_ms < CLOCK_MS_MIN {
        let why = "days, budgets and expiry are reckoned by it";
        findings.push(Finding::wrong("the clock is years behind", why, todo));
    }
    if let Some(ahead) = clock.newest_file_ms.map(|file| file - clock.now_ms).filter(|ahead| *ahead > AHEAD_MS_MAX) {
        let what = format!("the node's own files are {} s ahead of the clock", ahead / 1_000);
        let why = "the clock was set back: dates come late, and budgets of a day may count for another one";
        findings.push(Finding::wrong(what, why, todo));
    }
    if clock.drift_ms.abs() > DRIFT_MS_MAX {
        let what = format!("the clock was set by {} ms while this looked at it", clock.drift_ms);
        findings.push(Finding::note(what, "dates jump; the order of events does not hang on them", todo));
    }
    Verdict::of(findings, "no sign that it is wrong (no network was asked)")
}

pub(crate) fn limits(facts: &Facts) -> Verdict {
    let limits = &facts.limits;
    let why = "each session, folder and database takes some; beyond the limit nothing more can be opened";
    let todo = "raise it: `LimitNOFILE=65536` in the unit, or `nofile` in /etc/security/limits.conf";
    let few = |whose: &str, files: Option<u64>| {
        let files = files.filter(|files| *files < FILES_MIN)?;
        Some(Finding::wrong(format!("{whose} may have {files} files open at most"), why, todo))
    };
    let mut findings: Vec<Finding> =
        [few("this account", limits.files), few("the running node", limits.node_files)].into_iter().flatten().collect();
    if let Some((variable, locale)) = &limits.locale
        && !["UTF-8", "UTF8"].iter().any(|name| locale.to_ascii_uppercase().contains(name))
    {
        let what = format!("the locale is not one of UTF-8 ({variable}={locale})");
        findings.push(Finding::note(
            what,
            "a terminal may show letters of other languages wrongly",
            "export LC_ALL=C.UTF-8",
        ));
    }
    Verdict::of(findings, limits.files.map_or("no limit".to_owned(), |files| format!("{files} open files")))
}

#[cfg(test)]
mod tests;
