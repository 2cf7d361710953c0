//! `tasks`: what the running node knows of the tasks of a workspace, and what a person decides of them.

use std::process::ExitCode;

use anyhow::bail;
use console::wire::{AdminAsk, Answered};
use messages::admin::TaskDo;
use messages::membership::Reply;
use messages::step::{StepStatus, What};
use messages::store::{StepRow, TaskFound, TaskRows, TaskView};
use messages::{Address, Moment, TaskId};
use runtime::{Clock as _, SystemClock};
use serde_json::json;
use workspaces::Layout;

use super::operator::{self, ask};
use super::reading::{dollars, span, state, tree};
use super::{give_json, give_table};
use crate::cli::{OneTask, Tasks, TasksAction, TasksList, TasksOf, Where};
use crate::logging;
use crate::node::{self, HOME};

/// Tasks of one page.
const PAGE_MAX: u32 = 128;
/// The most tasks of one list.
const LISTED_MAX: usize = 1_024;
/// Characters of a title in a table.
const TITLE_CHARS_MAX: usize = 60;

pub(super) async fn run(args: Tasks) -> anyhow::Result<ExitCode> {
    match args.action {
        None => list(args.list).await,
        Some(TasksAction::List(of)) => list(of).await,
        Some(TasksAction::Show(one)) => show(one).await,
        Some(TasksAction::Cancel(one)) => decide(one, TaskDo::Cancel).await,
        Some(TasksAction::Retry(one)) => decide(one, TaskDo::Retry).await,
        Some(TasksAction::Discard(one)) => decide(one, TaskDo::Discard).await,
    }
}

async fn list(TasksList { of, all }: TasksList) -> anyhow::Result<ExitCode> {
    is_there(&of).await?;
    let mut tasks: Vec<TaskView> = Vec::new();
    loop {
        let before = tasks.last().map(|task| task.place);
        let what = AdminAsk::Tasks { workspace: of.workspace.clone(), open: !all, before, limit: PAGE_MAX };
        let Answered::Tasks(page) = ask_home(&of.read.place, what).await? else { return other() };
        let is_last = page.is_empty();
        tasks.extend(page);
        if is_last || tasks.len() >= LISTED_MAX {
            break;
        }
    }
    tasks.truncate(LISTED_MAX);
    if of.read.json {
        give_json(&tasks)?;
    } else if tasks.is_empty() {
        logging::say(if all { "there is no task" } else { "no task is open; `--all` shows those that have ended" });
    } else {
        give_tree(&tasks);
    }
    Ok(ExitCode::SUCCESS)
}

fn give_tree(tasks: &[TaskView]) {
    let now = SystemClock.now();
    let header = ["TASK", "STATE", "SPENT", "AGE", "TITLE"];
    give_table(&header, tree(tasks).into_iter().map(|(depth, task)| row(depth, task, now)));
}

fn row(depth: usize, task: &TaskView, now: Moment) -> Vec<String> {
    let title: String =
        task.title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TITLE_CHARS_MAX).collect();
    vec![
        format!("{}{}", "  ".repeat(depth), task.id),
        state(task),
        dollars(task.spent.micro_usd),
        span(now.ms_since(task.created_at)),
        title,
    ]
}

async fn show(OneTask { id, of }: OneTask) -> anyhow::Result<ExitCode> {
    is_there(&of).await?;
    let prefix = prefix(&id)?;
    let what = AdminAsk::Task { workspace: of.workspace.clone(), prefix: prefix.clone() };
    let Answered::Task(found) = ask_home(&of.read.place, what).await? else { return other() };
    match found {
        TaskFound::Unknown => {
            bail!("there is no task `{prefix}` in `{}`; `tasks --all` names those that are", of.workspace)
        }
        TaskFound::Ambiguous(ids) => {
            let ids: Vec<&str> = ids.iter().map(TaskId::as_str).collect();
            bail!("`{prefix}` begins several tasks ({}); give more of the id", ids.join(", "))
        }
        TaskFound::Found(rows, below) if of.read.json => {
            give_json(&json!({ "task": rows.task, "steps": rows.steps, "below": below }))?;
        }
        TaskFound::Found(rows, below) => give_task(&rows, &below),
    }
    Ok(ExitCode::SUCCESS)
}

