//! How many units there may be, and how many of them one node may bring. What is beyond that is not taken, and told once.

use std::collections::{BTreeMap, BTreeSet};

use messages::Slug;
use messages::cluster::{HOLDS_MAX, Holds, UNITS_MAX, Unit};

use super::{Action, Hub};

/// How much of the room is taken.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Workspaces that were new when this node named them. A node that names others each time would fill the hub.
    brought: BTreeMap<Slug, usize>,
    /// Of which node it was told that it can bring no more; `None`: that there is no room for any.
    told: BTreeSet<Option<Slug>>,
}

impl Hub {
    /// Whether a unit that this hub does not know yet is taken.
    pub(super) fn has_room(&mut self, unit: &Unit) -> bool {
        if self.units.len() >= UNITS_MAX {
            let why = format!(
                "this hub knows {UNITS_MAX} workspaces and accounts, which is the most, since its start; {unit} is nobody's, \
                 and others that come: take folders of workspaces away and start the hub again"
            );
            return self.full(None, why);
        }
        let Some(node) = self.who_names(unit) else { return true };
        let brought = self.room.brought.entry(node.clone()).or_default();
        if *brought < HOLDS_MAX {
            *brought += 1;
            return true;
        }
        let why = format!(
            "`{node}` has named {HOLDS_MAX} workspaces that were new, which is the most of one node, since this hub's start; \
             {unit} is nobody's, and others that it names: take folders of its workspaces away and start the hub again"
        );
        self.full(Some(node), why)
    }

    fn full(&mut self, node: Option<Slug>, why: String) -> bool {
        if self.room.told.insert(node.clone()) {
            self.out.push(Action::Full { node, why });
        }
        false
    }

    /// The first node that says it has the files.
    fn who_names(&self, unit: &Unit) -> Option<Slug> {
        let workspace = unit.address().workspace_of()?;
        let names = |holds: &Holds| matches!(holds, Holds::These(these) if these.contains(&workspace));
        let mut peers = self.peers.iter();
        peers
            .find(|(_, peer)| peer.facts.as_ref().is_some_and(|facts| names(&facts.holds)))
            .map(|(node, _)| node.clone())
    }
}
