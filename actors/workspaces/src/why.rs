//! `/why`: the whole way of a message, in words.

use markdown::civil::utc;
use markdown::text::clean_line;
use messages::store::{AuditRow, InboxRow, OutboxRow, OutboxState, WhyRows};
use policy::Policy;

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
        WhyRows::Found { inbound, replies, audit } => found(inbound, replies, audit, policy),
    }
}

fn found(inbound: &InboxRow, replies: &[OutboxRow], audit: &[AuditRow], policy: &Policy) -> String {
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
    lines.extend(replies.iter().map(reply));
    match (inbound.outcome, inbound.settled_at) {
        (Some(outcome), at) => {
            let at = at.map(|at| format!(" {}", utc(at.0))).unwrap_or_default();
            let reason = if inbound.reason.is_empty() { String::new() } else { format!(": {}", inbound.reason) };
            lines.push(format!("- outcome: **{outcome}**{at}{reason}"));
        }
        (None, _) => lines.push("- outcome: not yet".to_owned()),
    }
    for record in audit {
        lines.push(format!(
            "- audit {}: {} by {} ({}…)",
            record.seq,
            record.action,
            record.actor,
            record.hash.get(..12).unwrap_or_default()
        ));
    }
    lines.join("\n")
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
