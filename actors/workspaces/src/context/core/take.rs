//! Taking an inbound event: its turn is fixed, policy decides, it is queued or ends at once.

use messages::model::Role as Speaker;
use messages::store::{InboundKind, InboxRow, InboxState, Write};
use messages::turn::{Outcome, Principal, Scope, Turn};
use policy::{Decision as Verdicts, Request, Resource, Verdict};
use runtime::Cx;
use sha2::{Digest, Sha256};

use super::run::Say;
use super::{Decision, Effect, Queued, State};
use crate::WorkFacts;
use crate::commands::{self, Input};

/// The hash of an event's words that the audit holds: of its salt and them, so that erasing both leaves nothing to guess.
pub(super) fn content_hash(row: &InboxRow) -> String {
    let mut hash = Sha256::new();
    hash.update(row.salt);
    hash.update(row.text.as_bytes());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How this decision has left an inbox row so far: rows were read before it, and events of one batch may be about each
/// other.
pub(super) fn written_state(seq: i64, out: &Decision) -> Option<InboxState> {
    out.writes.iter().rev().find_map(|write| match write {
        Write::InboxSettle { seq: of, .. } if *of == seq => Some(InboxState::Settled),
        Write::InboxTake { seq: of, .. } if *of == seq => Some(InboxState::Taken),
        _ => None,
    })
}

/// A waiting row with the words that this decision gave it; `None` when it waits no longer.
fn as_written(mut row: InboxRow, out: &Decision) -> Option<InboxRow> {
    if written_state(row.seq, out).is_some() {
        return None;
    }
    let words = out.writes.iter().rev().find_map(|write| match write {
        Write::InboxText { seq, text } if *seq == row.seq => Some(text),
        _ => None,
    });
    if let Some(words) = words {
        row.text.clone_from(words);
    }
    Some(row)
}

impl State {
    pub(super) fn take(&mut self, row: InboxRow, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let is_here = self.queue.iter().chain(&self.running).any(|turn| turn.row.seq == row.seq);
        let Some(row) = as_written(row, out).filter(|_| !is_here) else { return };
        match row.kind {
            InboundKind::Edit => return self.edit(row, out, cx),
            InboundKind::Delete => return self.delete(&row, out, cx),
            InboundKind::Message | InboundKind::Stop => {}
        }
        let input = commands::parse(&row.text);
        self.take_message(row, input, out, cx);
    }

    pub(super) fn take_message(&mut self, row: InboxRow, input: Input, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let (turn, decided) = self.fix_turn(&row, &input, cx);
        Self::record_taking(&row, &turn, out, cx);
        match decided.verdict {
            Verdict::Allow if input == Input::Stop => {
                self.log_inbound(&row, out, cx);
                self.stop(&row, out, cx);
            }
            Verdict::Allow => self.queue.push_back(Queued { row, turn, input }),
            _ => self.not_allowed(&row, decided, out, cx),
        }
    }

    /// What policy does not allow ends at once, each verdict in its own way.
    pub(super) fn not_allowed(
        &mut self,
        row: &InboxRow,
        decided: Verdicts,
        out: &mut Decision,
        cx: &Cx<'_, WorkFacts>,
    ) {
        match decided.verdict {
            Verdict::Ignore => Self::end(row, (Outcome::Ignored, decided.reason), out, cx),
            Verdict::Note => {
                self.log_inbound(row, out, cx);
                self.remember(row.seq, Speaker::User, &row.text);
                Self::end(row, (Outcome::Noted, decided.reason), out, cx);
            }
            Verdict::Deny | Verdict::Allow => {
                self.log_inbound(row, out, cx);
                let text = format!("Denied: {} (rule {}).", decided.reason, decided.rules.join(", "));
                Self::reply(row, Say::new(text, Outcome::Denied), out, cx);
            }
        }
    }

    /// An event ends without a reply.
    pub(super) fn end(
        row: &InboxRow,
        (outcome, reason): (Outcome, String),
        out: &mut Decision,
        cx: &Cx<'_, WorkFacts>,
    ) {
        out.writes.push(Write::InboxSettle { seq: row.seq, outcome, reason, at: cx.now });
        out.then.push(Effect::CloseFeed(row.trace.clone()));
    }

    /// The turn: reply address, identity, policy version and memory scope, fixed from here on.
    pub(super) fn fix_turn(&self, row: &InboxRow, input: &Input, cx: &Cx<'_, WorkFacts>) -> (Turn, Verdicts) {
        let principal = Principal { connector: row.chat.connector.clone(), user: row.user.clone() };
        let (definition, action) = (&self.in_force.context, input.action());
        let facts = definition.facts(&self.in_force.workspace);
        let stopped = if *input == Input::Stop { self.running.as_ref() } else { None };
        let decided = cx.facts.policy.decide(&Request {
            principal: &principal,
            role: cx.facts.role(&principal),
            action,
            resource: Resource { context: &facts, turn_of: stopped.map(|turn| &turn.turn.principal), tool: None },
        });
        let scope =
            Scope { workspace: self.workspace.clone(), context: self.slug.clone(), paths: definition.paths.clone() };
        let turn = Turn {
            reply_to: row.chat.clone(),
            principal,
            action: action.as_str().to_owned(),
            policy: decided.version,
            rules: decided.rules.iter().map(ToString::to_string).collect(),
            scope,
            definition: definition.version.clone(),
            taken_at: cx.now,
        };
        (turn, decided)
    }

    fn record_taking(row: &InboxRow, turn: &Turn, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        out.writes.push(Write::InboxTake { seq: row.seq, turn: Box::new(turn.clone()) });
        let detail = format!(r#"{{"action":"{}","content":"{}"}}"#, turn.action, content_hash(row));
        out.writes.push(Self::audit(cx, "turn.taken", row.id.as_str(), Some(turn), detail));
    }
}