fn give_task(rows: &TaskRows, below: &[TaskView]) {
    let task = &rows.task;
    let utc = |at: Moment| markdown::civil::utc(at.0);
    let wait = task.wait.map(|wait| format!(" for {wait}")).unwrap_or_default();
    let because = if task.reason.is_empty() { String::new() } else { format!(" — {}", task.reason) };
    let ended = task.ended_at.map(|at| format!(", ended {}", utc(at))).unwrap_or_default();
    let own = rows.steps.iter().fold(0_u64, |sum, step| sum.saturating_add(step.micro_usd));
    let lines = [
        format!("{} {}", task.id, task.spec.title),
        format!("state    {}{wait}{because}", task.state),
        format!("made     {} by {} in {}{ended}", utc(task.created_at), task.spec.turn.principal.user, task.context),
        format!("runs     {}, {} failures, {} times its node was lost", task.run, task.failures, task.lost),
        format!("spent    {} by its own steps, of a budget of {}", dollars(own), dollars(task.budget.micro_usd)),
        format!("deadline {}", utc(task.deadline)),
        format!("asked    {}", task.spec.input),
    ];
    logging::give(&console::escape::for_terminal(&lines.join("\n")));
    if !rows.steps.is_empty() {
        logging::give("");
        give_table(&["STEP", "DOES", "STATUS", "TOOK", "COST", "TOKENS"], rows.steps.iter().map(step));
    }
    if !below.is_empty() {
        logging::give("");
        give_tree(below);
    }
    if !task.result.is_empty() {
        logging::give(&console::escape::for_terminal(&format!("\n{}", task.result)));
    }
}

fn step(step: &StepRow) -> Vec<String> {
    let does = match &step.what {
        What::Model if step.model.is_empty() => "asks a model".to_owned(),
        What::Model => format!("asks {}", step.model),
        What::Tool(call) => console::escape::for_one_line(&format!("uses {}", call.name)),
        What::Children => "waits for its subtasks".to_owned(),
    };
    let again = if step.attempt > 1 { format!(" ({} times)", step.attempt) } else { String::new() };
    let took = match (step.status, step.ended_at) {
        (StepStatus::Started, _) | (_, None) => String::new(),
        (_, Some(ended)) => format!("{} ms", ended.ms_since(step.started_at)),
    };
    vec![
        step.seq.to_string(),
        does,
        format!("{}{again}", step.status.as_str()),
        took,
        dollars(step.micro_usd),
        step.usage.tokens().to_string(),
    ]
}

async fn decide(OneTask { id, of }: OneTask, what: TaskDo) -> anyhow::Result<ExitCode> {
    is_there(&of).await?;
    let ask = AdminAsk::TaskDo { workspace: of.workspace.clone(), prefix: prefix(&id)?, what };
    let Answered::TaskDone(done) = ask_home(&of.read.place, ask).await? else { return other() };
    let done = done.map_err(anyhow::Error::msg)?;
    if of.read.json {
        give_json(&json!({ "done": done }))?;
    } else {
        logging::say(&done);
    }
    Ok(ExitCode::SUCCESS)
}

fn prefix(typed: &str) -> anyhow::Result<String> {
    TaskId::prefix(typed).map_err(anyhow::Error::msg)
}

async fn ask_home(place: &Where, what: AdminAsk) -> anyhow::Result<Answered> {
    ask(place, what, HOME, "general").await
}

/// A workspace that is not there has no tasks, which would read as if all were done.
async fn is_there(of: &TasksOf) -> anyhow::Result<()> {
    let node = node::load(&of.read.place)?.node;
    if !node.data.is_dir() {
        return Err(operator::nobody(&of.read.place));
    }
    if Layout::of_data(&node.data).workspace_file(&of.workspace).is_file() {
        return Ok(());
    }
    let workspace = &of.workspace;
    if !node.is_of_a_cluster() {
        bail!("there is no workspace `{workspace}`; `agent-runtime workspace list` names those that are there");
    }
    // Its files are another node's.
    let unit = Address::workspace(workspace).to_string();
    match ask_home(&of.read.place, AdminAsk::Cluster).await? {
        Answered::Cluster(Some(Reply::Described(view))) if view.units.iter().any(|known| known.unit == unit) => Ok(()),
        _ => bail!("no node has a workspace `{workspace}`; `agent-runtime placement` names those that are there"),
    }
}

fn other() -> anyhow::Result<ExitCode> {
    bail!("the node answered something else than was asked")
}
