//! `completions`: what a shell needs to complete commands.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::cli::{Cli, Completions};
use crate::logging;

pub(super) fn run(args: &Completions) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "agent-runtime", &mut script);
    let script = String::from_utf8(script).context("the completions are not UTF-8")?;
    logging::give(script.trim_end());
    Ok(ExitCode::SUCCESS)
}
