//! `soak --minutes 30 --seed 7`: a node under mixed load and faults, and whether it stays as it is.
//!
//! One JSON object with `--json`, a summary for people without; a line each minute on standard error. Exit code 1 when
//! something was lost, doubled or grows. Ctrl-C ends it early, with its report.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Parser, ValueEnum as _};
use tests::process::program;
use tests::soak::{Fault, Plan, run};

/// Runs a node under mixed load and faults, and tells whether it stays as it is.
///
/// Chats, commands, tasks, searches, edits and deletes come from guests that attach and go; one of them reads slowly. Files of
/// knowledge change all the while and conversations go into memory. For four fifths of the time one process runs and is
/// sampled; then it is stopped and killed again and again.
#[derive(Debug, Parser)]
struct Args {
    /// How long; a day is 1440.
    #[arg(long, default_value_t = 30.0, value_parser = minutes)]
    minutes: f64,
    /// What decides everything random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Contexts, each with a guest.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    contexts: u16,
    /// Events a second, over all guests; the disk grows with them.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    rate: u64,
    /// Which faults there are [default: all of them; `--faults=` for none].
    #[arg(long, value_delimiter = ',', num_args = 0..)]
    faults: Option<Vec<String>>,
    /// Keep data, logs and configuration in this folder.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// The report as JSON.
    #[arg(long)]
    json: bool,
}

/// Up to a year: more is no time that anything is added to.
fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if (0.1..=525_600.0).contains(&minutes) { Ok(minutes) } else { Err("0.1 to 525600".to_owned()) }
}

fn faults(named: Option<Vec<String>>) -> anyhow::Result<Vec<Fault>> {
    let Some(named) = named else { return Ok(Fault::value_variants().to_vec()) };
    let named = named.iter().filter(|name| !name.is_empty());
    named.map(|name| Fault::from_str(name, false).map_err(|why| anyhow::anyhow!("--faults {name}: {why}"))).collect()
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let plan = Plan {
        program: program()?,
        time: Duration::from_secs_f64(args.minutes * 60.0),
        seed: args.seed,
        contexts: usize::from(args.contexts),
        rate: args.rate,
        faults: faults(args.faults)?,
        keep: args.keep,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            told.store(true, Ordering::SeqCst);
        }
    });
    let report = run(plan, stop).await?;
    let text = if args.json { serde_json::to_string(&report)? } else { report.summary() };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(if report.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
