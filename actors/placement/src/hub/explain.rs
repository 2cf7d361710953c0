//! Why a unit is where it is: a value that can be shown.

use std::fmt;

use messages::Slug;
use messages::cluster::{NodeFacts, Role, Unit, UnitClass};

use super::peer::Peer;
use super::unit::State;
use super::{Holder, Hub};
use crate::timers::Monotonic;

/// Nodes that are named as ones that a unit waits for.
const AWAY_MAX: usize = 8;

/// Where a unit is, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Who holds it.
    pub holder: Option<Holder>,
    /// Since when, or since when it waits; by the hub's clock.
    pub since: Monotonic,
    /// The epoch in force; 0 when it was never held.
    pub epoch: u64,
    /// Its holder has said that it has it.
    pub opened: bool,
    /// Why.
    pub why: Why,
}

/// Why a unit is where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Of this many nodes that may have it, it would rather be on this one.
    RendezvousFirst(usize),
    /// No other node may have it.
    OnlyHolder,
    /// Another node would be better; it stays for now.
    Stays(Reason),
    /// Its node drains, and is giving it back since then.
    Draining(Monotonic),
    /// It goes to a better node; its holder was asked for it then.
    Moving(Monotonic),
    /// It is no longer configured; its holder is giving it back.
    Leaving,
    /// Its new holder is being written down.
    Assigning(Slug),
    /// Its row was changed by someone else and is being read.
    Reading,
    /// Nobody can hold it now.
    WaitsForHost(Reason),
}

/// What a unit waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The hub has just started, or stood still: it moves nothing until then.
    HubSettles(Monotonic),
    /// The holder is silent, and may believe that it holds it until then.
    LeaseRuns(Monotonic),
    /// The store was restored: an older holder may believe so until then.
    Restored(Monotonic),
    /// The store could not take the write; it is tried again then.
    StoreBusy(Monotonic),
    /// A better node must first have been up for a while, until then.
    NotSteady(Slug, Monotonic),
    /// No node with this role is there.
    NoNode(Role),
    /// Nodes are there, but none has its files.
    NoFiles,
    /// These may have it and are not there, for so many milliseconds, as far as this hub knows.
    Away(Vec<(Slug, u64)>),
    /// All that may have it are silent.
    Silent,
    /// All that may have it drain.
    Draining,
    /// All that may have it are full.
    Full,
    /// It is not configured.
    NotConfigured,
    /// It was not looked at yet.
    Now,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HubSettles(_) => f.write_str("the hub has just started or stood still, and moves nothing for 3 s"),
            Self::LeaseRuns(_) => f.write_str("its holder is silent and may hold it until its lease ends"),
            Self::Restored(_) => {
                f.write_str("the store was restored; an older holder may hold it until its lease ends")
            }
            Self::StoreBusy(_) => f.write_str("the store could not take the write; it is tried again"),
            Self::NotSteady(node, _) => write!(f, "{node} would be better and has not been up for 3 s"),
            Self::NoNode(role) => write!(f, "no node with the role {role} is there"),
            Self::NoFiles => f.write_str("no node that is there has its files"),
            Self::Away(nodes) => {
                let away = |(node, ms): &(Slug, u64)| format!("{node} (away for {} s)", ms / 1_000);
                write!(f, "{}", nodes.iter().map(away).collect::<Vec<_>>().join(" or "))
            }
            Self::Silent => f.write_str("every node that may have it is silent"),
            Self::Draining => f.write_str("every node that may have it drains"),
            Self::Full => f.write_str("every node that may have it is full"),
            Self::NotConfigured => f.write_str("it is not configured"),
            Self::Now => f.write_str("it is looked at in a moment"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RendezvousFirst(of) => write!(f, "it is the first choice of {of} nodes"),
            Self::OnlyHolder => f.write_str("no other node may have it"),
            Self::Stays(reason) => write!(f, "it stays: {reason}"),
            Self::Draining(_) => f.write_str("its node drains and is giving it back"),
            Self::Moving(_) => f.write_str("its node is giving it back to a better one"),
            Self::Leaving => f.write_str("it is no longer configured, and its node is giving it back"),
            Self::Assigning(node) => write!(f, "it is being given to {node}"),
            Self::Reading => f.write_str("its row was changed by someone else and is being read"),
            Self::WaitsForHost(reason @ Reason::Away(_)) => write!(f, "it waits for a node that may have it: {reason}"),
            Self::WaitsForHost(reason) => write!(f, "it waits for a host: {reason}"),
        }
    }
}

/// How far a drain has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// With how many units it began.
    pub of: u32,
    /// How many are still there.
    pub left: u32,
}

impl Hub {
    /// Where a unit is and why; `None` when the hub has never heard of it.
    #[must_use]
    pub fn explain(&self, unit: &Unit, now: Monotonic) -> Option<Placement> {
        let entry = self.units.get(unit)?;
        let (holder, since, opened, why) = match &entry.state {
            State::Held { by, since, asked, opened } => {
                (Some(by.clone()), *since, *opened, self.why_held(unit, by, *asked, now))
            }
            State::Writing { to, since } => (None, *since, false, Why::Assigning(to.node.clone())),
            State::Reading { since } => (None, *since, false, Why::Reading),
            State::Free { since, again } => {
                let busy = (*again > now).then_some(Reason::StoreBusy(*again));
                (None, *since, false, Why::WaitsForHost(busy.unwrap_or_else(|| self.why_not(unit, now))))
            }
        };
        Some(Placement { holder, since, epoch: entry.epoch, opened, why })
    }

