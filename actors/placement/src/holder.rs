//! A node's side: what it holds, until when it may believe so, and what its units are told.
//!
//! ```text
//! None -Assign e|Renewed has (u, e), e above all seen-> Owned e, opening -opened-> Owned e, open
//! opening -can't be opened-> opening, once more after a second
//! Owned -lease over-> Suspended -Renewed has (u, e)-> Owned
//! Owned|Suspended -Fenced|missing in Renewed|higher epoch-> None
//! Owned|Suspended -Yield-> Draining -finished-> None, Released;  Draining -lease over-> None
//! ```

use std::collections::{BTreeMap, VecDeque};

use messages::Slug;
use messages::cluster::{Incarnation, Renew, Renewed, ToHub, ToNode, Unit, UnitEpoch, Version};

use crate::timers::{Monotonic, OPEN_AGAIN_MS, RENEW_MS};

mod words;

pub use words::{Action, Closed, Event};

/// The most renewals that wait for an answer: more than fit into a lease. An older one's answer would grant nothing.
const UNANSWERED_MAX: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Owned,
    Suspended,
    Draining,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    epoch: u64,
    /// Of the table in which it is ours.
    ver: Version,
    state: State,
    opening: Opening,
}

/// How far a unit is opened on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// It was told to open.
    Asked,
    /// It could not, and is told again at this time.
    Again(Monotonic),
    Done,
}

/// What a node knows of what it holds.
#[derive(Debug)]
pub struct Holder {
    node: Slug,
    incarnation: Incarnation,
    linked: bool,
    seq: u64,
    /// The last renewal whose answer came.
    heard: u64,
    /// Renewals without an answer, and when they were sent.
    sent: VecDeque<(u64, Monotonic)>,
    renew_at: Monotonic,
    lease_end: Monotonic,
    units: BTreeMap<Unit, Held>,
    /// The highest epoch of each unit that was ever held, or given back, by this start.
    seen: BTreeMap<Unit, u64>,
    table: Version,
    drain: bool,
    left: bool,
    out: Vec<Action>,
}

impl Holder {
    /// A node that has just started and holds nothing.
    #[must_use]
    pub fn new(node: Slug, incarnation: Incarnation, now: Monotonic) -> Self {
        Self {
            node,
            incarnation,
            linked: false,
            seq: 0,
            heard: 0,
            sent: VecDeque::new(),
            renew_at: now,
            lease_end: now,
            units: BTreeMap::new(),
            seen: BTreeMap::new(),
            table: Version::default(),
            drain: false,
            left: false,
            out: Vec::new(),
        }
    }

    /// Hears an event, and says what is to be done about it. `table` is the version that the node's router has.
    pub fn decide(&mut self, event: Event, table: Version, now: Monotonic) -> Vec<Action> {
        self.table = table;
        if self.left {
            return Vec::new();
        }
        self.end_of_lease(now);
        self.hear(event, now);
        self.open_again(now);
        if self.linked && !self.left && now >= self.renew_at {
            self.renew(now);
        }
        std::mem::take(&mut self.out)
    }

    /// When it wants to be called next, at the latest.
    #[must_use]
    pub fn due(&self) -> Option<Monotonic> {
        let renew = (self.linked && !self.left).then_some(self.renew_at);
        let runs = self.units.values().any(|held| held.state != State::Suspended);
        let again = self.units.values().filter_map(|held| match held.opening {
            Opening::Again(at) if held.state == State::Owned => Some(at),
            _ => None,
        });
        renew.into_iter().chain(runs.then_some(self.lease_end)).chain(again).min()
    }

    /// The epoch under which this unit may commit now. A commit is checked again by the store; this spares it.
    #[must_use]
    pub fn may_commit(&self, unit: &Unit, now: Monotonic) -> Option<u64> {
        self.running(unit).filter(|_| now < self.lease_end).map(|held| held.epoch)
    }

    /// Until when this unit may send to the outside: to be compared with the clock right before each write to a socket,
    /// since no fence stops a send. `None`: not at all.
    #[must_use]
    pub fn hard_deadline(&self, unit: &Unit) -> Option<Monotonic> {
        self.running(unit).map(|_| self.lease_end)
    }

    /// It holds this unit, suspended or not.
    #[must_use]
    pub fn holds(&self, unit: &Unit) -> bool {
        self.units.contains_key(unit)
    }

    /// What it holds, suspended or not, with epochs.
    pub fn units(&self) -> impl Iterator<Item = (&Unit, u64)> {
        self.units.iter().map(|(unit, held)| (unit, held.epoch))
    }

