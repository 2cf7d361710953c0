//! `/why`: the whole way of a message, in words.

use markdown::civil::utc;
use markdown::text::clean_line;
use messages::store::{AuditRow, InboxRow, OutboxRow, OutboxState, TaskView, WhyRows};
use policy::Policy;

use crate::task::view::{state, step_line};

/// Tells what the store knows of the event whose id begins with `prefix`.
#[must_use]
pub(crate) fn tell(prefix: &str, rows: &WhyRows, policy: &Policy) -> String {
    match rows {
        WhyRows::Unknown => {
            format!(
                "No message of this context has an id that begins with `{prefix}`. Ids are shown when a message is accepted, and in the log."
            )
        }
        WhyRows::Ambiguous(ids) => {
            let ids: Vec<_> = ids.iter().map(|id| format!("`{id}`")).collect();
            format!("`{prefix}` is the beginning of several ids: {}. Give a few characters more.", ids.join(", "))
        }
        WhyRows::Found { inbound, replies, steps, tasks, audit } => {
            let mut lines = taken(inbound, policy);
            lines.extend(steps.iter().map(|step| format!("- step {}: {}", step.seq, step_line(step))));
            lines.extend(replies.iter().map(reply));
            lines.extend(tasks.iter().map(task));
            lines.push(outcome(inbound));
            lines.extend(audit.iter().map(record));
            lines.join("\n")
        }
    }
}

fn taken(inbound: &InboxRow, policy: &Policy) -> Vec<String> {
    let words = if inbound.redacted { "(deleted)".to_owned() } else { clean_line(&inbound.text, 80) };
    let mut lines = vec![
        format!("`{}` “{words}”", inbound.id),
        format!(
            "- accepted {} from `{}` at the {} (trace {})",
            utc(inbound.received_at.0),
            inbound.user,
            inbound.chat.connector,
            inbound.trace
        ),
    ];
    match &inbound.turn {
        None => lines.push("- not taken yet: it waits in the inbox".to_owned()),
        Some(turn) => {
            lines.push(format!(
                "- taken {} as {}, with definition {} and paths {}",
                utc(turn.taken_at.0),
                turn.action,
                turn.definition,
                turn.scope.paths.join(", "),
            ));
            for rule in &turn.rules {
                let because = policy.explain(rule).map(|text| format!(": {text}")).unwrap_or_default();
                lines.push(format!("- decided by rule `{rule}` (policy version {}){because}", turn.policy));
            }
        }
    }
    lines
}

fn outcome(inbound: &InboxRow) -> String {
    let Some(outcome) = inbound.outcome else { return "- outcome: not yet".to_owned() };
    let at = inbound.settled_at.map(|at| format!(" {}", utc(at.0))).unwrap_or_default();
    let reason = if inbound.reason.is_empty() { String::new() } else { format!(": {}", inbound.reason) };
    format!("- outcome: **{outcome}**{at}{reason}")
}

fn task(task: &TaskView) -> String {
    let part = if task.parent.is_some() { "subtask" } else { "task" };
    format!("- {part} `{}` is {}: {}", task.id, state(task.state, task.wait), clean_line(&task.title, 80))
}

fn record(record: &AuditRow) -> String {
    let hash = record.hash.get(..12).unwrap_or_default();
    format!("- audit {}: {} by {} ({hash}…)", record.seq, record.action, record.actor)
}

fn reply(row: &OutboxRow) -> String {
    let sources = if row.sources.is_empty() { String::new() } else { format!(", quoting {}", row.sources.join(", ")) };
    let state = match row.state {
        OutboxState::Pending => "waits to be sent".to_owned(),
        OutboxState::Sending => "is being sent".to_owned(),
        OutboxState::Sent => format!("delivered as `{}`", row.platform_id.as_deref().unwrap_or_default()),
        OutboxState::Failed => format!("could not be delivered: {}", row.error),
        OutboxState::InDoubt => format!("in doubt: {}", row.error),
    };
    let at = row.ended_at.map(|at| format!(" {}", utc(at.0))).unwrap_or_default();
    let (attempts, bytes) = (row.attempt, row.text.len());
    format!("- reply {}: {state}{at} (attempts: {attempts}, {bytes} bytes{sources})", row.n)
}
