//! What a client remembers of its session: events without an outcome, and what it has flushed. No I/O.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use messages::InboundId;

use crate::registry::CONNECTOR;
use crate::registry::core::session_of;
use crate::session::core::too_long;
use crate::wire::{EVENT_BYTES_MAX, FLUSHED_MAX, FromClient, FromNode, TEXT_BYTES_MAX};

/// Events without an outcome that a client has at most; it waits for one then. `/stop` is exempt.
pub const WINDOW: usize = 256;

/// Why an event was not submitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The text is longer than [`TEXT_BYTES_MAX`].
    #[error("{}", too_long(*bytes))]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Too much waits: [`WINDOW`] events without an outcome, or bytes that the node has not taken.
    #[error(
        "{WINDOW} events have no outcome yet, or too many bytes wait to be sent; take frames, then submit it again"
    )]
    NoRoom,
    /// The id is not one of this session's.
    #[error("`{0}` is no event of this session; an event's id is its session's name, a colon and a number")]
    ForeignEvent(String),
}

#[derive(Debug)]
struct Open {
    order: u64,
    frame: FromClient,
}

/// The client's memory.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    session: String,
    orders: u64,
    open: HashMap<InboundId, Open>,
    /// The generation of the store whose deliveries these are.
    generation: i64,
    flushed: VecDeque<i64>,
    /// Deliveries that were given to the caller, as long as they are remembered.
    given: HashSet<i64>,
    given_order: VecDeque<i64>,
}

/// What becomes of a frame from the node.
#[derive(Debug, PartialEq)]
pub(crate) enum Taken {
    /// The caller gets it.
    Give(FromNode),
    /// It is a reply that had been flushed; that is said again.
    Again(i64),
    /// The caller has it already.
    Drop,
}

impl Memory {
    pub(crate) fn new(session: String) -> Self {
        Self { session, ..Self::default() }
    }

    /// Whether an event may be submitted now.
    pub(crate) fn check(&self, event: &str, frame: &FromClient) -> Result<(), SubmitError> {
        let (target, text) = match frame {
            FromClient::Submit { text, .. } => ("", text.as_str()),
            FromClient::Edit { target, text, .. } => (target.as_str(), text.as_str()),
            FromClient::Delete { target, .. } => (target.as_str(), ""),
            _ => ("", ""),
        };
        for id in [event, target] {
            if id.len() > EVENT_BYTES_MAX || (session_of(event) != self.session) {
                return Err(SubmitError::ForeignEvent(id.chars().take(EVENT_BYTES_MAX).collect()));
            }
        }
        if text.len() > TEXT_BYTES_MAX {
            return Err(SubmitError::TooLong { bytes: text.len() });
        }
        let stop = matches!(frame, FromClient::Submit { text, .. } if text.trim() == "/stop");
        if self.open.len() >= WINDOW && !stop {
            return Err(SubmitError::NoRoom);
        }
        Ok(())
    }

    /// Takes an event that was checked into the window.
    pub(crate) fn submit(&mut self, event: &str, frame: FromClient) -> InboundId {
        let inbound = InboundId::of(CONNECTOR, event);
        self.orders += 1;
        self.open.insert(inbound.clone(), Open { order: self.orders, frame });
        inbound
    }

    /// A frame from the node.
    pub(crate) fn take(&mut self, frame: FromNode) -> Taken {
        match &frame {
            FromNode::Reply(reply) if self.flushed.contains(&reply.delivery) => return Taken::Again(reply.delivery),
            FromNode::Reply(reply) => {
                if !self.given.insert(reply.delivery) {
                    return Taken::Drop;
                }
                self.given_order.push_back(reply.delivery);
                if self.given_order.len() > FLUSHED_MAX
                    && let Some(oldest) = self.given_order.pop_front()
                {
                    self.given.remove(&oldest);
                }
                if reply.outcome.is_some() {
                    self.open.remove(&reply.inbound);
                }
            }
            FromNode::Settled { inbound, .. } => {
                let known = self.open.remove(inbound);
                return if known.is_some() { Taken::Give(frame) } else { Taken::Drop };
            }
            FromNode::NotAccepted { event, .. } => {
                self.open.remove(&InboundId::of(CONNECTOR, event));
            }
            _ => {}
        }
        Taken::Give(frame)
    }

    /// The caller has flushed a delivery.
    pub(crate) fn flushed(&mut self, delivery: i64) {
        self.flushed.push_back(delivery);
        if self.flushed.len() > FLUSHED_MAX {
            self.flushed.pop_front();
        }
    }

    /// A store of another generation numbers its deliveries anew: what is remembered of the one before would hide its replies.
    pub(crate) fn attached(&mut self, generation: i64) {
        if generation != self.generation {
            self.generation = generation;
            self.flushed.clear();
            self.given.clear();
            self.given_order.clear();
        }
    }

    /// The generation of the store whose deliveries are reported; 0 before there is one.
    pub(crate) fn generation(&self) -> i64 {
        self.generation
    }

    /// The last deliveries that were flushed, oldest first.
    pub(crate) fn reported(&self) -> Vec<i64> {
        self.flushed.iter().copied().collect()
    }

    /// What is sent again after the connection was lost, in order.
    pub(crate) fn again(&self) -> impl Iterator<Item = &FromClient> {
        let ordered: BTreeMap<u64, &FromClient> = self.open.values().map(|o| (o.order, &o.frame)).collect();
        ordered.into_values()
    }

