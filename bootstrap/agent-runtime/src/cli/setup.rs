//! What sets a node up and looks after it.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::Read;
use crate::doctor;

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Write a commented file with every key and its default. An existing file is never touched.
    Init {
        /// Where.
        #[arg(default_value = config::FILE_NAME)]
        file: PathBuf,
    },
    /// Tell everything that is wrong in file, environment and flags, at once. Exit code 1 when something is.
    Check {
        /// The file [default: the one that the node would read].
        file: Option<PathBuf>,
        #[command(flatten)]
        read: Read,
    },
    /// What a key does, what it takes, its default, its value in force and where that was set.
    Explain {
        /// The key with its tables: `runtime.mailbox_max`.
        key: String,
        #[command(flatten)]
        read: Read,
    },
    /// The JSON Schema of the file, on standard output.
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) read: Read,
    /// Repair what can be repaired without harm, and say what was done.
    #[arg(long)]
    pub(crate) fix: bool,
    /// Only these checks.
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = PossibleValuesParser::new(doctor::ids()))]
    pub(crate) only: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The id, as `doctor` shows it.
    pub(crate) id: String,
    /// JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// For which shell.
    pub(crate) shell: clap_complete::Shell,
}
