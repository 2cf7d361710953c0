//! A router's side: who holds what, as the hub said last.

use std::collections::{BTreeMap, BTreeSet};

use messages::Slug;
use messages::cluster::{Place, Table as Message, Unit, Version};

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The table is of the message's version. These units have another holder or epoch than before, or another reason
    /// to have none: asks that wait for them are sent again.
    Changed(Vec<Unit>),
    /// A part of a whole table; the rest is to come.
    More,
    /// It is older than the table.
    Old,
    /// Something between was lost. The next renewal tells the hub our version, and it sends the whole table.
    Gap,
}

/// The table, and a newer one that comes in parts.
#[derive(Debug, Default)]
pub struct Table {
    version: Version,
    places: BTreeMap<Unit, Place>,
    coming: Option<Coming>,
}

#[derive(Debug)]
struct Coming {
    version: Version,
    parts: u16,
    next: u16,
    places: BTreeMap<Unit, Place>,
}

impl Table {
    /// An empty table, older than any.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Which version it is of.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Who holds the unit.
    #[must_use]
    pub fn holder(&self, unit: &Unit) -> Option<(&Slug, u64)> {
        match self.place(unit) {
            Place::Held { node, epoch } => Some((node, *epoch)),
            Place::Waits | Place::Gone => None,
        }
    }

    /// Where it is: so that "waits for its host" is told from "there is no such unit".
    #[must_use]
    pub fn place(&self, unit: &Unit) -> &Place {
        self.places.get(unit).unwrap_or(&Place::Gone)
    }

    /// All units that are there, with where they are.
    pub fn places(&self) -> impl Iterator<Item = (&Unit, &Place)> {
        self.places.iter()
    }

    /// Applies what the hub said.
    pub fn apply(&mut self, message: Message) -> Applied {
        match message.since {
            Some(since) => self.change(since, message),
            None => self.whole(message),
        }
    }

    fn change(&mut self, since: Version, message: Message) -> Applied {
        if message.ver <= self.version {
            return Applied::Old;
        }
        if since != self.version {
            return Applied::Gap;
        }
        self.version = message.ver;
        let mut changed = Vec::new();
        for (unit, place) in message.entries {
            if self.place(&unit) != &place {
                put(&mut self.places, unit.clone(), place);
                changed.push(unit);
            }
        }
        Applied::Changed(changed)
    }

    fn whole(&mut self, message: Message) -> Applied {
        if message.ver < self.version {
            return Applied::Old;
        }
        let expected = self
            .coming
            .take()
            .filter(|coming| (coming.version, coming.parts, coming.next) == (message.ver, message.parts, message.part));
        let mut coming = match expected {
            Some(coming) => coming,
            None if message.part == 0 => {
                Coming { version: message.ver, parts: message.parts, next: 0, places: BTreeMap::new() }
            }
            None => return Applied::Gap,
        };
        for (unit, place) in message.entries {
            put(&mut coming.places, unit, place);
        }
        coming.next += 1;
        if coming.next < coming.parts {
            self.coming = Some(coming);
            return Applied::More;
        }
        self.version = coming.version;
        let before = std::mem::replace(&mut self.places, coming.places);
        let units: BTreeSet<&Unit> = before.keys().chain(self.places.keys()).collect();
        let differs = |unit: &&&Unit| before.get(**unit) != self.places.get(**unit);
        Applied::Changed(units.iter().filter(differs).map(|unit| (*unit).clone()).collect())
    }
}

fn put(places: &mut BTreeMap<Unit, Place>, unit: Unit, place: Place) {
    if place == Place::Gone {
        places.remove(&unit);
    } else {
        places.insert(unit, place);
    }
}

#[cfg(test)]
mod tests;
