//! The command line of backups.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Read, Where};

#[derive(Debug, Subcommand)]
pub(crate) enum Backup {
    /// One file of the store and all workspaces, made while the node runs or while it does not, and verified at once. Exit
    /// code 8 when something is wrong with the store.
    Create(BackupCreate),
    /// Look at every byte of a backup, its store and its audit chain. Exit code 8 when something is wrong.
    Verify(BackupVerify),
    /// The backups of a folder: when each was made, and of what. Exit code 8 when one can't be read.
    List(BackupList),
}

#[derive(Debug, Args)]
pub(crate) struct BackupCreate {
    /// The file to make [default: agent-runtime-<UTC time>.tar.zst in the working folder, with .age when it is encrypted].
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) read: Read,
    /// Encrypt it: a recipient of age (`age1…`), or a file that holds recipients, a key of `age-keygen`, or a passphrase.
    #[arg(long, value_name = "RECIPIENT or FILE")]
    pub(crate) encrypt_to: Option<String>,
}

/// With what an encrypted backup is read.
#[derive(Debug, Clone, Args)]
pub(crate) struct WithKey {
    /// For an encrypted backup: a file, mode 0600, that holds the key of `age-keygen`, or the passphrase.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BackupVerify {
    /// The backup.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) with: WithKey,
    /// JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BackupList {
    /// The folder of the backups.
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) with: WithKey,
    /// JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) place: Where,
    #[command(flatten)]
    pub(crate) with: WithKey,
    /// Move what the data folder holds aside, into a folder beside it, instead of refusing.
    #[arg(long)]
    pub(crate) replace: bool,
    /// JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}
