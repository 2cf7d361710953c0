//! One unit: who holds it, and what is to become of that.
//!
//! ```text
//! Free -a node may have it-> Writing -Written-> Held;  Writing -NotWritten-> Free (again in 250 ms)
//! Writing -Refused-> Reading -Read-> Held by whom the row names, or Free
//! Held -better node|drain|removed-> Held, asked;  Held -Released|goodbye|newer incarnation-> Free
//! Held -link lost + grace or asked 2 s ago (fenced)|lease end (both), and another may have it-> Writing
//! ```

use messages::Slug;
use messages::cluster::{Place, ToNode, Unit, UnitClass};

use super::peer::Loose;
use super::{Action, Holder, Hub};
use crate::rendezvous::rank;
use crate::timers::{Monotonic, YIELD_MS};

/// What the hub knows of one unit.
#[derive(Debug)]
pub(super) struct Entry {
    /// It is configured.
    pub(super) wanted: bool,
    /// Of its row; 0: it has none.
    pub(super) epoch: u64,
    pub(super) state: State,
    /// Who had it last.
    pub(super) last: Option<Holder>,
    /// What the routers were told.
    pub(super) published: Place,
    /// Which nodes may have it, best first, and at which change of the nodes that was worked out.
    ranking: Vec<Slug>,
    ranked: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody holds it.
    Free { since: Monotonic, again: Monotonic },
    /// Its row is being written.
    Writing { to: Holder, since: Monotonic },
    /// Its row is being read, since it was not what was thought.
    Reading { since: Monotonic },
    /// As its row says.
    Held {
        by: Holder,
        since: Monotonic,
        /// When the holder was asked to give it back.
        asked: Option<Monotonic>,
        /// The holder said in a renewal that it has it.
        opened: bool,
    },
}

impl Entry {
    pub(super) fn unheard(now: Monotonic) -> Self {
        Self {
            wanted: false,
            epoch: 0,
            state: State::Free { since: now, again: now },
            last: None,
            published: Place::Gone,
            ranking: Vec::new(),
            ranked: u64::MAX,
        }
    }
}

impl State {
    /// The node that it counts for.
    pub(super) fn counts_for(&self) -> Option<&Slug> {
        match self {
            Self::Held { by, .. } | Self::Writing { to: by, .. } => Some(&by.node),
            Self::Free { .. } | Self::Reading { .. } => None,
        }
    }
}

impl Hub {
    /// The only place where a unit's state changes: keeps the count of each node's units.
    pub(super) fn set(&mut self, unit: &Unit, state: State) {
        let Some(entry) = self.units.get_mut(unit) else { return };
        if let Some(node) = entry.state.counts_for()
            && let Some(load) = self.load.get_mut(node)
        {
            // One that was full has room again: others may want to go there.
            self.all |= self.peers.get(node).is_some_and(|peer| *load >= peer.units_max());
            *load = load.saturating_sub(1);
        }
        if let Some(node) = state.counts_for() {
            *self.load.entry(node.clone()).or_default() += 1;
        }
        if let State::Held { by, .. } | State::Writing { to: by, .. } = &state {
            entry.last = Some(by.clone());
        }
        entry.state = state;
        self.touched.insert(unit.clone());
    }

    /// Moves one unit on as far as it goes now.
    pub(super) fn step(&mut self, unit: &Unit, now: Monotonic) {
        self.rank_again(unit);
        let Some(entry) = self.units.get(unit) else { return };
        match &entry.state {
            State::Held { by, asked, .. } => {
                let (by, asked) = (by.clone(), *asked);
                self.step_held(unit, &by, asked, now);
            }
            State::Free { again, .. } => {
                let again = *again;
                self.step_free(unit, again, now);
            }
            State::Writing { .. } | State::Reading { .. } => {}
        }
    }

    fn step_held(&mut self, unit: &Unit, by: &Holder, asked: Option<Monotonic>, now: Monotonic) {
        match self.loose(unit, by, asked, now) {
            Some(Loose::Free) => {
                self.set(unit, State::Free { since: now, again: now });
                self.step_free(unit, now, now);
            }
            Some(Loose::Takeable) => {
                let wanted = self.units.get(unit).is_some_and(|entry| entry.wanted);
                match self.choose(unit, now) {
                    Some(to) => self.write(unit, to, now),
                    None if !wanted && now >= self.settled_at => {
                        self.set(unit, State::Free { since: now, again: now });
                    }
                    None => self.wake_at(self.settled_at, now),
                }
            }
            None => {
                if asked.is_none() && self.wants_move(unit, by, now) {
                    self.ask_back(unit, now);
                }
            }
        }
    }

    fn step_free(&mut self, unit: &Unit, again: Monotonic, now: Monotonic) {
        if now < again {
            return self.wake_at(again, now);
        }
        match self.choose(unit, now) {
            Some(to) => self.write(unit, to, now),
            None => {
                self.wake_at(self.settled_at, now);
                self.wake_at(self.exclusive_at, now);
            }
        }
    }

