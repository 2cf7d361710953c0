//! `backup` and `restore`: the format is the crate `backup`'s, the store's part is `store`'s; here they meet the files.

mod create;
mod files;
mod keys;
mod list;
mod logs;
mod place;
mod restore;
mod scratch;
mod verify;

use std::process::ExitCode;

use crate::cli::{Backup, Restore};

/// The store and the workspaces as members of a backup: their places in the data folder.
const STORE: &str = "agent-runtime/meta.sqlite";
const KEY: &str = "agent-runtime/audit.key";
/// Encrypted as it is; its key is never in a backup.
const SECRETS: &str = "agent-runtime/secrets.age";
const WORKSPACES: &str = "workspaces/";
/// Bytes that are read or written at a time.
const BLOCK_BYTES: usize = 1 << 20;

pub(super) async fn run(args: Backup) -> anyhow::Result<ExitCode> {
    tokio::task::spawn_blocking(move || match args {
        Backup::Create(args) => create::run(&args),
        Backup::Verify(args) => verify::run(&args),
        Backup::List(args) => list::run(&args),
    })
    .await?
}

pub(super) async fn restore(args: Restore) -> anyhow::Result<ExitCode> {
    tokio::task::spawn_blocking(move || restore::run(&args)).await?
}
