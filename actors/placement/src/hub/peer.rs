//! What the hub knows of one node.

use std::collections::VecDeque;

use messages::cluster::{Incarnation, NodeFacts, UNITS_PER_NODE_MAX, Unit, UnitClass, Version};

use super::LinkId;
use crate::timers::{FRESH_MS, GRACE_MS, HUB_LIFE_MS, Monotonic, STEADY_MS, UNHEARD_MS};

/// A node, by the newest start of it that is known. One a name: as many as the CA has issued certificates for.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) incarnation: Incarnation,
    /// From its hello; `None` while it is known from rows alone.
    pub(super) facts: Option<NodeFacts>,
    pub(super) link: Option<LinkId>,
    /// When its link ended, or when this hub began and had none of it.
    pub(super) lost_at: Monotonic,
    /// When this start of it came up first.
    pub(super) joined: Monotonic,
    /// When it renewed last.
    pub(super) renewed: Option<Monotonic>,
    /// Until then it may believe that it holds what it holds.
    pub(super) lease_end: Monotonic,
    /// Until then a start of it that looks newer than this one, and was before it, may believe so.
    pub(super) elder_end: Monotonic,
    /// Leases that were granted by this link, of which it has not said yet that it heard: which renewal, and when.
    grants: VecDeque<(u64, Monotonic)>,
    /// When the lease was granted that it heard of last, by this link.
    heard_at: Option<Monotonic>,
    /// It said things and had not heard what was answered.
    deaf: bool,
    /// With how many units a drain began.
    pub(super) drain: Option<u32>,
    /// It said goodbye.
    pub(super) left: bool,
    /// The table that it surely has heard of by its next renewal.
    pub(super) owed: Version,
}

/// Why a unit may be taken from the node that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loose {
    /// The node has stopped holding it, for certain: nobody holds it now.
    Free,
    /// It may still believe that it holds it, and its class allows to take it: it keeps it until another can have it.
    Takeable,
}

impl Peer {
    /// Of a node that this hub has not met: from a row, or at its first hello. Until a lease has passed it may hold things.
    pub(super) fn unmet(incarnation: Incarnation, now: Monotonic) -> Self {
        Self {
            incarnation,
            facts: None,
            link: None,
            lost_at: now,
            joined: now,
            renewed: None,
            lease_end: now.plus(HUB_LIFE_MS),
            elder_end: now,
            grants: VecDeque::new(),
            heard_at: None,
            deaf: false,
            drain: None,
            left: false,
            owed: Version::default(),
        }
    }

    /// It may believe that it holds its units.
    pub(super) fn lives(&self, now: Monotonic) -> bool {
        !self.left && (self.link.is_some() || now < self.lease_end)
    }

    /// Another start of the same node has come up.
    pub(super) fn begun_anew(&self, incarnation: Incarnation, now: Monotonic) -> Self {
        let elder_end = if incarnation < self.incarnation { self.lease_end } else { now };
        Self { elder_end, ..Self::unmet(incarnation, now) }
    }

    /// Its answers by an earlier link are lost, or it could not hear since the hub stood still: nobody is deaf for that.
    pub(super) fn listen_anew(&mut self) {
        self.grants.clear();
        self.heard_at = None;
        self.deaf = false;
    }

    /// It renews. Whether it is granted a lease.
    pub(super) fn renew(&mut self, seq: u64, heard: u64, now: Monotonic) -> bool {
        while let Some((_, at)) = self.grants.front().copied().filter(|(seq, _)| *seq <= heard) {
            self.heard_at = Some(at);
            self.grants.pop_front();
        }
        self.renewed = Some(now);
        self.deaf = self.grants.front().is_some_and(|(_, at)| now.since(*at) > UNHEARD_MS);
        if self.deaf {
            return false;
        }
        self.grants.push_back((seq, now));
        self.lease_end = self.lease_end.max(now.plus(HUB_LIFE_MS));
        true
    }

    /// It has a link, renewed a moment ago, and hears. What it renewed while it was deaf gave it no lease: by another link it
    /// must first be granted one, or what it were given would be taken from it at once.
    pub(super) fn is_fresh(&self, now: Monotonic) -> bool {
        let renewed = self.renewed.is_some_and(|at| now.since(at) <= FRESH_MS) && now < self.lease_end;
        renewed && self.link.is_some() && !self.left && !self.deaf
    }

    /// It may be given units.
    pub(super) fn is_eligible(&self, now: Monotonic) -> bool {
        self.is_fresh(now) && self.drain.is_none()
    }

    /// Since when it may take units from living holders.
    pub(super) fn steady_at(&self) -> Monotonic {
        self.joined.plus(STEADY_MS)
    }

    pub(super) fn allows(&self, unit: &Unit) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.allows(unit))
    }

    pub(super) fn units_max(&self) -> usize {
        let max = self.facts.as_ref().map_or(0, |facts| usize::try_from(facts.units_max).unwrap_or(usize::MAX));
        max.min(UNITS_PER_NODE_MAX)
    }

    /// Whether what this start of the node holds may be taken from it, by the unit's class.
    pub(super) fn loose(&self, incarnation: Incarnation, class: UnitClass, now: Monotonic) -> Option<Loose> {
        // Of a node known from rows alone any start may live: only time tells.
        if self.facts.is_some() && self.incarnation != incarnation {
            let over = incarnation < self.incarnation || now >= self.elder_end;
            return over.then_some(Loose::Free);
        }
        if self.left {
            return Some(Loose::Free);
        }
        let over = now >= self.lease_end || (class == UnitClass::Fenced && now >= self.believed_end());
        over.then_some(Loose::Takeable)
    }

    /// When it stops to hold things, unless an answer still reaches it that it was deaf to: good enough for what is fenced.
    fn believed_end(&self) -> Monotonic {
        let heard = self.heard_at.filter(|_| self.deaf).map_or(self.lease_end, |at| at.plus(HUB_LIFE_MS));
        if self.link.is_none() { heard.min(self.lost_at.plus(GRACE_MS)) } else { heard }
    }

    /// When [`Peer::loose`] may change by time alone.
    pub(super) fn loose_at(&self, now: Monotonic) -> Monotonic {
        let times = [self.elder_end, self.believed_end(), self.lease_end];
        times.into_iter().filter(|at| *at > now).min().unwrap_or(self.lease_end)
    }
}
