//! What a session decides: which events it takes, in which batches they are committed, when a reply may pass, which
//! events it asks the store about, and what it then tells its client. No I/O, no clock: moments are arguments, in
//! milliseconds since the session began.

use std::collections::{BTreeMap, HashMap, VecDeque};

use messages::store::{Accepted, InboundKind, InboxRow, InboxState};
use messages::turn::Outcome;
use messages::{InboundId, Slug};

use crate::registry::CONNECTOR;
use crate::registry::core::session_of;
use crate::wire::{EVENT_BYTES_MAX, FromNode, Hello, SESSION_BYTES_MAX, TEXT_BYTES_MAX, USER_BYTES_MAX, WIRE_VERSION};

/// Events of one session without an outcome; more are not accepted.
pub(crate) const UNSETTLED_MAX: usize = 512;
/// `/stop` is taken beyond [`UNSETTLED_MAX`], so many times.
pub(crate) const STOPS_MAX: usize = 16;
/// Events in one commit.
pub(crate) const BATCH_MAX: usize = 32;
/// An event younger than this is not asked about, in milliseconds: its reply is likely on its way.
pub(crate) const SETTLE_MS: u64 = 300;
/// Events in one question to the store; the store's own limit.
pub(crate) const QUERY_MAX: usize = 256;

/// Who is attached to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) workspace: Slug,
    pub(crate) context: Slug,
    pub(crate) user: String,
    pub(crate) session: String,
}

/// Checks a client's first frame.
pub(crate) fn greet(hello: &Hello) -> Result<Who, String> {
    if hello.version != WIRE_VERSION {
        return Err(format!(
            "this node speaks version {WIRE_VERSION} of the console's protocol and the client {}; use the same version of both",
            hello.version
        ));
    }
    let named = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if hello.session.is_empty() || hello.session.len() > SESSION_BYTES_MAX || !hello.session.bytes().all(named) {
        return Err(format!("a session's name is 1 to {SESSION_BYTES_MAX} of A-Z, a-z, 0-9, - and _"));
    }
    if hello.user.trim().is_empty() || hello.user.len() > USER_BYTES_MAX || hello.user.chars().any(char::is_control) {
        return Err(format!("a user's name is 1 to {USER_BYTES_MAX} bytes without control characters"));
    }
    let slug = |text: &str, what: &str| Slug::parse(text).map_err(|error| format!("{what}: {error}"));
    Ok(Who {
        workspace: slug(&hello.workspace, "workspace")?,
        context: slug(&hello.context, "context")?,
        user: hello.user.clone(),
        session: hello.session.clone(),
    })
}

/// An inbound event as the client gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) event: String,
    pub(crate) inbound: InboundId,
    pub(crate) kind: InboundKind,
    pub(crate) target: Option<String>,
    pub(crate) text: String,
}

impl Event {
    /// Words, or `/stop`.
    pub(crate) fn words(event: String, text: String) -> Self {
        let kind = if text.trim() == "/stop" { InboundKind::Stop } else { InboundKind::Message };
        Self::new(event, kind, None, text)
    }

    /// Any event.
    pub(crate) fn new(event: String, kind: InboundKind, target: Option<String>, text: String) -> Self {
        Self { inbound: InboundId::of(CONNECTOR, &event), event, kind, target, text }
    }
}

/// How a reply stands to the events before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    /// It may go.
    Now,
    /// Its event's commit is not answered yet; it waits for that.
    AfterCommit,
    /// Earlier events may have ended without a reply; the store is asked first, so that outcomes come in order.
    AfterQuery,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Queued,
    Committing,
    Accepted { ask_at_ms: u64 },
}

#[derive(Debug)]
struct Tracked {
    order: u64,
    phase: Phase,
}

/// The state of one session.
#[derive(Debug, Default)]
pub(crate) struct Core {
    session: String,
    orders: u64,
    tracked: HashMap<InboundId, Tracked>,
    accepted: BTreeMap<u64, InboundId>,
    backlog: VecDeque<Event>,
    committing: usize,
}

