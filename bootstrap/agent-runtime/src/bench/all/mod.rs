//! All benches, each in a process of its own, one after the other: one table, and the machine it was measured on.

mod machine;
mod plan;
mod table;

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Serialize;
use serde_json::Value;

use self::machine::Machine;
use self::plan::{Bench, PLAN};
use self::table::{Row, rows};
use super::child::{kill_below, program};
use super::numbers::{now, round};
use crate::commands::give_json;
use crate::logging;

/// How long one run of one bench may take.
const RUN_MAX: Duration = Duration::from_secs(600);
/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes that a bench may say.
const SAID_BYTES_MAX: u64 = 1024 * 1024;

/// How it is told.
pub(super) struct Told {
    pub(super) json: bool,
    pub(super) markdown: bool,
    /// A file with markers, between which the table goes.
    pub(super) into: Option<PathBuf>,
}

/// The table with all that it takes to read it.
#[derive(Debug, Serialize)]
struct Document {
    /// The version of this document.
    format: u32,
    /// Smaller loads and one run of each: whether it works, not how fast it is.
    quick: bool,
    machine: Machine,
    seconds: f64,
    rows: Vec<Row>,
    failed: Vec<Failed>,
}

/// A bench that came to nothing.
#[derive(Debug, Serialize)]
struct Failed {
    bench: String,
    why: String,
}

pub(super) fn run(quick: bool, told: &Told) -> anyhow::Result<ExitCode> {
    // Before minutes are spent on it.
    told.into.as_deref().map(table::check).transpose()?;
    let begin = now();
    let (machine, mut all, mut failed) = (Machine::look()?, Vec::new(), Vec::new());
    for (n, bench) in PLAN.iter().enumerate() {
        let (name, runs) = (bench.name(quick), if quick { 1 } else { bench.runs });
        logging::say(&format!("{} of {}: {name}, {runs} times", n + 1, PLAN.len()));
        match measured(bench, quick, runs) {
            Ok(rows) => all.extend(rows),
            Err(why) => {
                logging::say(&format!("{name} failed: {why:#}"));
                failed.push(Failed { bench: name, why: format!("{why:#}") });
            }
        }
    }
    let seconds = round(begin.elapsed().as_secs_f64());
    let document = Document { format: 1, quick, machine, seconds, rows: all, failed };
    if let Some(file) = &told.into {
        table::put(file, &document)?;
    }
    if told.json {
        give_json(&document)?;
    } else if told.markdown {
        logging::give(table::markdown(&document).trim_end());
    } else {
        table::give(&document);
    }
    Ok(if document.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The rows of one bench over its runs.
fn measured(bench: &Bench, quick: bool, runs: usize) -> anyhow::Result<Vec<Row>> {
    let mut said = Vec::with_capacity(runs);
    for _ in 0..runs {
        said.push(one(bench.args(quick))?);
    }
    rows(&bench.name(quick), bench.rows, &said)
}

/// One run in a process of its own: what it gives.
fn one(args: &[&str]) -> anyhow::Result<Value> {
    let mut command: Command = program()?;
    let mut child =
        command.arg("bench").args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (out, err) = (child.stdout.take().context("a pipe")?, child.stderr.take().context("a pipe")?);
    let out = std::thread::spawn(move || read(out));
    let err = std::thread::spawn(move || read(err));
    let begin = now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begin.elapsed() > RUN_MAX {
            kill_below(child.id());
            child.kill()?;
            child.wait()?;
            bail!("it did not end within {} s", RUN_MAX.as_secs());
        }
        std::thread::sleep(LOOK);
    };
    let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    if !status.success() {
        bail!("it ended with {status}: {}", err.lines().last().unwrap_or("it said nothing"));
    }
    serde_json::from_str(&out).with_context(|| format!("what it gives is no JSON: {out}"))
}

fn read(from: impl std::io::Read) -> String {
    let mut text = Vec::new();
    // What can't be read is missing from what is told, which shows.
    from.take(SAID_BYTES_MAX).read_to_end(&mut text).ok();
    String::from_utf8_lossy(&text).into_owned()
}
