//! Measuring this machine.

use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Bench {}

pub(crate) async fn run(bench: Bench) -> anyhow::Result<ExitCode> {
    match bench {}
}
