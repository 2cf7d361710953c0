//! Settling: a reply's delivery has ended, and with it its event.

use messages::store::{OutboxRow, OutboxState, Write};
use messages::turn::Outcome;
use runtime::Cx;

use super::{Decision, State};
use crate::WorkFacts;

impl State {
    pub(super) fn settle(&mut self, reply: &OutboxRow, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        if matches!(reply.state, OutboxState::Pending | OutboxState::Sending) {
            return;
        }
        self.log_outbound(reply, out, cx);
        out.writes.push(Write::OutboxLogged { id: reply.id });
        // Words of a task settle nothing, however their delivery ended: their event has its outcome by its reply.
        let Some(outcome) = reply.outcome else { return };
        let (outcome, reason) = match reply.state {
            OutboxState::Failed => (Outcome::Failed, format!("its reply could not be delivered: {}", reply.error)),
            OutboxState::InDoubt => (Outcome::InDoubt, reply.error.clone()),
            _ => (outcome, String::new()),
        };
        let detail = serde_json::json!({
            "outcome": outcome.as_str(),
            "delivery": reply.platform_id.as_deref().unwrap_or_default(),
        });
        out.writes.push(Write::InboxSettle { seq: reply.seq, outcome, reason, at: cx.now });
        out.writes.push(Self::audit(cx, "turn.settled", reply.inbound.as_str(), None, detail.to_string()));
        tracing::debug!(actor = %cx.address, trace = %reply.trace, inbound = %reply.inbound, %outcome, "settled");
    }
}
