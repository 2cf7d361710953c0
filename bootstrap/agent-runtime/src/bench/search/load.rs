//! What indexing and searching many files costs.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::anyhow;
use retrieval::measure::Desk;
use serde_json::{Value, json};

use super::super::child::Folder;
use super::super::numbers::{latency, now, round};
use super::now_ns;

/// Bytes of a file, on average: 10,000 are 23 MB.
const FILE_BYTES: usize = 2_350;
const QUERIES: usize = 200;
/// Words that the files are made of; the lower ones come far more often, as words do.
const WORDS: usize = 30_000;
/// The most common ones stand for stop words: no query has them.
const STOP_WORDS: usize = 150;
const SEED: u64 = 41;

#[allow(clippy::cast_precision_loss)]
pub(super) fn run(files: usize) -> anyhow::Result<Value> {
    let folder = Folder::new()?;
    let workspace = folder.path().join("load");
    let mut words = Words(SEED);
    let bytes = make(&workspace, files, &mut words)?;
    let desk = Desk::new(&workspace, &[], None);
    let rss = admin::rss_bytes();
    let (index, (count, passages)) = cpu(|| scan(&desk))?;
    let grown = admin::rss_bytes().saturating_sub(rss);
    let (query, searched) = cpu(|| searches(&desk, &mut words))?;
    let changed = workspace.join("0/0.md");
    fs::write(&changed, format!("# Changed\n\n{}", words.text(FILE_BYTES)))?;
    let (change, _) = cpu(|| desk.changed(&[changed], now_ns()).map_err(|why| anyhow!(why)))?;
    let (again, _) = cpu(|| scan(&desk))?;
    Ok(json!({
        "files": count,
        "bytes": bytes,
        "passages": passages,
        "index_cpu_s": round(index),
        "rss_grown_mb": mega(grown),
        "database_mb": mega(fs::metadata(workspace.join(".index/index.sqlite"))?.len()),
        "query": searched,
        "query_cpu_ms": round(query * 1_000.0 / QUERIES as f64),
        "rss_after_queries_grown_mb": mega(admin::rss_bytes().saturating_sub(rss)),
        "one_changed_file_cpu_ms": round(change * 1_000.0),
        "whole_scan_cpu_ms": round(again * 1_000.0),
    }))
}

#[allow(clippy::cast_precision_loss)]
fn mega(bytes: u64) -> f64 {
    round(bytes as f64 / 1e6)
}

fn scan(desk: &Desk) -> anyhow::Result<(u64, u64)> {
    desk.scan(now_ns()).map_err(|why| anyhow!(why))
}

/// CPU seconds of a piece of work, and what it gave.
fn cpu<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(f64, T)> {
    let before = cpu_seconds();
    let done = work()?;
    Ok((cpu_seconds() - before, done))
}

#[allow(clippy::cast_precision_loss)]
fn cpu_seconds() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

fn searches(desk: &Desk, words: &mut Words) -> anyhow::Result<Value> {
    let mut times = Vec::with_capacity(QUERIES);
    for _ in 0..QUERIES {
        let query: Vec<String> = (0..6).map(|_| words.telling()).collect();
        let begin: Instant = now();
        desk.search(&query.join(" "), 8).map_err(|why| anyhow!(why))?;
        times.push(begin.elapsed());
    }
    Ok(latency(times))
}

fn make(workspace: &Path, files: usize, words: &mut Words) -> anyhow::Result<usize> {
    let mut bytes = 0;
    for n in 0..files {
        let folder = workspace.join((n % 100).to_string());
        if n < 100 {
            fs::create_dir_all(&folder)?;
        }
        let mut text = format!("---\ntitle: Page {n}\ntags: [t{}]\n---\n# {}\n\n", n % 7, words.text(30));
        for _ in 0..3 {
            text += &format!("## {}\n\n{}\n\n", words.text(20), words.text(FILE_BYTES / 3 - 60));
        }
        bytes += text.len();
        fs::write(folder.join(format!("{n}.md")), text)?;
    }
    Ok(bytes)
}

/// Words of a language that nobody speaks: distributed as words are (Zipf), the same for the same seed.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        // splitmix64, <https://prng.di.unimi.it/splitmix64.c>
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn word(&mut self) -> String {
        spelled(self.rank())
    }

    fn telling(&mut self) -> String {
        loop {
            let rank = self.rank();
            if rank >= STOP_WORDS {
                return spelled(rank);
            }
        }
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn rank(&mut self) -> usize {
        let part = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        (WORDS as f64).powf(part) as usize
    }

    fn text(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 16);
        while text.len() < bytes {
            text.push_str(&self.word());
            text.push(if self.next().is_multiple_of(12) { '.' } else { ' ' });
        }
        text
    }
}

/// A word for a rank: syllables, the shorter the more common.
fn spelled(mut rank: usize) -> String {
    const SYLLABLES: [&str; 20] = [
        "ka", "lo", "mi", "ten", "ra", "sol", "ve", "dun", "pir", "os", "ga", "nel", "tu", "bre", "fin", "hal", "qui",
        "zor", "em", "wy",
    ];
    let mut word = String::new();
    loop {
        word.push_str(SYLLABLES.get(rank % SYLLABLES.len()).copied().unwrap_or_default());
        rank /= SYLLABLES.len();
        if rank == 0 {
            return word;
        }
    }
}