    /// Events without an outcome.
    pub(crate) fn unsettled(&self) -> usize {
        self.open.len()
    }

    /// The event has no outcome yet.
    pub(crate) fn is_open(&self, inbound: &InboundId) -> bool {
        self.open.contains_key(inbound)
    }
}

#[cfg(test)]
mod tests {
    use messages::turn::Outcome;

    use super::*;
    use crate::wire::Reply;

    fn submit(memory: &mut Memory, event: &str, text: &str) -> Result<InboundId, SubmitError> {
        let frame = FromClient::Submit { event: event.into(), text: text.into() };
        memory.check(event, &frame)?;
        Ok(memory.submit(event, frame))
    }

    fn reply(delivery: i64, event: &str, outcome: Option<Outcome>) -> FromNode {
        let inbound = InboundId::of(CONNECTOR, event);
        FromNode::Reply(Reply {
            delivery,
            inbound,
            context: "general".into(),
            outcome,
            text: "x".into(),
            sources: vec![],
        })
    }

    fn settled(event: &str) -> FromNode {
        FromNode::Settled { inbound: InboundId::of(CONNECTOR, event), outcome: Outcome::Noted, reason: String::new() }
    }

    #[test]
    fn the_window_holds_back_all_but_stop_and_opens_with_each_outcome() {
        let mut memory = Memory::new("s".into());
        for n in 0..WINDOW {
            submit(&mut memory, &format!("s:{n}"), "hi").unwrap();
        }
        assert_eq!(submit(&mut memory, "s:a", "hi"), Err(SubmitError::NoRoom));
        submit(&mut memory, "s:b", "/stop").unwrap();
        assert!(matches!(memory.take(reply(1, "s:0", None)), Taken::Give(_)));
        assert_eq!(memory.unsettled(), WINDOW + 1, "more comes for it");
        memory.take(reply(2, "s:0", Some(Outcome::Replied)));
        memory.take(settled("s:b"));
        submit(&mut memory, "s:a", "hi").unwrap();
    }

    #[test]
    fn an_event_that_was_not_accepted_leaves_the_window() {
        let mut memory = Memory::new("s".into());
        let inbound = submit(&mut memory, "s:1", "hi").unwrap();
        assert!(memory.is_open(&inbound));
        memory.take(FromNode::NotAccepted { event: "s:1".into(), why: "no".into() });
        assert!(!memory.is_open(&inbound));
    }

    #[test]
    fn what_has_no_outcome_is_sent_again_in_its_order() {
        let mut memory = Memory::new("s".into());
        for n in 0..20 {
            submit(&mut memory, &format!("s:{n}"), &n.to_string()).unwrap();
        }
        memory.take(settled("s:3"));
        let again: Vec<_> = memory.again().map(|f| format!("{f:?}")).collect();
        assert_eq!(again.len(), 19);
        assert!(again[3].contains("\"s:4\"") && again[18].contains("\"s:19\""), "{again:?}");
    }

    #[test]
    fn a_reply_that_comes_twice_is_given_once() {
        let mut memory = Memory::new("s".into());
        submit(&mut memory, "s:1", "hi").unwrap();
        assert!(matches!(memory.take(reply(1, "s:1", Some(Outcome::Replied))), Taken::Give(_)));
        assert_eq!(memory.take(reply(1, "s:1", Some(Outcome::Replied))), Taken::Drop);
        memory.flushed(1);
        assert_eq!(memory.take(reply(1, "s:1", Some(Outcome::Replied))), Taken::Again(1));
        assert_eq!(memory.take(settled("s:1")), Taken::Drop);
    }

    #[test]
    fn a_reply_of_a_restored_store_is_not_taken_for_one_of_before_with_its_number() {
        let mut memory = Memory::new("s".into());
        memory.attached(1);
        submit(&mut memory, "s:1", "hi").unwrap();
        assert!(matches!(memory.take(reply(7, "s:1", Some(Outcome::Replied))), Taken::Give(_)));
        memory.flushed(7);
        memory.attached(1);
        assert_eq!(memory.reported(), [7]);
        memory.attached(1_795_817_700);
        assert_eq!((memory.reported(), memory.generation()), (vec![], 1_795_817_700));
        submit(&mut memory, "s:2", "again").unwrap();
        assert!(matches!(memory.take(reply(7, "s:2", Some(Outcome::Replied))), Taken::Give(_)));
    }

    #[test]
    fn the_last_deliveries_are_reported_and_no_more() {
        let mut memory = Memory::new("s".into());
        let last = i64::try_from(FLUSHED_MAX).unwrap();
        (0..=last).for_each(|delivery| memory.flushed(delivery));
        assert_eq!(memory.reported(), (1..=last).collect::<Vec<_>>());
    }

    #[test]
    fn a_text_of_the_limit_is_submitted_and_a_longer_one_is_not() {
        let mut memory = Memory::new("s".into());
        submit(&mut memory, "s:1", &"x".repeat(TEXT_BYTES_MAX)).unwrap();
        let error = submit(&mut memory, "s:2", &"x".repeat(TEXT_BYTES_MAX + 1)).unwrap_err();
        assert!(error.to_string().contains("65537"), "{error}");
        assert_eq!(submit(&mut memory, "t:1", "x"), Err(SubmitError::ForeignEvent("t:1".into())));
    }
}
