//! What was submitted and what came of it, in memory that does not grow with the run: open events are known one by one,
//! ended ones by their counts and the last few. Pure, but for its lock.
//!
//! Deliveries of one chat are numbered upwards and keep their order, so that one number for each chat tells a double.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use console::wire::{FromNode, Reply};
use messages::InboundId;
use messages::turn::Outcome;
use serde::Serialize;

use crate::chaos::customer::tells_an_end;

/// Ended events of a chat that are known one by one.
const ENDED_MAX: usize = 1_024;
/// Faults that are told in words.
const TOLD_MAX: usize = 20;

/// What an event asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An answer.
    Talk,
    /// What a command finds.
    Command,
    /// A task.
    Task,
    /// Other words for an event, or none: no reply is due.
    Change,
}

/// What came of all.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Counts {
    /// Events that have ended, each accepted before.
    pub ended: u64,
    /// The same by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Replies and words of tasks that were received.
    pub replies: u64,
    /// Tasks that were made.
    pub tasks: u64,
    /// Tasks whose end was told.
    pub tasks_told: u64,
    /// Said to be answered, and no answer was received; or never ended.
    pub lost: u64,
    /// Received twice, or stored twice.
    pub doubled: u64,
    /// Replies with the words of another event, or to none.
    pub foreign: u64,
    /// Connections that ended, for whatever reason.
    pub connections: u64,
    /// The first broken promises in words.
    pub faults: Vec<String>,
}

struct Open {
    kind: Kind,
    token: String,
}

#[derive(Default)]
struct Chat {
    last_delivery: i64,
    open: BTreeMap<InboundId, Open>,
    ended: VecDeque<InboundId>,
}

#[derive(Default)]
struct Books {
    counts: Counts,
    chats: BTreeMap<usize, Chat>,
}

/// Shared by guests, and by the streams that they listen to.
#[derive(Default)]
pub(super) struct Ledger(Mutex<Books>);

impl Ledger {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counts(&self) -> Counts {
        self.books().counts.clone()
    }

    pub(super) fn submitted(&self, chat: usize, inbound: &InboundId, kind: Kind, token: String) {
        self.books().chats.entry(chat).or_default().open.insert(inbound.clone(), Open { kind, token });
    }

    pub(super) fn connected(&self) {
        self.books().counts.connections += 1;
    }

    /// A frame came out of a socket of a chat.
    pub(super) fn saw(&self, chat: usize, frame: &FromNode) {
        let mut books = self.books();
        let Books { counts, chats } = &mut *books;
        if let FromNode::Reply(reply) = frame
            && holds_foreign(chat, &reply.text)
        {
            counts.foreign += 1;
            counts.fault(format!("foreign: a reply in context {chat} says: {}", reply.text));
        }
        let chat = chats.entry(chat).or_default();
        match frame {
            FromNode::Reply(reply) => chat.reply(reply, counts),
            FromNode::Settled { inbound, outcome, .. } => chat.settled(inbound, *outcome, counts),
            _ => {}
        }
    }

    /// Nothing moves any more: what is open is lost.
    pub(super) fn close(&self) {
        let mut books = self.books();
        let Books { counts, chats } = &mut *books;
        for (inbound, open) in chats.values_mut().flat_map(|chat| std::mem::take(&mut chat.open)) {
            counts.lost += 1;
            counts.fault(format!("lost: {inbound} ({:?} {}) has no outcome", open.kind, open.token));
        }
    }

    /// What the store holds at the end.
    pub(super) fn stored(&self, inbox: u64, tasks: u64) {
        let counts = &mut self.books().counts;
        counts.doubled += inbox.saturating_sub(counts.ended);
        counts.lost += counts.ended.saturating_sub(inbox) + counts.tasks.saturating_sub(tasks);
        if inbox != counts.ended || tasks < counts.tasks {
            let (ended, made) = (counts.ended, counts.tasks);
            counts.fault(format!("{ended} events and {made} tasks are known, and {inbox} and {tasks} are stored"));
        }
    }

    pub(super) fn fault(&self, words: String) {
        self.books().counts.fault(words);
    }
}

/// What an event of a context is known by in all that is said of it.
pub(super) fn token(chat: usize, n: u64) -> String {
    format!("<s{chat}-{n}>")
}

/// Words of other contexts.
fn holds_foreign(chat: usize, text: &str) -> bool {
    let own = format!("<s{chat}-");
    text.matches("<s").count() > text.matches(&own).count()
}

