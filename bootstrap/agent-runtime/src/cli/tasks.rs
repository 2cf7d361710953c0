//! `task` and `tasks`.

use clap::{Args, Subcommand};
use messages::Slug;

use super::{Read, Where};

#[derive(Debug, Args)]
pub(crate) struct Task {
    /// What is to be done, in your own words.
    #[arg(required = true, value_name = "TEXT")]
    pub(crate) text: Vec<String>,
    #[command(flatten)]
    pub(crate) place: Where,
    /// The workspace.
    #[arg(long, value_name = "ID", default_value = "home")]
    pub(crate) workspace: Slug,
    /// The context whose prompt, tools and notes it works with.
    #[arg(long, value_name = "NAME", default_value = "general")]
    pub(crate) context: Slug,
    /// Who asks [default: the name of your account].
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Stay until it has ended, and print what it says. Exit code 1 when it does not succeed or waits for a person.
    #[arg(long)]
    pub(crate) wait: bool,
    /// One JSON object on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Tasks {
    #[command(flatten)]
    pub(crate) list: TasksList,
    #[command(subcommand)]
    pub(crate) action: Option<TasksAction>,
}

#[derive(Debug, Args)]
pub(crate) struct TasksList {
    #[command(flatten)]
    pub(crate) of: TasksOf,
    /// Also those that have ended, the last 1,024.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TasksOf {
    #[command(flatten)]
    pub(crate) read: Read,
    /// The workspace.
    #[arg(long, value_name = "ID", default_value = "home")]
    pub(crate) workspace: Slug,
}

/// One task of a workspace.
#[derive(Debug, Args)]
pub(crate) struct OneTask {
    /// Its id, or the first characters of it: `tsk_4k2v`, `4k2v`.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) of: TasksOf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TasksAction {
    /// The same as without a word: a table, subtasks below their task.
    List(TasksList),
    /// One task: what was asked, its steps, what it cost, its subtasks, its result.
    Show(OneTask),
    /// Stop it. What a step has begun is finished or known not to be.
    Cancel(OneTask),
    /// Let it go on where it waits for a person, with its budget once more if that had ended; or try it again as a new task
    /// when it has ended without success.
    Retry(OneTask),
    /// It was given up and need not be shown any more.
    Discard(OneTask),
}
