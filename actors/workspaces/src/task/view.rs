//! Tasks in words, for `/tasks`.

use markdown::civil::utc;
use markdown::text::clean_line;
use messages::step::{StepStatus, What};
use messages::store::{StepRow, TaskRow, TaskRows, TaskView};
use messages::task::{Spent, TaskState, Wait};
use messages::{Moment, TaskId};

use crate::run::{dollars, spent};

/// Characters of a result that a list of steps shows.
const OUTPUT_CHARS_MAX: usize = 80;

/// The tasks of a context: each with its subtasks below it.
pub(crate) fn list(tasks: &[TaskView], all: bool, now: Moment) -> String {
    if tasks.is_empty() {
        return if all {
            "No task was ever made here."
        } else {
            "No task is open here. `/tasks all` lists those that have ended."
        }
        .to_owned();
    }
    let mut lines = Vec::new();
    let is_known = |id: &TaskId| tasks.iter().any(|task| task.id == *id);
    for task in tasks.iter().filter(|task| task.parent.as_ref().is_none_or(|parent| !is_known(parent))) {
        with_below(task, tasks, 0, now, &mut lines);
    }
    lines.join("\n")
}

fn with_below(task: &TaskView, all: &[TaskView], depth: usize, now: Moment, lines: &mut Vec<String>) {
    lines.push(format!("{}- {}", "  ".repeat(depth), line(task, now)));
    // No deeper than tasks can be.
    if depth < 8 {
        // Newest first in lists; subtasks read in the order in which they were made.
        for child in all.iter().rev().filter(|child| child.parent.as_ref() == Some(&task.id)) {
            with_below(child, all, depth + 1, now, lines);
        }
    }
}

fn line(task: &TaskView, now: Moment) -> String {
    let age = age(now.ms_since(task.ended_at.unwrap_or(task.created_at)));
    let since = if task.ended_at.is_some() { "ended" } else { "made" };
    let used = if task.spent == Spent::default() { String::new() } else { format!(", {}", used(task.spent)) };
    let read = if task.discarded_by.is_some() { ", discarded" } else { "" };
    format!(
        "`{}` **{}**: {} ({since} {age} ago{used}{read})",
        task.id,
        state(task.state, task.wait),
        clean_line(&task.title, 80)
    )
}

/// `waiting (quota)`.
pub(crate) fn state(state: TaskState, wait: Option<Wait>) -> String {
    wait.map_or_else(|| state.to_string(), |wait| format!("{state} ({wait})"))
}

fn used(of: Spent) -> String {
    let tokens = of.input_tokens.saturating_add(of.output_tokens);
    format!("{}, {tokens} tokens, {} uses of tools", dollars(of.micro_usd), of.tool_calls)
}

fn age(ms: i64) -> String {
    match ms / 1_000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// One task, with its steps and all below it.
pub(crate) fn whole(rows: &TaskRows, below: &[TaskView]) -> String {
    let task = &rows.task;
    let mut lines = vec![
        format!("`{}` **{}**: {}", task.id, state(task.state, task.wait), task.spec.title),
        format!(
            "- made {} by `{}` (message `{}`), run {}",
            utc(task.created_at.0),
            task.spec.turn.principal.user,
            task.inbound,
            task.run
        ),
    ];
    lines.extend(facts(rows));
    for step in &rows.steps {
        lines.push(format!("- step {}: {}", step.seq, step_line(step)));
    }
    if !below.is_empty() {
        lines.push("- subtasks:".to_owned());
        lines.extend(below.iter().map(|child| {
            format!("  - `{}` {}: {}", child.id, state(child.state, child.wait), clean_line(&child.title, 80))
        }));
    }
    if !task.result.is_empty() {
        lines.push(format!("\n{}", task.result));
    }
    lines.join("\n")
}

fn facts(rows: &TaskRows) -> Vec<String> {
    let (task, of) = (&rows.task, spent(&rows.steps));
    let mut lines = vec![format!(
        "- used {} of {}; tokens read {} of {}, written {} of {}; tools {} of {}",
        dollars(of.micro_usd),
        dollars(task.budget.micro_usd),
        of.input_tokens,
        task.budget.input_tokens,
        of.output_tokens,
        task.budget.output_tokens,
        of.tool_calls,
        task.budget.tool_calls,
    )];
    lines.extend((!task.reason.is_empty()).then(|| format!("- why: {}", task.reason)));
    lines.extend(task.not_before.map(|at| format!("- not before {}", utc(at.0))));
    lines
        .extend((task.failures > 0).then(|| format!("- failures: {} of {}", task.failures, task.spec.limits.attempts)));
    lines.extend(task.parent.as_ref().map(|parent| format!("- part of `{parent}`")));
    lines.extend(task.spec.retry_of.as_ref().map(|first| format!("- tries `{first}` again")));
    if !task.state.is_terminal() {
        lines.push(next_thing(task));
    }
    lines
}

fn next_thing(task: &TaskRow) -> String {
    let id = &task.id;
    match task.wait {
        Some(Wait::InDoubt | Wait::Quota) => {
            format!("- `/tasks retry {id}` lets it go on, `/tasks cancel {id}` ends it")
        }
        _ => format!("- `/tasks cancel {id}` ends it"),
    }
}

/// What a step did, in one line.
pub(crate) fn step_line(step: &StepRow) -> String {
    let what = match &step.what {
        What::Model if step.model.is_empty() => "model".to_owned(),
        What::Model => format!("model `{}`", step.model),
        What::Tool(call) => {
            format!("tool `{}` {}", clean_line(&call.name, 64), clean_line(&call.arguments, OUTPUT_CHARS_MAX))
        }
        What::Children => "subtasks".to_owned(),
    };
    let cost = if step.what == What::Model {
        format!(", {} tokens, {}", step.usage.tokens(), dollars(step.micro_usd))
    } else {
        String::new()
    };
    let tries = if step.attempt > 1 { format!(", {} tries", step.attempt) } else { String::new() };
    let says = match step.status {
        StepStatus::Failed | StepStatus::Refused | StepStatus::Unknown => {
            format!(": {}", clean_line(&step.output, OUTPUT_CHARS_MAX * 2))
        }
        StepStatus::Started | StepStatus::Done => String::new(),
    };
    format!("{what} {}{cost}{tries}{says}", step.status.as_str())
}
