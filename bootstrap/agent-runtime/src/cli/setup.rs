//! What sets a node up and looks after it.

use std::path::PathBuf;

use clap::Subcommand;

use super::Read;

/// The configuration: written, checked, explained.
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
