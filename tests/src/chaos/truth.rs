//! What the customers did and saw. It lives in this process, which nobody kills.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use console::wire::{FromNode, Reply};
use messages::InboundId;

use super::work::Kind;

/// An event that a customer submits.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) context: usize,
    /// Its place among the events of its context.
    pub(super) n: u64,
    pub(super) event: String,
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) submitted: BTreeMap<InboundId, Event>,
    /// Those of which the node said that it has them.
    pub(super) accepted: BTreeSet<InboundId>,
    /// Every reply's frame that came out of a socket whole, in order, with its context.
    pub(super) received: Vec<(usize, Reply)>,
}

/// The truth, shared by customers.
#[derive(Debug, Default)]
pub(super) struct Truth {
    known: Mutex<Known>,
    /// No more events: what is open is followed to its outcome.
    pub(super) draining: AtomicBool,
    /// Nothing moves any more: who has nothing open leaves.
    pub(super) over: AtomicBool,
}

impl Truth {
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A frame came out of a customer's socket.
    pub(super) fn saw(&self, context: usize, frame: FromNode) {
        match frame {
            FromNode::Accepted { inbound, .. } => drop(self.known().accepted.insert(inbound)),
            FromNode::Reply(reply) => self.known().received.push((context, reply)),
            _ => {}
        }
    }
}
