//! The hub's side: state + event -> writes and messages. No clock, no I/O.

mod events;
mod explain;
mod peer;
mod publish;
mod room;
#[cfg(test)]
mod tests;
mod unit;

use std::collections::{BTreeMap, BTreeSet};

use messages::Slug;
use messages::cluster::{Incarnation, NodeFacts, ToHub, ToNode, Unit, Version};

pub use explain::{Placement, Progress, Reason, Why};

use crate::timers::{HUB_LIFE_MS, LATE_MS, Monotonic, SETTLE_MS, TICK_MS};
use peer::Peer;
use room::Room;
use unit::{Entry, State};

/// A link of one node, numbered by who made it: no two of one hub's life have the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// A node in one of its starts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// Its name.
    pub node: Slug,
    /// Which start of it.
    pub incarnation: Incarnation,
}

/// Who holds a unit, as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The node.
    pub by: Holder,
    /// Under which epoch.
    pub epoch: u64,
}

/// What a hub begins with.
#[derive(Debug, Clone)]
pub struct Start {
    /// Which start of the hub, durable and greater at each: the epoch that it got when it claimed the unit `hub`.
    pub reign: u64,
    /// All rows of units.
    pub rows: Vec<(Unit, Row)>,
    /// The units that are configured.
    pub units: Vec<Unit>,
    /// The store was restored since the hub's last start: rows may be older than what nodes hold, so every exclusive
    /// unit waits a whole lease, one without a row too.
    pub restored: bool,
}

/// What the hub hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time has passed.
    Tick,
    /// A node's link is up, its hello checked against its certificate.
    Up {
        /// The link.
        link: LinkId,
        /// The hello.
        facts: NodeFacts,
    },
    /// A link has ended.
    Down {
        /// Whose.
        node: Slug,
        /// Which; an older one than the node's present link says nothing.
        link: LinkId,
    },
    /// A node says something.
    Heard {
        /// Who.
        node: Slug,
        /// By which link.
        link: LinkId,
        /// What.
        message: ToHub,
    },
    /// A workspace or an account is configured.
    Added(Unit),
    /// It is no more.
    Removed(Unit),
    /// A [`Action::Write`] is durable.
    Written {
        /// Which unit.
        unit: Unit,
        /// The epoch that the store gave.
        epoch: u64,
    },
    /// A [`Action::Write`] was not done, for certain: the store is busy or can't write now.
    NotWritten(Unit),
    /// A [`Action::Write`] was refused since the row is another, or whether it was done is not known.
    Refused(Unit),
    /// The answer to [`Action::Read`].
    Read {
        /// Which unit.
        unit: Unit,
        /// Its row, if there is one.
        row: Option<Row>,
    },
}

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Say this to a node by this link. May be lost with the link; must not be sent by another.
    Send {
        /// The link.
        link: LinkId,
        /// To whom.
        node: Slug,
        /// What.
        message: ToNode,
    },
    /// Make the unit's row {node, incarnation, next epoch}, if its epoch is still `after` (0: there is no row), in a
    /// commit that carries the hub's own fence. Answered by `Written`, `NotWritten` or `Refused`, always; several of one
    /// decision may go in one commit.
    Write {
        /// Which unit.
        unit: Unit,
        /// For whom.
        to: Holder,
        /// The epoch before.
        after: u64,
    },
    /// Units are not taken any more: there are as many as there may be, or this node has brought as many as one may. Said
    /// once of each in a hub's life.
    Full {
        /// The node; `None`: of no node.
        node: Option<Slug>,
        /// One sentence with what to do.
        why: String,
    },
    /// Read the unit's row; answered by [`Event::Read`], when it can be read.
    Read(Unit),
    /// End this link: the node has a newer one, or may not have one.
    Cut {
        /// Which.
        link: LinkId,
        /// One sentence for the node's log and the hub's.
        why: String,
    },
}

/// The hub's memory. Durable are the rows alone; all else follows from what nodes say.
#[derive(Debug)]
pub struct Hub {
    version: Version,
    /// Before this nothing moves.
    settled_at: Monotonic,
    /// Before this no exclusive unit is given to anyone.
    exclusive_at: Monotonic,
    /// When it asked to be called.
    due: Monotonic,
    peers: BTreeMap<Slug, Peer>,
    units: BTreeMap<Unit, Entry>,
    room: Room,
    /// How many units each node holds, or is about to.
    load: BTreeMap<Slug, usize>,
    /// Who may be given units now, and how often that changed.
    eligible: BTreeSet<Slug>,
    eligible_changes: u64,
    /// When all units must be looked at again, though nothing was heard.
    wake: Monotonic,
    /// What must be looked at in this decision.
    all: bool,
    touched: BTreeSet<Unit>,
    /// What this decision gives.
    out: Vec<Action>,
    assigned: Vec<(Holder, Unit, u64)>,
}

