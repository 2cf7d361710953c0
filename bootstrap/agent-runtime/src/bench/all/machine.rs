//! The machine and the build that were measured.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use messages::Moment;
use runtime::{Clock as _, SystemClock};
use serde::Serialize;

use super::super::child::Folder;
use super::super::numbers::{latency, now, round};
use crate::node::VERSION;

/// Syncs that are measured.
const SYNCS: u64 = 200;
/// Bytes that each has written.
const PAGE: usize = 4_096;

#[derive(Debug, Serialize)]
pub(super) struct Machine {
    /// UTC.
    pub(super) date: String,
    pub(super) version: String,
    pub(super) commit: String,
    pub(super) profile: String,
    pub(super) rustc: String,
    /// The size of the program.
    pub(super) program_mb: f64,
    pub(super) cpu: String,
    pub(super) cores: usize,
    pub(super) memory_mb: f64,
    pub(super) kernel: String,
    /// Writing a page and syncing it, in the folder that benches use.
    pub(super) fsync_p50_ms: f64,
}

impl Machine {
    pub(super) fn look() -> anyhow::Result<Self> {
        let Moment(now_ms) = SystemClock.now();
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let program = std::env::current_exe().and_then(fs::metadata).map_or(0, |meta| meta.len());
        let memory_kb: u64 = field(&file("/proc/meminfo"), "MemTotal:").trim_end_matches(" kB").parse().unwrap_or(0);
        Ok(Self {
            date: markdown::civil::utc(now_ms),
            version: VERSION.to_owned(),
            commit: env!("RUNTIME_BUILD_COMMIT").to_owned(),
            profile: env!("RUNTIME_BUILD_PROFILE").to_owned(),
            rustc: env!("RUNTIME_BUILD_RUSTC").to_owned(),
            program_mb: crate::commands::megabytes(program),
            // Not told by every architecture.
            cpu: Some(field(&file("/proc/cpuinfo"), "model name"))
                .filter(|cpu| !cpu.is_empty())
                .unwrap_or("unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            memory_mb: crate::commands::megabytes(memory_kb * 1_024),
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
            fsync_p50_ms: fsync_p50_ms()?,
        })
    }
}

fn field(text: &str, name: &str) -> String {
    let value = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    value.trim_start_matches([' ', '\t', ':']).trim_end().to_owned()
}

fn fsync_p50_ms() -> anyhow::Result<f64> {
    let folder = Folder::new()?;
    let file = File::create(folder.path().join("sync"))?;
    let mut took: Vec<Duration> = Vec::new();
    for n in 0..SYNCS {
        let begin = now();
        file.write_all_at(&[0_u8; PAGE], n * PAGE as u64)?;
        file.sync_data()?;
        took.push(begin.elapsed());
    }
    Ok(round(latency(took).get("p50_ms").and_then(serde_json::Value::as_f64).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_with_tabs_and_colons_before_it() {
        assert_eq!(field("a : b\nmodel name\t: Some CPU @ 2 GHz\n", "model name"), "Some CPU @ 2 GHz");
        assert_eq!(field("MemTotal:       100 kB\n", "MemTotal:"), "100 kB");
        assert_eq!(field("", "MemTotal:"), "");
    }

    #[test]
    fn what_is_measured_is_there() {
        let machine = Machine::look().unwrap();
        assert!(machine.cores > 0 && machine.memory_mb > 0.0 && machine.fsync_p50_ms >= 0.0, "{machine:?}");
        assert!(!machine.kernel.is_empty() && machine.rustc.contains("rustc"), "{machine:?}");
    }
}
