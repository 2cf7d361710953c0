//! What the writer knows by heart so that it need not read it for each request, and how it goes back when a request or
//! a group is not written.

use std::collections::HashMap;

use messages::Address;
use rusqlite::{Connection, OptionalExtension as _};

use crate::audit::{GENESIS, Head};

/// The writer's memory of the file. Reloaded from the file with every connection.
#[derive(Debug)]
pub(crate) struct Heads {
    /// The number of the last group that was written.
    pub(crate) group: i64,
    /// Where the audit chain stands.
    pub(crate) audit: Head,
    /// The last audit record that a checkpoint signs.
    pub(crate) signed: i64,
    /// The epoch in force of each unit that was ever claimed.
    pub(crate) units: HashMap<Address, u64>,
    /// What to put back into `units`, newest last.
    undo: Vec<(Address, Option<u64>)>,
}

/// A place to go back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    audit: Head,
    signed: i64,
    undo: usize,
}

impl Heads {
    /// Reads them; two rows and the units, whatever the store's size.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let audit = connection
            .query_row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", [], |row| {
                Ok(Head { seq: row.get(0)?, hash: row.get(1)? })
            })
            .optional()?;
        let signed = "SELECT coalesce(max(seq), 0) FROM checkpoint";
        Ok(Self {
            group: group_in(connection)?,
            audit: audit.unwrap_or(GENESIS),
            signed: connection.query_row(signed, [], |row| row.get(0))?,
            units: units(connection)?,
            undo: Vec::new(),
        })
    }

    /// Remembers where things stand.
    pub(crate) fn mark(&self) -> Mark {
        Mark { audit: self.audit, signed: self.signed, undo: self.undo.len() }
    }

    /// Forgets what was done since `mark`.
    pub(crate) fn back_to(&mut self, mark: Mark) {
        (self.audit, self.signed) = (mark.audit, mark.signed);
        while self.undo.len() > mark.undo {
            match self.undo.pop() {
                Some((unit, Some(epoch))) => drop(self.units.insert(unit, epoch)),
                Some((unit, None)) => drop(self.units.remove(&unit)),
                None => {}
            }
        }
    }

    /// The epoch under which a unit is held, or was held last.
    pub(crate) fn epoch(&self, unit: &Address) -> Option<u64> {
        self.units.get(unit).copied()
    }

    /// From now on `unit` is held under `epoch`.
    pub(crate) fn claim(&mut self, unit: &Address, epoch: u64) {
        let before = self.units.insert(unit.clone(), epoch);
        self.undo.push((unit.clone(), before));
    }

    /// The group is on disk: nothing of it is gone back on.
    pub(crate) fn settle(&mut self, group: i64) {
        self.group = group;
        self.undo.clear();
    }
}

fn group_in(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT value FROM meta WHERE key = 'group'", [], |row| row.get(0))
}

fn units(connection: &Connection) -> rusqlite::Result<HashMap<Address, u64>> {
    let mut statement = connection.prepare("SELECT unit, epoch FROM unit")?;
    let rows = statement.query_map([], |row| {
        let unit = Address::parse(row.get_ref(0)?.as_str()?);
        Ok(unit.ok().zip(u64::try_from(row.get::<_, i64>(1)?).ok()))
    })?;
    rows.filter_map(Result::transpose).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_restores_the_units_and_the_chain_in_any_nesting() {
        let (a, b) = (Address::fixed("ws/a"), Address::fixed("ws/b"));
        let units = HashMap::from([(a.clone(), 3)]);
        let mut heads = Heads { group: 7, audit: GENESIS, signed: 0, units, undo: Vec::new() };
        let outer = heads.mark();
        heads.claim(&a, 4);
        let inner = heads.mark();
        heads.claim(&a, 5);
        heads.claim(&b, 1);
        heads.audit.seq = 9;
        heads.back_to(inner);
        assert_eq!((heads.units.get(&a), heads.units.get(&b)), (Some(&4), None));
        heads.back_to(outer);
        assert_eq!((heads.units.get(&a), heads.audit), (Some(&3), GENESIS));
    }
}