impl Chat {
    fn reply(&mut self, reply: &Reply, counts: &mut Counts) {
        if reply.delivery <= self.last_delivery {
            counts.doubled += 1;
            counts.fault(format!("doubled or out of order: {} as delivery {}", reply.inbound, reply.delivery));
            return;
        }
        self.last_delivery = reply.delivery;
        counts.replies += 1;
        let Some(outcome) = reply.outcome else {
            counts.tasks_told += u64::from(tells_an_end(&reply.text));
            return;
        };
        match self.open.remove(&reply.inbound) {
            Some(open) => {
                counts.tasks += u64::from(open.kind == Kind::Task && outcome == Outcome::Replied);
                self.end(&reply.inbound, outcome, counts);
            }
            None if self.ended.contains(&reply.inbound) => {
                counts.doubled += 1;
                counts.fault(format!("doubled: {} is answered again as delivery {}", reply.inbound, reply.delivery));
            }
            None => {
                counts.foreign += 1;
                counts.fault(format!("foreign: {} was never submitted here", reply.inbound));
            }
        }
    }

    fn settled(&mut self, inbound: &InboundId, outcome: Outcome, counts: &mut Counts) {
        let Some(open) = self.open.remove(inbound) else { return };
        if outcome == Outcome::Replied && open.kind != Kind::Change {
            counts.lost += 1;
            counts
                .fault(format!("lost: {inbound} ({}) is said to be answered, and no answer was received", open.token));
        }
        self.end(inbound, outcome, counts);
    }

    fn end(&mut self, inbound: &InboundId, outcome: Outcome, counts: &mut Counts) {
        counts.ended += 1;
        *counts.outcomes.entry(outcome.as_str().to_owned()).or_default() += 1;
        if self.ended.len() == ENDED_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back(inbound.clone());
    }
}

impl Counts {
    /// No promise was broken.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.lost + self.doubled + self.foreign == 0 && self.faults.is_empty()
    }

    fn fault(&mut self, words: String) {
        if self.faults.len() < TOLD_MAX {
            self.faults.push(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> InboundId {
        InboundId::of("console", &format!("e{n}"))
    }

    fn reply(n: usize, delivery: i64, outcome: Option<Outcome>, text: &str) -> FromNode {
        let (inbound, context, sources) = (id(n), "c0".to_owned(), Vec::new());
        FromNode::Reply(Reply { delivery, inbound, context, outcome, text: text.to_owned(), sources })
    }

    fn settled(n: usize, outcome: Outcome) -> FromNode {
        FromNode::Settled { inbound: id(n), outcome, reason: String::new() }
    }

    /// Events 0 to 3 of chat 0: talk, talk, a task, a change.
    fn ledger() -> Ledger {
        let ledger = Ledger::default();
        for (n, kind) in [Kind::Talk, Kind::Talk, Kind::Task, Kind::Change].into_iter().enumerate() {
            ledger.submitted(0, &id(n), kind, token(0, n as u64));
        }
        ledger
    }

    #[test]
    fn a_good_run_is_kept() {
        let ledger = ledger();
        ledger.saw(0, &reply(0, 5, Some(Outcome::Replied), "echo <s0-0>"));
        ledger.saw(0, &settled(0, Outcome::Replied));
        ledger.saw(0, &settled(1, Outcome::InDoubt));
        ledger.saw(0, &reply(2, 6, Some(Outcome::Replied), "Task `t` is queued"));
        ledger.saw(0, &reply(2, 9, None, "Task `t` has succeeded"));
        ledger.saw(0, &settled(3, Outcome::Noted));
        ledger.close();
        ledger.stored(4, 1);
        let counts = ledger.counts();
        assert!(counts.is_kept(), "{:?}", counts.faults);
        assert_eq!((counts.ended, counts.replies, counts.tasks, counts.tasks_told), (4, 3, 1, 1));
    }

    #[test]
    fn each_broken_promise_is_found() {
        let broken = |frames: &[FromNode]| {
            let ledger = ledger();
            frames.iter().for_each(|frame| ledger.saw(0, frame));
            let counts = ledger.counts();
            assert!(!counts.is_kept());
            (counts.lost, counts.doubled, counts.foreign)
        };
        let answer = |delivery| reply(0, delivery, Some(Outcome::Replied), "<s0-0>");
        assert_eq!(broken(&[settled(0, Outcome::Replied)]), (1, 0, 0));
        assert_eq!(broken(&[answer(5), answer(5)]), (0, 1, 0));
        assert_eq!(broken(&[answer(5), answer(6)]), (0, 1, 0));
        assert_eq!(broken(&[answer(5), reply(1, 4, Some(Outcome::Replied), "<s0-1>")]), (0, 1, 0));
        assert_eq!(broken(&[reply(0, 5, Some(Outcome::Replied), "<s0-1> and <s1-1>")]), (0, 0, 1));
        assert_eq!(broken(&[reply(9, 5, Some(Outcome::Replied), "<s0-9>")]), (0, 0, 1));
    }

    #[test]
    fn what_never_ends_or_is_stored_otherwise_is_found() {
        let open = ledger();
        open.close();
        assert_eq!(open.counts().lost, 4);
        for (inbox, tasks, lost, doubled) in [(1, 0, 0, 1), (0, 0, 0, 0), (0, 7, 0, 0)] {
            let none = Ledger::default();
            none.stored(inbox, tasks);
            assert_eq!((none.counts().lost, none.counts().doubled), (lost, doubled), "{inbox} {tasks}");
        }
    }
}