impl Core {
    pub(crate) fn new(session: String) -> Self {
        Self { session, ..Self::default() }
    }

    /// Takes an event up, or says why not.
    pub(crate) fn offer(&mut self, event: Event) -> Result<(), FromNode> {
        if let Err(why) = self.check(&event) {
            return Err(FromNode::NotAccepted { event: clipped(event.event), why });
        }
        let stop = event.kind == InboundKind::Stop;
        self.orders += 1;
        if let Some(old) =
            self.tracked.insert(event.inbound.clone(), Tracked { order: self.orders, phase: Phase::Queued })
        {
            self.accepted.remove(&old.order);
        }
        if stop {
            self.backlog.push_front(event);
        } else {
            self.backlog.push_back(event);
        }
        Ok(())
    }

    fn check(&self, event: &Event) -> Result<(), String> {
        let id = &event.event;
        let number = id.get(self.session.len() + 1..).unwrap_or_default();
        if session_of(id) != self.session || number.is_empty() || !number.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("an event's id is its session's name, a colon and a number".into());
        }
        if id.len() > EVENT_BYTES_MAX || event.target.as_ref().is_some_and(|t| t.len() > EVENT_BYTES_MAX) {
            return Err(format!("an event's id is longer than {EVENT_BYTES_MAX} bytes"));
        }
        if event.text.len() > TEXT_BYTES_MAX {
            return Err(too_long(event.text.len()));
        }
        if event.kind != InboundKind::Delete && event.text.trim().is_empty() {
            return Err("the text is empty".into());
        }
        if self.backlog.iter().any(|waiting| waiting.inbound == event.inbound) {
            return Err("an event of this id waits to be written already".into());
        }
        let room = UNSETTLED_MAX + if event.kind == InboundKind::Stop { STOPS_MAX } else { 0 };
        if self.tracked.len() >= room && !self.tracked.contains_key(&event.inbound) {
            return Err(format!(
                "{UNSETTLED_MAX} events of this session have no outcome yet; wait for some, then send it again"
            ));
        }
        Ok(())
    }

    /// The next events to commit together, unless a commit is out.
    pub(crate) fn next_batch(&mut self) -> Option<Vec<Event>> {
        if self.committing > 0 || self.backlog.is_empty() {
            return None;
        }
        let batch: Vec<Event> = self.backlog.drain(..self.backlog.len().min(BATCH_MAX)).collect();
        self.committing = batch.len();
        for event in &batch {
            if let Some(tracked) = self.tracked.get_mut(&event.inbound) {
                tracked.phase = Phase::Committing;
            }
        }
        Some(batch)
    }

    /// More events can be read for the next commit.
    pub(crate) fn wants_more(&self) -> bool {
        self.backlog.len() < BATCH_MAX
    }

    /// A commit was answered: what the client is told.
    pub(crate) fn committed(&mut self, now_ms: u64, results: Vec<(Event, Result<Accepted, String>)>) -> Vec<FromNode> {
        self.committing = 0;
        results.into_iter().map(|(event, result)| self.verdict(now_ms, event, result)).collect()
    }

    fn verdict(&mut self, now_ms: u64, event: Event, result: Result<Accepted, String>) -> FromNode {
        match result {
            Ok(accepted) => {
                if let Some(tracked) = self.tracked.get_mut(&event.inbound).filter(|t| t.phase == Phase::Committing) {
                    // One that came before may have ended before: ask at once.
                    let ask_at_ms = if accepted.duplicate { now_ms } else { now_ms + SETTLE_MS };
                    tracked.phase = Phase::Accepted { ask_at_ms };
                    self.accepted.insert(tracked.order, event.inbound.clone());
                }
                FromNode::Accepted { event: event.event, inbound: event.inbound, duplicate: accepted.duplicate }
            }
            Err(why) => {
                self.forget(&event.inbound);
                FromNode::NotAccepted { event: event.event, why }
            }
        }
    }

    /// Whether a reply may pass now. One that settles nothing never waits for the store.
    pub(crate) fn passing(&self, inbound: &InboundId, outcome: Option<Outcome>) -> Passing {
        let Some(tracked) = self.tracked.get(inbound) else { return Passing::Now };
        match tracked.phase {
            Phase::Committing => Passing::AfterCommit,
            _ if outcome.is_some() && self.accepted.range(..tracked.order).next().is_some() => Passing::AfterQuery,
            _ => Passing::Now,
        }
    }

    /// A reply was handed to the client. With an outcome, it is what settles the event for this client.
    pub(crate) fn replied(&mut self, inbound: &InboundId, outcome: Option<Outcome>) {
        if outcome.is_some() {
            self.forget(inbound);
        }
    }

    /// The event has no outcome that this client knows.
    pub(crate) fn is_open(&self, inbound: &InboundId) -> bool {
        self.tracked.contains_key(inbound)
    }

    /// Events to ask the store about: those whose time has come, or all before `before`. Those that have waited longest
    /// come first, so that many long turns hide no other. They are not asked about again for [`SETTLE_MS`].
    pub(crate) fn next_to_ask(&mut self, now_ms: u64, before: Option<&InboundId>) -> Vec<InboundId> {
        let earlier = ..before.and_then(|id| self.tracked.get(id)).map_or(u64::MAX, |tracked| tracked.order);
        let mut asked: Vec<(u64, InboundId)> = self
            .accepted
            .range(earlier)
            .filter_map(|(_, inbound)| match self.tracked.get(inbound)?.phase {
                Phase::Accepted { ask_at_ms } if before.is_some() || ask_at_ms <= now_ms => {
                    Some((ask_at_ms, inbound.clone()))
                }
                _ => None,
            })
            .collect();
        asked.sort_by_key(|(ask_at_ms, _)| *ask_at_ms);
        asked.truncate(QUERY_MAX);
        for (_, inbound) in &asked {
            if let Some(tracked) = self.tracked.get_mut(inbound) {
                tracked.phase = Phase::Accepted { ask_at_ms: now_ms + SETTLE_MS };
            }
        }
        asked.into_iter().map(|(_, inbound)| inbound).collect()
    }

    /// How events stand in the store: what the client is told of those that have ended, in the order it sent them.
    pub(crate) fn stand(&mut self, rows: Vec<InboxRow>) -> Vec<FromNode> {
        let mut ended: Vec<(u64, FromNode)> = Vec::new();
        for row in rows {
            let Some(outcome) = row.outcome.filter(|_| row.state == InboxState::Settled) else { continue };
            if let Some(order) = self.tracked.get(&row.id).map(|t| t.order) {
                self.forget(&row.id);
                ended.push((order, FromNode::Settled { inbound: row.id, outcome, reason: row.reason }));
            }
        }
        ended.sort_by_key(|(order, _)| *order);
        ended.into_iter().map(|(_, frame)| frame).collect()
    }

    fn forget(&mut self, inbound: &InboundId) {
        if let Some(tracked) = self.tracked.remove(inbound) {
            self.accepted.remove(&tracked.order);
        }
    }
}

/// Why a text of so many bytes is not accepted.
pub(crate) fn too_long(bytes: usize) -> String {
    format!(
        "the text has {bytes} bytes and at most {TEXT_BYTES_MAX} are accepted; send it in parts, or put it into a note"
    )
}

/// An id that came from outside, short enough to be sent back.
fn clipped(mut event: String) -> String {
    if event.len() > EVENT_BYTES_MAX {
        let end = (0..=EVENT_BYTES_MAX).rev().find(|at| event.is_char_boundary(*at)).unwrap_or(0);
        event.truncate(end);
    }
    event
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