impl Hub {
    /// A hub that has just started. Call [`Hub::decide`] with [`Event::Tick`] next.
    #[must_use]
    pub fn start(start: Start, now: Monotonic) -> Self {
        let exclusive_at = if start.restored { now.plus(HUB_LIFE_MS) } else { now };
        let mut hub = Self {
            version: Version { hub: start.reign, number: 1 },
            settled_at: now.plus(SETTLE_MS),
            exclusive_at,
            due: now,
            peers: BTreeMap::new(),
            units: BTreeMap::new(),
            room: Room::default(),
            load: BTreeMap::new(),
            eligible: BTreeSet::new(),
            eligible_changes: 0,
            wake: now,
            all: true,
            touched: BTreeSet::new(),
            out: Vec::new(),
            assigned: Vec::new(),
        };
        for (unit, row) in start.rows {
            hub.take_row(&unit, row, now);
        }
        for unit in start.units {
            hub.want(&unit, now);
        }
        hub
    }

    /// Hears an event, and says what is to be done about it.
    pub fn decide(&mut self, event: Event, now: Monotonic) -> Vec<Action> {
        self.forgive_if_late(now);
        self.hear(event, now);
        self.look(now);
        self.publish();
        self.due = if self.all { now } else { self.wake.min(now.plus(TICK_MS)) };
        std::mem::take(&mut self.out)
    }

    /// When it wants to be called next, at the latest.
    #[must_use]
    pub fn due(&self) -> Monotonic {
        self.due
    }

    /// The version of the table as it is.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The hub itself stood still: what its peers said meanwhile waits in its sockets, so nobody is late but itself.
    fn forgive_if_late(&mut self, now: Monotonic) {
        if now <= self.due.plus(LATE_MS) {
            return;
        }
        self.settled_at = now.plus(SETTLE_MS);
        self.all = true;
        for peer in self.peers.values_mut() {
            peer.lease_end = peer.lease_end.max(now.plus(SETTLE_MS));
            peer.listen_anew();
        }
    }

    /// Looks at what may have changed: all units when the nodes changed or time asks for it, else those that were heard of.
    fn look(&mut self, now: Monotonic) {
        let eligible: BTreeSet<Slug> =
            self.peers.iter().filter(|(_, peer)| peer.is_eligible(now)).map(|(node, _)| node.clone()).collect();
        if eligible != self.eligible {
            self.eligible = eligible;
            self.eligible_changes += 1;
            self.all = true;
        }
        if self.all || now >= self.wake {
            self.wake = Monotonic(u64::MAX);
            self.all = false;
            let units: Vec<Unit> = self.units.keys().cloned().collect();
            units.iter().for_each(|unit| self.step(unit, now));
            self.touched.extend(units);
        } else {
            let units: Vec<Unit> = self.touched.iter().cloned().collect();
            units.iter().for_each(|unit| self.step(unit, now));
        }
    }

    /// All units must be looked at again at this time.
    fn wake_at(&mut self, at: Monotonic, now: Monotonic) {
        if at > now {
            self.wake = self.wake.min(at);
        }
    }

    /// From now on there is to be a holder of this unit, if there is room for it.
    fn want(&mut self, unit: &Unit, now: Monotonic) {
        if !self.units.contains_key(unit) && !self.has_room(unit) {
            return;
        }
        let entry = self.units.entry(unit.clone()).or_insert_with(|| Entry::unheard(now));
        entry.wanted = true;
        self.touched.insert(unit.clone());
    }

    /// The store says who holds it. What it says is believed, whatever this hub thought.
    fn take_row(&mut self, unit: &Unit, row: Row, now: Monotonic) {
        let known = self.peers.entry(row.by.node.clone()).or_insert_with(|| Peer::unmet(row.by.incarnation, now));
        if known.link.is_none() && known.facts.is_none() {
            known.incarnation = known.incarnation.max(row.by.incarnation);
        }
        self.units.entry(unit.clone()).or_insert_with(|| Entry::unheard(now)).epoch = row.epoch;
        self.set(unit, State::Held { by: row.by, since: now, asked: None, opened: false });
    }
}
