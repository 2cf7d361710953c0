//! The command line of forgetting a person.

use clap::Args;
use messages::Slug;

use super::Read;

/// It first shows what there is, and asks. Messages, replies to them, tasks that came of them, their entries in chat logs and
/// in search indexes, and entries of memory that cite them are erased; that there was something, when, and how it ended
/// stays. What of theirs runs or waits is cancelled. It is done by the node that runs, or by one that is started for it; cut
/// off, it goes on with the next start.
///
/// Not reached: backups, what a model's provider keeps, files that people or tools wrote, and what others said of it. The
/// person's name stays in the audit and on the rows, as the record of who did what. docs/guarantees.md has the whole list.
#[derive(Debug, Args)]
pub(crate) struct ForgetUser {
    /// The person's name at the console, as `/whoami` shows it.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) read: Read,
    /// Only what they wrote in this workspace.
    #[arg(long, value_name = "ID")]
    pub(crate) workspace: Option<Slug>,
    /// Only show what there is.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
}
