//! What each event changes.

use messages::Slug;
use messages::cluster::{NodeFacts, Renew, Renewed, ToHub, ToNode, Unit, UnitEpoch};

use super::peer::Peer;
use super::unit::State;
use super::{Action, Event, Holder, Hub, LinkId, Row};
use crate::timers::{LIFE_MS, Monotonic, WRITE_AGAIN_MS};

impl Hub {
    pub(super) fn hear(&mut self, event: Event, now: Monotonic) {
        match event {
            Event::Tick => {}
            Event::Up { link, facts } => self.up(link, facts, now),
            Event::Down { node, link } => self.down(&node, link, now),
            Event::Heard { node, link, message } => {
                if self.peers.get(&node).is_some_and(|peer| peer.link == Some(link) && !peer.left) {
                    self.heard(&node, message, now);
                }
            }
            Event::Added(unit) => self.want(&unit, now),
            Event::Removed(unit) => {
                if let Some(entry) = self.units.get_mut(&unit) {
                    entry.wanted = false;
                    self.touched.insert(unit);
                }
            }
            Event::Written { unit, epoch } => self.written(&unit, epoch, now),
            Event::NotWritten(unit) => {
                if self.is_writing(&unit) {
                    self.set(&unit, State::Free { since: now, again: now.plus(WRITE_AGAIN_MS) });
                }
            }
            Event::Refused(unit) => {
                if self.is_writing(&unit) {
                    self.read_again(unit, now);
                }
            }
            Event::Read { unit, row } => self.read(&unit, row, now),
        }
    }

    fn up(&mut self, link: LinkId, facts: NodeFacts, now: Monotonic) {
        let (node, incarnation) = (facts.node.clone(), facts.incarnation);
        if let Some(known) = self.peers.get(&node) {
            if incarnation < known.incarnation && known.facts.is_some() && known.lives(now) {
                let newer = known.incarnation;
                let why =
                    format!("{node} runs as {newer} already, which is newer than {incarnation}; end one of the two");
                return self.out.push(Action::Cut { link, why });
            }
            if let Some(old) = known.link.filter(|old| *old != link) {
                let why = format!("{node} has a newer link");
                self.out.push(Action::Cut { link: old, why });
            }
        }
        let peer = self.peers.entry(node.clone()).or_insert_with(|| Peer::unmet(incarnation, now));
        if peer.incarnation != incarnation {
            *peer = peer.begun_anew(incarnation, now);
        }
        if peer.facts.is_none() {
            peer.joined = now;
        }
        // By the same link it is said again by one that hears nothing: it stays as deaf as it was.
        if peer.link != Some(link) {
            peer.listen_anew();
        }
        peer.link = Some(link);
        peer.facts = Some(facts);
        peer.owed = self.version;
        // What it allows may be other than before, also when it was eligible and is again.
        self.eligible.remove(&node);
        self.all = true;
        self.send_whole_table(&node);
    }

    fn down(&mut self, node: &Slug, link: LinkId, now: Monotonic) {
        let Some(peer) = self.peers.get_mut(node).filter(|peer| peer.link == Some(link)) else { return };
        peer.link = None;
        peer.lost_at = now;
        self.all = true;
    }

    fn heard(&mut self, node: &Slug, message: ToHub, now: Monotonic) {
        match message {
            ToHub::Renew(renew) => self.renew(node, &renew, now),
            ToHub::Released { unit, epoch } => self.released(node, &unit, epoch, now),
            ToHub::Goodbye => {
                if let Some(peer) = self.peers.get_mut(node) {
                    peer.left = true;
                    self.all = true;
                }
            }
        }
    }

