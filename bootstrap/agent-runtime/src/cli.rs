//! The command line.

mod backup;
mod cluster;
mod pki;
mod retention;
mod secrets;
mod setup;
mod tasks;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use messages::Slug;

pub(crate) use backup::{Backup, BackupCreate, BackupList, BackupVerify, Restore};
pub(crate) use cluster::Drain;
pub(crate) use pki::{Pki, PkiNode, PkiPlace, PkiRenew, PkiRevoke};
pub(crate) use retention::ForgetUser;
pub(crate) use secrets::{Secrets, SecretsList, SecretsRm, SecretsRotate, SecretsSet};
pub(crate) use setup::{Completions, Config, Doctor, Explain};
pub(crate) use tasks::{OneTask, Task, Tasks, TasksAction, TasksList, TasksOf};

/// What `--version` gives; `-V` gives the number alone.
const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit   ",
    env!("RUNTIME_BUILD_COMMIT"),
    "\nprofile  ",
    env!("RUNTIME_BUILD_PROFILE"),
    "\ncompiler ",
    env!("RUNTIME_BUILD_RUSTC")
);

/// A self-hosted runtime for AI agents that a team can trust.
///
/// Begin with `agent-runtime chat --notes DIR`: it starts a node in this process and answers from the Markdown in DIR,
/// with no key, no download and no server.
#[derive(Debug, Parser)]
#[command(
    name = "agent-runtime",
    version,
    long_version = LONG_VERSION,
    propagate_version = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Talk in a context: at the terminal, or one message a line from standard input.
    Chat(Chat),
    /// Run a node until it is told to stop (SIGTERM or Ctrl-C).
    Serve(Serve),
    /// How the node that serves this data folder stands.
    Status(Read),
    /// Give a context work to do in steps, beside its conversation.
    ///
    /// Its id is printed; the result comes to the chat of the context, and with `--wait` here. A task has a budget and
    /// survives the node. `agent-runtime tasks` shows how it stands.
    Task(Task),
    /// List tasks and their subtasks, show one, or decide on it.
    ///
    /// Without anything else: those that have not ended, and those that failed too often and that nobody has read.
    Tasks(Tasks),
    /// What was spent, by day and account.
    Usage(Usage),
    /// The models that can be asked, what they cost, and whether they answer.
    #[command(subcommand)]
    Model(Model),
    /// How the search index of a workspace stands, why it finds what it finds, or make it again.
    ///
    /// The index is derived from the files: it is brought up to date by itself, and can be deleted at any time.
    #[command(subcommand)]
    Index(Index),
    /// The live tree of actors with their gauges; at the hub of a cluster, those of all nodes.
    Actors(Actors),
    /// Prove the promises over the whole store, its logs and its indexes. Exit code 8 when something is wrong.
    Verify(Read),
    /// Make a backup of the data folder beside a running node, verify backups, list them.
    #[command(subcommand)]
    Backup(Backup),
    /// Make a data folder from a backup.
    ///
    /// The restored store is a new generation: nothing is answered, sent or run again that may have been after the backup
    /// was made. Each such thing is in doubt and says so. docs/backup.md tells what becomes of what.
    Restore(Restore),
    /// How long what is kept, how much is past its time, and when it was last erased.
    Retention(Read),
    /// Erase all that a person wrote, and what came of it.
    ForgetUser(ForgetUser),
    /// Read and verify the audit chain.
    #[command(subcommand)]
    Audit(Audit),
    /// The nodes of a cluster, as the node of this data folder knows them.
    Nodes(Read),
    /// Which node of a cluster holds what, since when, and why: asked of the hub, with reasons.
    Placement(Read),
    /// Have a node give all it holds to others, so that it can be stopped: the one of this data folder, or another by name.
    ///
    /// Another node is named at the hub or at a connector; the hub tells it. It takes nothing again before `--undo`, or its
    /// next start.
    Drain(Drain),
    /// Certificates by which the nodes of a cluster know each other: made, issued, shown, renewed, revoked.
    #[command(subcommand)]
    Pki(Pki),
    /// Make, list and show workspaces.
    #[command(subcommand)]
    Workspace(Workspace),
    /// Make, list and show contexts.
    #[command(subcommand)]
    Context(Context),
    /// Look for what is wrong around a node, with what to do. Exit code 1 when something is.
    ///
    /// Without a node it looks at files and the machine alone. It changes nothing without `--fix`.
    Doctor(Doctor),
    /// The page of a check of `doctor`: what it looks at, why it matters, what to do.
    Explain(Explain),
    /// The configuration: write a file with every key, check it, explain a key.
    #[command(subcommand)]
    Config(Config),
    /// The encrypted store of secrets: set one, list them, give all of them another key, remove one.
    #[command(subcommand)]
    Secrets(Secrets),
    /// What a shell needs to complete commands of this program, on standard output.
    Completions(Completions),
    /// Measure this machine: prints JSON.
    #[command(subcommand)]
    Bench(crate::bench::Bench),
}

