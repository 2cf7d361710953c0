//! `chaos --kills 200 --seed 7`: kills a node under load, again and again, and counts what became of every event.
//!
//! One JSON object on standard output, a summary for people on standard error; exit code 1 when a promise was broken.
//! It needs `cargo build --profile chaos -p agent-runtime --features failpoints`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tests::chaos::{KillMode, Load, Plan, Without, run};
use tests::process::chaos_program;

/// Each sync of a slow disk takes so much longer.
const SLOW_DISK_MS: u64 = 8;

/// Kills a node under load and counts what became of every event.
#[derive(Debug, Parser)]
struct Args {
    /// How often the node is killed.
    #[arg(long, default_value_t = 25)]
    kills: u32,
    /// What decides everything random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where it is killed: failpoints, random, both.
    #[arg(long, default_value = "both")]
    mode: KillMode,
    /// One failpoint instead of all in turn.
    #[arg(long)]
    at: Option<String>,
    /// Contexts, each with a customer.
    #[arg(long, default_value_t = 6)]
    contexts: usize,
    /// Messages between actors take their wire form.
    #[arg(long)]
    wire: bool,
    /// Customers only talk: no tasks, no tools.
    #[arg(long)]
    talk: bool,
    /// What the whole node may spend in a day, in cents [default: more than it can].
    #[arg(long)]
    node_day_cents: Option<u64>,
    /// Attempts are not marked before they begin: doubles must be found.
    #[arg(long)]
    without_marks: bool,
    /// Uses of tools are not marked before they begin: doubles must be found.
    #[arg(long, conflicts_with = "without_marks")]
    without_journal: bool,
    /// Each sync takes 8 ms longer (needs a C compiler, or a library in AGENT_RUNTIME_DISK_SHIM).
    #[arg(long)]
    slow_disk: bool,
    /// Keep data, logs and configuration in this folder.
    #[arg(long)]
    keep: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let plan = Plan {
        program: chaos_program()?,
        kills: args.kills,
        seed: args.seed,
        mode: args.mode,
        at: args.at,
        contexts: args.contexts,
        wire: args.wire,
        load: if args.talk { Load::Talk } else { Load::Tasks },
        without: match (args.without_marks, args.without_journal) {
            (true, _) => Some(Without::Marks),
            (false, true) => Some(Without::Journal),
            (false, false) => None,
        },
        node_day_cents: args.node_day_cents,
        disk_delay_ms: args.slow_disk.then_some(SLOW_DISK_MS),
        keep: args.keep,
    };
    let report = run(plan).await?;
    writeln!(std::io::stderr(), "{}", report.summary())?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&report)?)?;
    Ok(if report.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
