//! The record of a task: a projection of its rows, rewritten whole. Deterministic: the same rows give the same bytes.

use markdown::civil::utc;
use messages::step::Usage;
use messages::store::TaskRows;
use messages::task::Spent;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::view::step_line;
use crate::run::{dollars, spent};

/// What stands before the hash by which a record is known as ours.
const MARK: &str = "\n<!-- written by agent-runtime, sha256 ";

/// The whole file.
pub(crate) fn render(rows: &TaskRows) -> String {
    let mut text = String::from("---\n");
    for (key, value) in front(rows) {
        // JSON is YAML: one key a line reads well enough, and no title can break it.
        text.push_str(&format!("{key}: {value}\n"));
    }
    text.push_str("---\n");
    sections(rows, &mut text);
    sealed(text)
}

fn front(rows: &TaskRows) -> Vec<(&'static str, Value)> {
    let (task, of) = (&rows.task, spent(&rows.steps));
    let principal = &task.spec.turn.principal;
    let chosen = rows.steps.iter().rev().map(|step| step.model.as_str()).find(|model| !model.is_empty());
    let mut front = vec![
        ("kind", json!("task")),
        ("id", json!(task.id)),
        ("workspace", json!(task.workspace)),
        ("context", json!(task.context.leaf())),
        ("title", json!(task.spec.title)),
        ("state", json!(task.state)),
    ];
    front.extend(task.wait.map(|wait| {
        let until = task.not_before.map(|at| utc(at.0));
        ("waiting", json!({ "kind": wait, "since": utc(task.moved_at.0), "until": until }))
    }));
    front.extend([
        ("priority", json!(task.priority)),
        ("created", json!(utc(task.created_at.0))),
        ("created_by", json!({ "user": format!("{}:{}", principal.connector, principal.user), "via": task.inbound })),
        ("parent", json!(task.parent)),
        ("depends_on", json!(task.spec.depends_on)),
        ("model", json!({ "class": task.spec.purpose, "chosen": chosen })),
        ("run", json!(task.run)),
        ("failures", json!(task.failures)),
        ("budget", amounts(task.budget.whole())),
        ("spent", amounts(of)),
        ("rev", json!(task.rev)),
    ]);
    front
}

fn amounts(of: Spent) -> Value {
    json!({
        "usd": dollars(of.micro_usd),
        "input_tokens": of.input_tokens,
        "output_tokens": of.output_tokens,
        "tool_calls": of.tool_calls,
    })
}

fn sections(rows: &TaskRows, text: &mut String) {
    let task = &rows.task;
    text.push_str(&format!("\n## Input\n\n{}\n", task.spec.input.trim()));
    if !rows.steps.is_empty() {
        text.push_str("\n## Steps\n\n");
        for step in &rows.steps {
            text.push_str(&format!("{}. {}\n", step.seq, step_line(step)));
        }
        let all = rows.steps.iter().fold(Usage::default(), |sum, step| sum.plus(step.usage));
        text.push_str(&format!("\n{} tokens read ({} cached), {} written.\n", all.input, all.cached, all.output));
    }
    if !rows.children.is_empty() {
        text.push_str("\n## Subtasks\n\n");
        for child in &rows.children {
            text.push_str(&format!(
                "- {} {}: {}\n",
                child.id,
                child.state,
                markdown::text::clean_line(&child.title, 80)
            ));
        }
    }
    if !task.result.is_empty() {
        text.push_str(&format!("\n## Result\n\n{}\n", task.result.trim()));
    }
    if !task.reason.is_empty() {
        text.push_str(&format!("\n## Why\n\n{}\n", task.reason));
    }
}

pub(crate) fn sealed(mut text: String) -> String {
    let hash = hash(&text);
    text.push_str(&format!("{MARK}{hash} -->\n"));
    text
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Nobody but us has written this file.
pub(crate) fn is_ours(text: &str) -> bool {
    let Some((body, rest)) = text.rsplit_once(MARK) else { return false };
    rest.strip_suffix(" -->\n").is_some_and(|said| said == hash(body))
}