/// Where the node is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Where {
    /// The data folder; it is made when it is not there [default: ./data, or what the configuration says].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration file [default: ./agent-runtime.toml, if there is one].
    #[arg(long, value_name = "FILE", env = "AGENT_RUNTIME_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Chat {
    #[command(flatten)]
    pub(crate) place: Where,
    /// A folder of Markdown of your own: it is read and searched, never written.
    #[arg(long, value_name = "DIR")]
    pub(crate) notes: Option<PathBuf>,
    /// The workspace.
    #[arg(long, value_name = "ID", default_value = "home")]
    pub(crate) workspace: Slug,
    /// The context in it.
    #[arg(long, value_name = "NAME", default_value = "general")]
    pub(crate) context: Slug,
    /// Who speaks [default: the name of your account].
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// One JSON object a line on standard output: one for each accepted line, one for each reply.
    #[arg(long)]
    pub(crate) json: bool,
    /// Name this run of lines from standard input, so that giving the same lines again sends none twice.
    #[arg(long, value_name = "NAME")]
    pub(crate) session: Option<String>,
    /// With lines from standard input: stay until the tasks that they made have ended and their results have come. A task
    /// that waits for a person is named and not waited for.
    #[arg(long)]
    pub(crate) wait_tasks: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) place: Where,
}

#[derive(Debug, Args)]
pub(crate) struct Read {
    #[command(flatten)]
    pub(crate) place: Where,
    /// JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Usage {
    #[command(flatten)]
    pub(crate) read: Read,
    /// How many days (of UTC), today included.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(crate) days: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// All models that can be asked: prices for a million tokens, limits, and for what they are asked, in which place.
    List(Read),
    /// Ask a model one small question, for real, and tell what it cost. Exit code 1 when it does not answer.
    Test {
        /// Its name, as `model list` shows it [default: the first that is asked in a chat].
        name: Option<String>,
        #[command(flatten)]
        read: Read,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Index {
    /// What it covers, how much is in it, what was left out and why.
    Status(IndexOf),
    /// Throw it away and make it again, beside the searches that go on.
    Rebuild(IndexOf),
    /// Why passages are found: the parts of each score, word by word. All knowledge of the workspace is searched, whatever
    /// contexts may read; no logs and no memories.
    Explain {
        /// The query, as it would stand behind `/search`.
        #[arg(required = true, value_name = "QUERY")]
        query: Vec<String>,
        #[command(flatten)]
        of: IndexOf,
        /// How many passages.
        #[arg(short = 'n', long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
        limit: u32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct IndexOf {
    #[command(flatten)]
    pub(crate) read: Read,
    /// The workspace.
    #[arg(long, value_name = "ID", default_value = "home")]
    pub(crate) workspace: Slug,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Actors {
    #[command(flatten)]
    pub(crate) read: Read,
    /// Only this node of a cluster; asked at the hub, which shows all without it
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<Slug>,
    #[command(subcommand)]
    pub(crate) action: Option<ActorsAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ActorsAction {
    /// Open an actor again that was stopped after failing too often.
    Restart {
        /// Its address, as `actors` shows it.
        address: String,
        #[command(flatten)]
        place: Where,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Make the whole chain again and compare. Exit code 8 when it does not hold.
    Verify(Read),
    /// The last records.
    Tail {
        #[command(flatten)]
        read: Read,
        /// How many.
        #[arg(short = 'n', long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=4096))]
        lines: u32,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Workspace {
    /// Make a workspace with a context `general` and a welcome page.
    Create {
        /// Its id: a-z, 0-9, - and _.
        id: Slug,
        /// Its name for people [default: the id].
        #[arg(long)]
        name: Option<String>,
        /// Make it private: only this user may use it.
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
        #[command(flatten)]
        place: Where,
    },
    /// All workspaces.
    List(Read),
    /// One workspace: its name, kind, contexts, and what is wrong with its file.
    Show {
        /// Its id.
        id: Slug,
        #[command(flatten)]
        read: Read,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Context {
    /// Make a context.
    Create {
        /// Its name: a-z, 0-9, - and _.
        name: Slug,
        /// In which workspace.
        #[arg(long, value_name = "ID", default_value = "home")]
        workspace: Slug,
        #[command(flatten)]
        place: Where,
    },
    /// All contexts of a workspace.
    List {
        /// Of which workspace.
        #[arg(long, value_name = "ID", default_value = "home")]
        workspace: Slug,
        #[command(flatten)]
        read: Read,
    },
    /// One context: what its file says, and what is in force on the running node.
    Show {
        /// Its name.
        name: Slug,
        /// In which workspace.
        #[arg(long, value_name = "ID", default_value = "home")]
        workspace: Slug,
        #[command(flatten)]
        read: Read,
    },
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
