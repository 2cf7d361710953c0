//! What a process and its folder come to at one moment, read from outside.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use rustix::process::Pid;
use serde::Serialize;

/// Kernel clock ticks a second; Linux has told programs 100 on every architecture since 2.6.
const TICKS_PER_SECOND: f64 = 100.0;

/// One look.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Sample {
    /// Seconds since the beginning.
    pub at_s: f64,
    /// Events that have ended.
    pub events: u64,
    /// Resident memory.
    pub rss_mb: f64,
    /// Of that, what is no file's.
    pub anonymous_mb: f64,
    /// Open files and sockets.
    pub open_files: u32,
    /// Threads.
    pub threads: u32,
    /// Children that have ended and that nobody has waited for.
    pub zombies: u32,
    /// CPU seconds used.
    pub cpu_s: f64,
    /// Sizes on the disk.
    pub disk: Disk,
}

/// Bytes below the data folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// The store's file.
    pub store: u64,
    /// Write-ahead logs, of store and indexes.
    pub wal: u64,
    /// Chat logs.
    pub logs: u64,
    /// Search indexes.
    pub index: u64,
    /// All else: knowledge, records of tasks, definitions.
    pub rest: u64,
}

impl Sample {
    /// Reads a node's.
    pub(super) fn read(pid: Pid, data: &Path, at_s: f64, events: u64) -> anyhow::Result<Self> {
        let proc = format!("/proc/{}", pid.as_raw_nonzero());
        let status = fs::read_to_string(format!("{proc}/status")).context("the node's status")?;
        let kib = |name: &str| -> f64 { number(&status, name).unwrap_or_default() };
        let stat = fs::read_to_string(format!("{proc}/stat"))?;
        let open_files = fs::read_dir(format!("{proc}/fd"))?.count();
        let mut disk = Disk::default();
        disk.add(data);
        Ok(Self {
            at_s,
            events,
            rss_mb: kib("VmRSS:") * 1_024.0 / 1e6,
            anonymous_mb: kib("RssAnon:") * 1_024.0 / 1e6,
            open_files: u32::try_from(open_files).unwrap_or(u32::MAX),
            threads: number(&status, "Threads:").unwrap_or_default(),
            zombies: zombies(pid),
            cpu_s: cpu_s(&stat),
            disk,
        })
    }
}

fn number<T: std::str::FromStr>(status: &str, name: &str) -> Option<T> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15, counted behind the name in brackets, which may hold spaces (proc(5)).
fn cpu_s(stat: &str) -> f64 {
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// Processes whose parent it is and that are zombies. One that ends while it is looked at is none.
fn zombies(parent: Pid) -> u32 {
    let parent = parent.as_raw_nonzero().to_string();
    let Ok(all) = fs::read_dir("/proc") else { return 0 };
    let stats = all.flatten().filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    let is_zombie = |stat: &String| {
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.next() == Some("Z") && fields.next() == Some(parent.as_str())
    };
    u32::try_from(stats.filter(is_zombie).count()).unwrap_or(u32::MAX)
}

impl Disk {
    /// What grows with what is said, and is never made smaller by itself.
    pub(super) fn kept(&self) -> u64 {
        self.store + self.logs
    }

    /// Files come and go meanwhile: what is not there is nothing.
    fn add(&mut self, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let (path, Ok(meta)) = (entry.path(), entry.metadata()) else { continue };
            if meta.is_dir() {
                self.add(&path);
            } else {
                *self.part(&path) += meta.len();
            }
        }
    }

    fn part(&mut self, path: &Path) -> &mut u64 {
        let is_below = |name: &str| path.components().any(|part| part.as_os_str() == name);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with("-wal") {
            &mut self.wal
        } else if name.starts_with("meta.sqlite") {
            &mut self.store
        } else if is_below(".index") {
            &mut self.index
        } else if is_below("logs") {
            &mut self.logs
        } else {
            &mut self.rest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_with_its_zombies_and_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = |path: &str, bytes: usize| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![b'x'; bytes]).unwrap();
        };
        file("agent-runtime/meta.sqlite", 10);
        file("agent-runtime/meta.sqlite-wal", 20);
        file("workspaces/home/logs/console/general.md", 30);
        file("workspaces/home/.index/index.sqlite", 40);
        file("workspaces/home/notes.md", 50);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let read = || Sample::read(rustix::process::getpid(), folder.path(), 1.0, 2).unwrap();
        let mut found = read();
        // It ends by itself, and nobody has waited for it.
        for _ in 0..10_000 {
            if found.zombies == 1 {
                break;
            }
            found = read();
        }
        child.wait().unwrap();
        assert_eq!(found.disk, Disk { store: 10, wal: 20, logs: 30, index: 40, rest: 50 });
        assert!(found.zombies == 1 && found.rss_mb > 1.0 && found.anonymous_mb <= found.rss_mb, "{found:?}");
        assert!(found.open_files > 2 && found.threads > 0, "{found:?}");
    }
}
