//! One file for each command.

mod audit;
mod backup;
mod chat;
mod cluster;
mod completions;
mod config;
mod definitions;
mod doctor;
mod forget;
mod index;
mod model;
mod operator;
mod pki;
mod reading;
mod reload;
mod retention;
mod secrets;
mod serve;
mod task;
mod tasks;
mod usage;
mod verify;

use std::process::ExitCode;

use serde::Serialize;

pub(crate) use config::problems;
pub(crate) use operator::try_ask_at;

use crate::cli::{Cli, Command};
use crate::logging;

/// The exit code of a verification that found something wrong.
pub(crate) const FAULTS_FOUND: u8 = 8;

/// Carries out what the command line says.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Chat(args) => chat::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Status(args) => operator::status(args).await,
        Command::Task(args) => task::run(args).await,
        Command::Tasks(args) => tasks::run(args).await,
        Command::Usage(args) => usage::run(args).await,
        Command::Model(args) => model::run(args).await,
        Command::Index(args) => index::run(args).await,
        Command::Actors(args) => operator::actors(args).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Backup(args) => backup::run(args).await,
        Command::Restore(args) => backup::restore(args).await,
        Command::Retention(args) => retention::run(args).await,
        Command::ForgetUser(args) => forget::run(args).await,
        Command::Audit(args) => audit::run(args),
        Command::Nodes(args) => cluster::nodes(args).await,
        Command::Placement(args) => cluster::placement(args).await,
        Command::Drain(args) => cluster::drain(args).await,
        Command::Pki(args) => pki::run(args).await,
        Command::Workspace(args) => definitions::workspace(args).await,
        Command::Context(args) => definitions::context(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Explain(args) => doctor::explain(&args),
        Command::Secrets(args) => secrets::run(args).await,
        Command::Completions(args) => completions::run(&args),
        Command::Config(args) => config::run(args),
        Command::Bench(args) => crate::bench::run(args).await,
    }
}

/// Bytes as people read them.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Gives a value as JSON on standard output.
pub(crate) fn give_json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    logging::give(&serde_json::to_string(value)?);
    Ok(())
}

/// Gives rows in columns; the last column is as wide as it needs.
pub(crate) fn give_table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(header);
    for row in rows {
        table.add_row(row);
    }
    logging::give(table.trim_fmt().as_str());
}
