//! `agent-runtime`: the one binary of operators. It wires the crates together and decides nothing.

mod account;
mod bench;
mod cli;
mod commands;
mod doctor;
#[cfg(feature = "failpoints")]
mod kill;
mod logging;
mod node;
mod notify;

use std::process::ExitCode;

use clap::Parser as _;

/// A shell allows 1,024 open files, which a node full of sessions would use up and then could open no other.
fn raise_files_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limits = getrlimit(Resource::Nofile);
    // As much as is allowed; when even that is refused it goes on with what there is.
    setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, ..limits }).ok();
}

/// What is in memory holds keys and people's words: no core of it is written, and no other process of this account may look
/// into it. A test build may be looked into.
#[cfg(not(feature = "failpoints"))]
fn keep_memory_private() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    // Both can be refused by nobody but a filter of system calls; the one makes up for the other.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).ok();
}

fn main() -> ExitCode {
    heap::keep_together();
    #[cfg(not(feature = "failpoints"))]
    keep_memory_private();
    // Before any TLS configuration is made; a second call would be refused, and there is none.
    drop(rustls::crypto::ring::default_provider().install_default());
    #[cfg(feature = "failpoints")]
    kill::arm_from_env();
    let cli = cli::Cli::parse();
    raise_files_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(node::threads()).enable_all().build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(commands::run(cli));
            // A blocking read of the terminal must not hold up the end.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(anyhow::anyhow!("the runtime can't be started: {error}")),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            logging::tell_error(&error);
            ExitCode::FAILURE
        }
    }
}
