//! How an entry of a chat log reads. Deterministic: the same row gives the same bytes, before a crash and after.

use markdown::log::{
    Delivery, InboundEntry, OutboundEntry, RedactedEntry, render_inbound, render_outbound, render_redacted,
};
use messages::store::{EntryOf, EntryRow, InboxRow, OutboxRow, OutboxState};

/// Who the agent is in a log.
pub const AGENT: &str = "agent";

/// An entry as it stands in its file. A redacted one keeps the length it was first written with.
#[must_use]
pub fn entry(row: &EntryRow) -> String {
    match &row.of {
        EntryOf::Inbound(inbox) if inbox.redacted => {
            let kept = RedactedEntry::Inbound { id: inbox.id.as_str(), at_ms: inbox.received_at.0, user: &inbox.user };
            render_redacted(&kept, row.length as usize)
        }
        EntryOf::Inbound(inbox) => inbound(inbox),
        EntryOf::Outbound(outbox) if outbox.redacted => erased(outbox, row.length as usize),
        EntryOf::Outbound(outbox) => outbound(outbox),
    }
}

/// An inbound event's entry.
#[must_use]
pub fn inbound(row: &InboxRow) -> String {
    render_inbound(&InboundEntry { id: row.id.as_str(), at_ms: row.received_at.0, user: &row.user, text: &row.text })
}

/// A reply's entry; its delivery has ended.
#[must_use]
pub fn outbound(row: &OutboxRow) -> String {
    let text = render_outbound(&OutboundEntry {
        id: row.inbound.as_str(),
        at_ms: ended_ms(row),
        who: AGENT,
        delivery: delivery(row.state),
        text: &row.text,
        sources: &row.sources,
    });
    // Erased on its way: it is written at once as it would be written again.
    if row.redacted { erased(row, text.len()) } else { text }
}

fn erased(row: &OutboxRow, length: usize) -> String {
    let (id, delivery) = (row.inbound.as_str(), delivery(row.state));
    render_redacted(&RedactedEntry::Outbound { id, at_ms: ended_ms(row), who: AGENT, delivery }, length)
}

fn ended_ms(row: &OutboxRow) -> i64 {
    row.ended_at.unwrap_or(row.created_at).0
}

fn delivery(state: OutboxState) -> Delivery {
    match state {
        OutboxState::Sent => Delivery::Sent,
        OutboxState::Failed => Delivery::Failed,
        OutboxState::InDoubt | OutboxState::Pending | OutboxState::Sending => Delivery::InDoubt,
    }
}