    /// How far the drain of a node has come; `None` when it does not drain.
    #[must_use]
    pub fn progress(&self, node: &Slug) -> Option<Progress> {
        let of = self.peers.get(node)?.drain?;
        let left = u32::try_from(self.load.get(node).copied().unwrap_or(0)).unwrap_or(u32::MAX);
        Some(Progress { of: of.max(left), left })
    }

    fn why_held(&self, unit: &Unit, by: &Holder, asked: Option<Monotonic>, now: Monotonic) -> Why {
        let peer = self.peers.get(&by.node);
        let wanted = self.units.get(unit).is_some_and(|entry| entry.wanted);
        if peer.is_none_or(|peer| !peer.is_fresh(now)) {
            // Its holder is silent: it waits for its lease to end, or then for another that may have it.
            return match peer.map(|peer| peer.lease_end).filter(|end| now < *end) {
                Some(end) => Why::Stays(Reason::LeaseRuns(end)),
                None => Why::WaitsForHost(self.why_not(unit, now)),
            };
        }
        match asked {
            Some(_) if !wanted => Why::Leaving,
            Some(at) if peer.is_some_and(|peer| peer.drain.is_some()) => Why::Draining(at),
            Some(at) => Why::Moving(at),
            None if now < self.settled_at => Why::Stays(Reason::HubSettles(self.settled_at)),
            None => match (self.better(unit, by, now), self.candidates(unit)) {
                (Some((node, at)), _) if at > now => Why::Stays(Reason::NotSteady(node, at)),
                (Some(_), _) => Why::Stays(Reason::Now),
                (None, 0 | 1) => Why::OnlyHolder,
                (None, of) => Why::RendezvousFirst(of),
            },
        }
    }

    /// Nodes that are not there and may have the unit, as they said when they were; of one that this hub has not met, that
    /// it had it last.
    fn away(&self, unit: &Unit, now: Monotonic) -> Option<Vec<(Slug, u64)>> {
        let last = self.units.get(unit).and_then(|entry| entry.last.as_ref()).map(|last| &last.node);
        let may = |node: &Slug, peer: &Peer| match &peer.facts {
            Some(facts) => facts.allows(unit),
            None => Some(node) == last,
        };
        let gone = |peer: &Peer| peer.link.is_none() || peer.left;
        let away = self.peers.iter().filter(|(node, peer)| gone(peer) && may(node, peer));
        let away: Vec<_> = away.map(|(node, peer)| (node.clone(), now.since(peer.lost_at))).take(AWAY_MAX).collect();
        (!away.is_empty()).then_some(away)
    }

    /// What a node said of itself, and whether it is there.
    pub fn nodes(&self) -> impl Iterator<Item = (&Slug, &NodeFacts, bool)> {
        self.peers
            .iter()
            .filter_map(|(node, peer)| Some((node, peer.facts.as_ref()?, peer.link.is_some() && !peer.left)))
    }

    /// Units that wait for a host, and why, longest first.
    #[must_use]
    pub fn waiting(&self, now: Monotonic) -> Vec<(Unit, Placement)> {
        let explained = self.units.keys().filter_map(|unit| Some((unit.clone(), self.explain(unit, now)?)));
        let mut waiting: Vec<_> =
            explained.filter(|(_, placement)| matches!(placement.why, Why::WaitsForHost(_))).collect();
        waiting.sort_by_key(|(_, placement)| placement.since);
        waiting
    }

    /// Why no node is given the unit.
    fn why_not(&self, unit: &Unit, now: Monotonic) -> Reason {
        if self.units.get(unit).is_none_or(|entry| !entry.wanted) {
            return Reason::NotConfigured;
        }
        if unit.class() == UnitClass::Exclusive && now < self.exclusive_at {
            return Reason::Restored(self.exclusive_at);
        }
        let with_role: Vec<_> = (self.peers.iter())
            .filter(|(_, peer)| peer.link.is_some() && !peer.left)
            .filter(|(_, peer)| peer.facts.as_ref().is_some_and(|facts| facts.roles.has(unit.role())))
            .collect();
        let allowed: Vec<_> = with_role.iter().filter(|(_, peer)| peer.allows(unit)).collect();
        if now < self.settled_at {
            Reason::HubSettles(self.settled_at)
        } else if allowed.is_empty()
            && let Some(away) = self.away(unit, now)
        {
            Reason::Away(away)
        } else if with_role.is_empty() {
            Reason::NoNode(unit.role())
        } else if allowed.is_empty() {
            Reason::NoFiles
        } else if allowed.iter().all(|(_, peer)| !peer.is_fresh(now)) {
            Reason::Silent
        } else if allowed.iter().all(|(_, peer)| !peer.is_eligible(now)) {
            Reason::Draining
        } else if allowed.iter().filter(|(_, peer)| peer.is_eligible(now)).all(|(node, _)| self.is_full(node)) {
            Reason::Full
        } else {
            Reason::Now
        }
    }
}