    /// Whether it may be taken from who holds it; says when to look again.
    fn loose(&mut self, unit: &Unit, by: &Holder, asked: Option<Monotonic>, now: Monotonic) -> Option<Loose> {
        let Some(peer) = self.peers.get(&by.node) else { return Some(Loose::Free) };
        let (loose, at) = (peer.loose(by.incarnation, unit.class(), now), peer.loose_at(now));
        let over = asked.filter(|_| unit.class() == UnitClass::Fenced).map(|at| at.plus(YIELD_MS));
        self.wake_at(at, now);
        over.into_iter().for_each(|over| self.wake_at(over, now));
        loose.or_else(|| over.filter(|over| now >= *over).map(|_| Loose::Takeable))
    }

    /// The best node that may be given the unit now.
    pub(super) fn choose(&self, unit: &Unit, now: Monotonic) -> Option<Holder> {
        let entry = self.units.get(unit).filter(|entry| entry.wanted)?;
        if unit.class() == UnitClass::Exclusive && now < self.exclusive_at {
            return None;
        }
        // Before the hub has settled nothing moves; but what nobody ever held, or the same node begun anew, is no move.
        let stays = |node: &Slug| entry.last.as_ref().is_none_or(|last| &last.node == node);
        let held_by = entry.state.counts_for();
        let may = |node: &&Slug| {
            let room = held_by == Some(*node) || !self.is_full(node);
            room && (now >= self.settled_at || stays(node))
        };
        let node = entry.ranking.iter().find(may)?;
        let peer = self.peers.get(node)?;
        Some(Holder { node: node.clone(), incarnation: peer.incarnation })
    }

    pub(super) fn is_full(&self, node: &Slug) -> bool {
        let load = self.load.get(node).copied().unwrap_or(0);
        self.peers.get(node).is_none_or(|peer| load >= peer.units_max())
    }

    /// Its living holder is not the one that should have it.
    fn wants_move(&mut self, unit: &Unit, by: &Holder, now: Monotonic) -> bool {
        if now < self.settled_at {
            self.wake_at(self.settled_at, now);
            return false;
        }
        let Some(peer) = self.peers.get(&by.node).filter(|peer| peer.is_fresh(now)) else { return false };
        let wanted = self.units.get(unit).is_some_and(|entry| entry.wanted);
        if !wanted || peer.drain.is_some() || !peer.allows(unit) {
            return true;
        }
        match self.better(unit, by, now) {
            Some((_, steady)) if now >= steady => true,
            Some((_, steady)) => {
                self.wake_at(steady, now);
                false
            }
            None => false,
        }
    }

    /// The first node that the unit would rather be on and that has room, and since when it may draw units to it.
    pub(super) fn better(&self, unit: &Unit, by: &Holder, now: Monotonic) -> Option<(Slug, Monotonic)> {
        let above = self.units.get(unit)?.ranking.iter().take_while(|node| **node != by.node);
        let rooms = above.filter(|node| !self.is_full(node));
        let steady = rooms.filter_map(|node| self.peers.get(node).map(|peer| (node.clone(), peer.steady_at())));
        steady.min_by_key(|(_, at)| if *at <= now { Monotonic(0) } else { *at })
    }

    fn ask_back(&mut self, unit: &Unit, now: Monotonic) {
        let Some(entry) = self.units.get_mut(unit) else { return };
        let (epoch, State::Held { by, asked, .. }) = (entry.epoch, &mut entry.state) else { return };
        *asked = Some(now);
        let node = by.node.clone();
        self.wake_at(now.plus(YIELD_MS), now);
        self.send(&node, ToNode::Yield { unit: unit.clone(), epoch });
    }

    fn write(&mut self, unit: &Unit, to: Holder, now: Monotonic) {
        let after = self.units.get(unit).map_or(0, |entry| entry.epoch);
        self.set(unit, State::Writing { to: to.clone(), since: now });
        self.out.push(Action::Write { unit: unit.clone(), to, after });
    }

    /// Works out again which nodes may have the unit, when the nodes have changed since.
    fn rank_again(&mut self, unit: &Unit) {
        let changes = self.eligible_changes;
        if self.units.get(unit).is_none_or(|entry| entry.ranked == changes) {
            return;
        }
        let allowed = |node: &&Slug| self.peers.get(*node).is_some_and(|peer| peer.allows(unit));
        let ranking = rank(self.eligible.iter().filter(allowed), unit);
        if let Some(entry) = self.units.get_mut(unit) {
            (entry.ranking, entry.ranked) = (ranking, changes);
        }
    }

    /// How many nodes may have the unit now.
    pub(super) fn candidates(&self, unit: &Unit) -> usize {
        self.units.get(unit).map_or(0, |entry| entry.ranking.len())
    }
}