    fn renew(&mut self, node: &Slug, renew: &Renew, now: Monotonic) {
        let load = self.load.get(node).copied().unwrap_or(0);
        let version = self.version;
        let Some(peer) = self.peers.get_mut(node) else { return };
        if &renew.node != node || renew.incarnation != peer.incarnation {
            return;
        }
        self.all |= !peer.is_fresh(now);
        let ttl_ms = if peer.renew(renew.seq, renew.heard, now) { LIFE_MS } else { 0 };
        if peer.drain.is_some() != renew.drain {
            peer.drain = renew.drain.then(|| u32::try_from(load).unwrap_or(u32::MAX));
            self.all = true;
        }
        let behind = renew.table < peer.owed;
        peer.owed = version;
        let by = Holder { node: node.clone(), incarnation: renew.incarnation };
        let (units, asked) = self.held_by(&by, &renew.has);
        self.send(node, ToNode::Renewed(Renewed { seq: renew.seq, ver: version, ttl_ms, units }));
        // A request to give back may have been lost, or its answer.
        for (unit, epoch) in asked {
            self.send(node, ToNode::Yield { unit, epoch });
        }
        if behind {
            self.send_whole_table(node);
        }
    }

    /// What a node holds, and what of it it was asked to give back before. Notes what it says that it has.
    fn held_by(&mut self, holder: &Holder, has: &[UnitEpoch]) -> (Vec<UnitEpoch>, Vec<UnitEpoch>) {
        for (unit, epoch) in has {
            let Some(entry) = self.units.get_mut(unit).filter(|entry| entry.epoch == *epoch) else { continue };
            if let State::Held { by, opened, .. } = &mut entry.state {
                *opened |= by == holder;
            }
        }
        let (mut units, mut asked_back) = (Vec::new(), Vec::new());
        for (unit, entry) in &self.units {
            let State::Held { by, asked, .. } = &entry.state else { continue };
            if by == holder {
                units.push((unit.clone(), entry.epoch));
                asked_back.extend(asked.map(|_| (unit.clone(), entry.epoch)));
            }
        }
        (units, asked_back)
    }

    /// Said of what it holds: it does not any more, whether it was asked to or can't hold it.
    fn released(&mut self, node: &Slug, unit: &Unit, epoch: u64, now: Monotonic) {
        let Some(entry) = self.units.get(unit).filter(|entry| entry.epoch == epoch) else { return };
        let State::Held { by, .. } = &entry.state else { return };
        if &by.node == node && self.peers.get(node).is_some_and(|peer| peer.incarnation == by.incarnation) {
            self.set(unit, State::Free { since: now, again: now });
        }
    }

    fn is_writing(&self, unit: &Unit) -> bool {
        self.units.get(unit).is_some_and(|entry| matches!(entry.state, State::Writing { .. }))
    }

    fn read_again(&mut self, unit: Unit, now: Monotonic) {
        self.set(&unit, State::Reading { since: now });
        self.out.push(Action::Read(unit));
    }

    fn written(&mut self, unit: &Unit, epoch: u64, now: Monotonic) {
        let Some(entry) = self.units.get_mut(unit) else { return };
        let State::Writing { to, .. } = entry.state.clone() else { return };
        if epoch <= entry.epoch {
            return self.read_again(unit.clone(), now);
        }
        entry.epoch = epoch;
        let here = |peer: &Peer| peer.link.is_some() && peer.incarnation == to.incarnation && !peer.left;
        if self.peers.get(&to.node).is_some_and(here) {
            self.assigned.push((to.clone(), unit.clone(), epoch));
            self.set(unit, State::Held { by: to, since: now, asked: None, opened: false });
        } else {
            // It went away meanwhile and was told nothing: nobody holds it.
            self.set(unit, State::Free { since: now, again: now });
        }
    }

    fn read(&mut self, unit: &Unit, row: Option<Row>, now: Monotonic) {
        if !self.units.get(unit).is_some_and(|entry| matches!(entry.state, State::Reading { .. })) {
            return;
        }
        match row {
            Some(row) => self.take_row(unit, row, now),
            None => {
                if let Some(entry) = self.units.get_mut(unit) {
                    entry.epoch = 0;
                }
                self.set(unit, State::Free { since: now, again: now.plus(WRITE_AGAIN_MS) });
            }
        }
    }
}
