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
            // The status says it already.
            let words = step.output.strip_prefix("Refused: ").unwrap_or(&step.output);
            format!(": {}", clean_line(words, OUTPUT_CHARS_MAX * 2))
        }
        StepStatus::Started | StepStatus::Done => String::new(),
    };
    format!("{what} {}{cost}{tries}{says}", step.status.as_str())
}

#[cfg(test)]
mod tests {
    use messages::store::{TaskRows, TaskView};
    use messages::task::{TaskState, Wait};

    use super::*;
    use crate::run::tests::ground::NOON;
    use crate::task::record::tests::{ended, id, rows, view};

    const HOUR_MS: i64 = 3_600_000;

    /// Newest first, as the store gives them: two lines of tasks, one of them three deep, and a dead letter.
    fn tree() -> Vec<TaskView> {
        let spent = Spent { micro_usd: 12_300, input_tokens: 1_200, output_tokens: 300, tool_calls: 4 };
        vec![
            TaskView { discarded_by: Some("console:ann".into()), ..view("dead", None, TaskState::Dead, None) },
            view("deep", Some("two"), TaskState::Queued, None),
            view("two", Some("k"), TaskState::Waiting, Some(Wait::Child)),
            view("one", Some("k"), TaskState::Succeeded, None),
            view("other", None, TaskState::Running, None),
            TaskView { spent, ..view("k", None, TaskState::Waiting, Some(Wait::Child)) },
            view("orphan", Some("not shown here"), TaskState::Blocked, None),
        ]
    }

    #[test]
    fn a_list_shows_each_task_with_its_subtasks_below_it() {
        insta::assert_snapshot!("list", list(&tree(), true, NOON.plus_ms(2 * HOUR_MS)));
    }

    #[test]
    fn an_empty_list_says_where_others_are() {
        assert_eq!(list(&[], false, NOON), "No task is open here. `/tasks all` lists those that have ended.");
        assert_eq!(list(&[], true, NOON), "No task was ever made here.");
    }

    #[test]
    fn every_task_of_a_list_is_shown_once() {
        let shown = list(&tree(), true, NOON);
        for task in tree() {
            assert_eq!(shown.matches(task.id.as_str()).count(), 1, "{}", task.id);
        }
    }

    #[test]
    fn one_task_is_shown_with_its_steps_and_all_below_it() {
        let below: Vec<TaskView> = tree().into_iter().filter(|task| task.parent.is_some()).collect();
        insta::assert_snapshot!("show", whole(&rows(), &below));
        insta::assert_snapshot!("show_ended", whole(&ended(), &[]));
    }

    #[test]
    fn what_can_be_done_next_is_said_of_what_is_open_alone() {
        let says = |state: TaskState, wait: Option<Wait>| {
            let mut rows: TaskRows = rows();
            (rows.task.state, rows.task.wait) = (state, wait);
            let text = whole(&rows, &[]);
            (text.contains("/tasks retry"), text.contains("/tasks cancel"))
        };
        for state in TaskState::ALL {
            assert_eq!(says(state, None), (false, !state.is_terminal()), "{state}");
        }
        for wait in Wait::ALL {
            let person = matches!(wait, Wait::InDoubt | Wait::Quota);
            assert_eq!(says(TaskState::Waiting, Some(wait)), (person, true), "{wait}");
        }
    }

    #[test]
    fn ages_are_said_in_the_largest_unit_that_fits() {
        let ages =
            [0, 59_999, 60_000, HOUR_MS - 1, HOUR_MS, 48 * HOUR_MS - 1, 48 * HOUR_MS, 400 * 24 * HOUR_MS].map(age);
        assert_eq!(ages, ["0 s", "59 s", "1 min", "59 min", "1 h", "47 h", "2 days", "400 days"]);
    }

    #[test]
    fn long_and_hostile_words_of_a_step_stay_on_one_short_line() {
        let mut step = rows().steps[1].clone();
        let What::Tool(call) = &mut step.what else { panic!("no tool") };
        (call.name, call.arguments) = ("na\nme\u{1b}".repeat(100), "{\n}".repeat(10_000));
        (step.status, step.output) = (StepStatus::Failed, "no\n".repeat(10_000));
        let line = step_line(&step);
        assert!(line.chars().count() < 400 && !line.chars().any(char::is_control), "{line:?}");
        assert!(!line.contains(id("k").as_str()));
    }
}
