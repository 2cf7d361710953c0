//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use messages::Slug;

/// A self-hosted runtime for AI agents that a team can trust.
///
/// Begin with `agent-runtime chat --notes DIR`: it starts a node in this process and answers from the Markdown in DIR,
/// with no key, no download and no server.
#[derive(Debug, Parser)]
#[command(
    name = "agent-runtime",
    version,
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
    /// The live tree of actors with their gauges.
    Actors(Actors),
    /// Prove the promises over the whole store, its logs and its indexes. Exit code 8 when something is wrong.
    Verify(Read),
    /// Read and verify the audit chain.
    #[command(subcommand)]
    Audit(Audit),
    /// Make, list and show workspaces.
    #[command(subcommand)]
    Workspace(Workspace),
    /// Make, list and show contexts.
    #[command(subcommand)]
    Context(Context),
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
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Actors {
    #[command(flatten)]
    pub(crate) read: Read,
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
