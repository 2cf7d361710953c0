//! The command line of secrets.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Read, Where};
use crate::doctor::word;

/// One encrypted file in the data folder; `key_secret` in the configuration names what is in it. A node reads it when it
/// starts. docs/secrets.md says where its key is, and what that protects against.
#[derive(Debug, Subcommand)]
pub(crate) enum Secrets {
    /// Set a secret: its value is read from standard input, or asked for at a terminal without being shown.
    Set(SecretsSet),
    /// Names, when each was set, and what in the configuration names it. Never values.
    List(SecretsList),
    /// Make a new key and encrypt everything for it alone.
    Rotate(SecretsRotate),
    /// Remove a secret.
    Rm(SecretsRm),
}

#[derive(Debug, Args)]
pub(crate) struct SecretsSet {
    /// Its name: 1 to 64 of a-z, 0-9 and -.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) place: Where,
    /// A value that somebody gives here all the same: it is refused without being said again.
    #[arg(hide = true, allow_hyphen_values = true, num_args = 0..)]
    pub(crate) astray: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SecretsList {
    #[command(flatten)]
    pub(crate) read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct SecretsRotate {
    #[command(flatten)]
    pub(crate) place: Where,
    /// Put the new key here instead of in place of the old one, or take the one that is here (mode 600): where the service
    /// manager gives the node its key.
    #[arg(long, value_name = "FILE")]
    pub(crate) new_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SecretsRm {
    /// Its name.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) place: Where,
    /// Also when the configuration names it: a node will not start until that is changed.
    #[arg(long)]
    pub(crate) force: bool,
}

impl Where {
    /// The flags that lead a command to the same node: ` --data /srv/x`; empty: none were given.
    pub(crate) fn flags(&self) -> String {
        let flag = |name: &str, value: &Option<PathBuf>| {
            value.as_ref().map(|value| format!(" {name} {}", word(value))).unwrap_or_default()
        };
        format!("{}{}", flag("--data", &self.data), flag("--config", &self.config))
    }
}