    /// A drain has come to its end: it holds nothing.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.drain && self.units.is_empty()
    }

    /// It is this node's, and was taken on this host: what lives at its addresses is of this epoch.
    #[must_use]
    pub fn is_open(&self, unit: &Unit) -> bool {
        self.units.get(unit).is_some_and(|held| held.opening == Opening::Done)
    }

    /// The epoch under which something of this unit may begin to live here now: one that drains finishes what it has begun.
    #[must_use]
    pub fn may_begin(&self, unit: &Unit, now: Monotonic) -> Option<u64> {
        let held = self.running(unit).filter(|held| held.state == State::Owned);
        held.filter(|_| now < self.lease_end).map(|held| held.epoch)
    }

    fn running(&self, unit: &Unit) -> Option<&Held> {
        self.units.get(unit).filter(|held| held.state != State::Suspended && held.opening == Opening::Done)
    }

    fn hear(&mut self, event: Event, now: Monotonic) {
        match event {
            Event::Tick => {}
            Event::Up => {
                self.linked = true;
                self.renew_at = now;
            }
            Event::Down => self.linked = false,
            Event::Heard(message) => self.heard(message, now),
            Event::Opened { unit, epoch, is_open } => self.opened(unit, epoch, is_open, now),
            Event::Finished { unit, epoch } => {
                if self.is(&unit, epoch) && self.units.get(&unit).is_some_and(|held| held.state == State::Draining) {
                    self.units.remove(&unit);
                    self.released(unit, epoch);
                }
            }
            Event::Fenced { unit, epoch } => {
                if self.is(&unit, epoch) {
                    self.close(&unit, Closed::Fenced);
                }
            }
            Event::Drain(drain) => {
                if self.drain != drain {
                    self.drain = drain;
                    self.renew_at = now;
                }
            }
            Event::Goodbye => self.goodbye(),
        }
    }

    fn heard(&mut self, message: ToNode, now: Monotonic) {
        match message {
            ToNode::Renewed(renewed) => self.renewed(renewed, now),
            // Without a lease it may not run; the next Renewed has it, or it was taken away meanwhile.
            ToNode::Assign { ver, unit, epoch } if now < self.lease_end => self.take(unit, epoch, ver),
            ToNode::Assign { .. } | ToNode::Table(_) => {}
            ToNode::Yield { unit, epoch } => self.give_back(unit, epoch),
        }
    }

    /// The truth: what is in it is ours, what is missing is not.
    fn renewed(&mut self, renewed: Renewed, now: Monotonic) {
        let Some((_, sent)) = self.sent.iter().find(|(seq, _)| *seq == renewed.seq).copied() else { return };
        // Answers to older ones say what was true before.
        self.sent.retain(|(seq, _)| *seq > renewed.seq);
        self.heard = renewed.seq;
        if renewed.ttl_ms == 0 {
            // The hub took us for deaf; it grants again when it knows that we heard.
            self.renew_at = now;
        }
        self.lease_end = self.lease_end.max(sent.plus(u64::from(renewed.ttl_ms)));
        let ours: BTreeMap<&Unit, u64> = renewed.units.iter().map(|(unit, epoch)| (unit, *epoch)).collect();
        let missing = |(unit, held): &(&Unit, &Held)| held.ver <= renewed.ver && !ours.contains_key(unit);
        let gone: Vec<Unit> = self.units.iter().filter(missing).map(|(unit, _)| unit.clone()).collect();
        gone.iter().for_each(|unit| self.close(unit, Closed::NotHeld));
        if now >= self.lease_end {
            return;
        }
        for (unit, epoch) in renewed.units {
            self.is_ours(unit, epoch, renewed.ver);
        }
    }

    fn is_ours(&mut self, unit: Unit, epoch: u64, ver: Version) {
        match self.units.get_mut(&unit) {
            Some(held) if held.epoch == epoch => {
                if held.state == State::Suspended {
                    held.state = State::Owned;
                    if held.opening == Opening::Done {
                        self.out.push(Action::Resume(unit));
                    }
                }
            }
            None if self.seen.get(&unit).is_some_and(|seen| *seen == epoch) => {
                // We had it and do not have it any more: the hub has not heard that, or it would not say so.
                self.released(unit, epoch);
            }
            _ => self.take(unit, epoch, ver),
        }
    }

    fn take(&mut self, unit: Unit, epoch: u64, ver: Version) {
        if self.seen.get(&unit).is_some_and(|seen| epoch <= *seen) {
            return;
        }
        if self.units.contains_key(&unit) {
            self.close(&unit, Closed::NewerEpoch);
        }
        self.seen.insert(unit.clone(), epoch);
        self.units.insert(unit.clone(), Held { epoch, ver, state: State::Owned, opening: Opening::Asked });
        self.out.push(Action::Open(unit, epoch));
    }

    fn opened(&mut self, unit: Unit, epoch: u64, is_open: bool, now: Monotonic) {
        let Some(held) = self.units.get_mut(&unit).filter(|held| held.epoch == epoch) else { return };
        held.opening = if is_open { Opening::Done } else { Opening::Again(now.plus(OPEN_AGAIN_MS)) };
        // One that is suspended begins when it is renewed; one that drains has nothing to begin.
        if is_open && held.state == State::Owned {
            self.out.push(Action::Begin(unit, epoch));
        }
    }

    fn open_again(&mut self, now: Monotonic) {
        for (unit, held) in &mut self.units {
            if held.state == State::Owned && matches!(held.opening, Opening::Again(at) if at <= now) {
                held.opening = Opening::Asked;
                self.out.push(Action::Open(unit.clone(), held.epoch));
            }
        }
    }

    fn give_back(&mut self, unit: Unit, epoch: u64) {
        if self.seen.get(&unit).is_some_and(|seen| epoch < *seen) {
            return;
        }
        match self.units.get_mut(&unit) {
            Some(held) if held.epoch == epoch => {
                if held.state != State::Draining {
                    // One that is suspended has nothing to finish with: it may not commit.
                    let suspended = held.state == State::Suspended;
                    held.state = State::Draining;
                    if suspended {
                        self.close(&unit, Closed::LeaseOver);
                        self.released(unit, epoch);
                    } else {
                        self.out.push(Action::Drain(unit, epoch));
                    }
                }
            }
            had => {
                // Of an epoch that we have given back, or never heard of: an Assign that is still on its way is too late.
                if had.is_some() {
                    self.close(&unit, Closed::NewerEpoch);
                }
                self.seen.insert(unit.clone(), epoch);
                self.released(unit, epoch);
            }
        }
    }

    fn goodbye(&mut self) {
        let units: Vec<Unit> = self.units.keys().cloned().collect();
        units.iter().for_each(|unit| self.close(unit, Closed::Goodbye));
        if self.linked {
            self.out.push(Action::Send(ToHub::Goodbye));
        }
        self.left = true;
    }

    /// Time first, also for one that stood still: before anything is heard, what has no lease any more is suspended.
    fn end_of_lease(&mut self, now: Monotonic) {
        if now < self.lease_end {
            return;
        }
        let mut over = Vec::new();
        for (unit, held) in &mut self.units {
            match held.state {
                State::Owned => {
                    held.state = State::Suspended;
                    if held.opening == Opening::Done {
                        self.out.push(Action::Suspend(unit.clone(), self.lease_end));
                    }
                }
                State::Draining => over.push(unit.clone()),
                State::Suspended => {}
            }
        }
        for unit in over {
            let epoch = self.units.get(&unit).map_or(0, |held| held.epoch);
            self.close(&unit, Closed::LeaseOver);
            self.released(unit, epoch);
        }
    }

    fn renew(&mut self, now: Monotonic) {
        self.seq += 1;
        self.sent.push_back((self.seq, now));
        if self.sent.len() > UNANSWERED_MAX {
            self.sent.pop_front();
        }
        self.renew_at = now.plus(RENEW_MS);
        let has: Vec<UnitEpoch> = self.units.iter().map(|(unit, held)| (unit.clone(), held.epoch)).collect();
        let (node, incarnation) = (self.node.clone(), self.incarnation);
        let renew =
            Renew { node, incarnation, seq: self.seq, heard: self.heard, drain: self.drain, table: self.table, has };
        self.out.push(Action::Send(ToHub::Renew(renew)));
    }

    fn is(&self, unit: &Unit, epoch: u64) -> bool {
        self.units.get(unit).is_some_and(|held| held.epoch == epoch)
    }

    fn close(&mut self, unit: &Unit, why: Closed) {
        self.units.remove(unit);
        self.out.push(Action::Close(unit.clone(), why));
    }

    fn released(&mut self, unit: Unit, epoch: u64) {
        if self.linked {
            self.out.push(Action::Send(ToHub::Released { unit, epoch }));
        }
    }
}

#[cfg(test)]
mod tests;
