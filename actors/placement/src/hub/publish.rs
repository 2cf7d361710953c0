//! What the nodes are told of the table.

use messages::Slug;
use messages::cluster::{Place, TABLE_ENTRIES_MAX, Table, ToNode, Unit, Version};

use super::unit::{Entry, State};
use super::{Action, Hub};

/// Where routers should look for a unit; `None`: as they were told last, it is on its way.
fn place(entry: &Entry) -> Option<Place> {
    match &entry.state {
        State::Held { by, .. } => Some(Place::Held { node: by.node.clone(), epoch: entry.epoch }),
        State::Writing { .. } | State::Reading { .. } => None,
        State::Free { .. } if entry.wanted => Some(Place::Waits),
        State::Free { .. } => Some(Place::Gone),
    }
}

impl Hub {
    /// Tells everyone what this decision changed, after the new holders were told.
    pub(super) fn publish(&mut self) {
        let mut entries = Vec::new();
        for unit in std::mem::take(&mut self.touched) {
            let Some(entry) = self.units.get_mut(&unit) else { continue };
            if let Some(place) = place(entry).filter(|place| *place != entry.published) {
                entry.published = place.clone();
                entries.push((unit, place));
            }
        }
        let mut since = self.version;
        let changes = entries.chunks(TABLE_ENTRIES_MAX).map(|entries| {
            let ver = Version { number: since.number + 1, ..since };
            Table { since: Some(std::mem::replace(&mut since, ver)), ver, part: 0, parts: 1, entries: entries.to_vec() }
        });
        let changes: Vec<Table> = changes.collect();
        self.version = since;
        for (to, unit, epoch) in std::mem::take(&mut self.assigned) {
            self.send(&to.node, ToNode::Assign { ver: since, unit, epoch });
        }
        let nodes: Vec<Slug> = self.peers.keys().cloned().collect();
        for change in changes {
            nodes.iter().for_each(|node| self.send(node, ToNode::Table(change.clone())));
        }
    }

    /// The whole table as it was published last, in parts.
    pub(super) fn send_whole_table(&mut self, node: &Slug) {
        let all: Vec<(Unit, Place)> = self
            .units
            .iter()
            .filter(|(_, entry)| entry.published != Place::Gone)
            .map(|(unit, entry)| (unit.clone(), entry.published.clone()))
            .collect();
        let parts = u16::try_from(all.len().div_ceil(TABLE_ENTRIES_MAX).max(1)).unwrap_or(u16::MAX);
        let mut chunks = all.chunks(TABLE_ENTRIES_MAX);
        for part in 0..parts {
            let entries = chunks.next().unwrap_or_default().to_vec();
            self.send(node, ToNode::Table(Table { since: None, ver: self.version, part, parts, entries }));
        }
    }

    /// Says something to a node that has a link; without one it hears the truth when it is back.
    pub(super) fn send(&mut self, node: &Slug, message: ToNode) {
        if let Some(link) = self.peers.get(node).and_then(|peer| peer.link) {
            self.out.push(Action::Send { link, node: node.clone(), message });
        }
    }
}
