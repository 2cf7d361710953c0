//! Whom to wake after a start and by the sweep. Each source is walked by jumps from one address to the next, so that a
//! context with a million waiting rows costs one step.

use messages::Address;
use messages::store::Rows;
use rusqlite::{Connection, OptionalExtension as _};

/// A taken event whose reply is on its way is the lane's; its context hears when that has ended.
pub(super) const OPEN: &str = "SELECT ctx FROM inbox INDEXED BY inbox_open WHERE state < 2 AND ctx > ?1
    AND (state = 0 OR NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.seq = inbox.seq AND outbox.state < 2))
    ORDER BY ctx LIMIT 1";
pub(super) const ENDED: &str = "SELECT ctx FROM outbox INDEXED BY outbox_ended
    WHERE logged = 0 AND state >= 2 AND ctx > ?1 ORDER BY ctx LIMIT 1";
pub(super) const LANES: &str =
    "SELECT lane FROM outbox INDEXED BY outbox_lane WHERE state < 2 AND lane > ?1 ORDER BY lane LIMIT 1";

/// One source of addresses in order, and the next it has.
struct Source<'a> {
    sql: &'a Connection,
    statement: &'static str,
    next: Option<String>,
}

impl Source<'_> {
    /// Moves behind `address` if it stands at it or before.
    fn pass(&mut self, address: &str) -> rusqlite::Result<()> {
        if self.next.as_deref().is_some_and(|next| next <= address) {
            self.next = after(self.sql, self.statement, address)?;
        }
        Ok(())
    }
}

fn after(sql: &Connection, statement: &str, address: &str) -> rusqlite::Result<Option<String>> {
    sql.prepare_cached(statement)?.query_row([address], |row| row.get(0)).optional()
}

pub(super) fn unfinished(sql: &Connection, from: Option<&Address>, limit: u32) -> rusqlite::Result<Rows> {
    let from = from.map_or("", Address::as_str);
    let source = |statement| {
        let next = after(sql, statement, from)?;
        Ok::<_, rusqlite::Error>(Source { sql, statement, next })
    };
    let mut sources = [source(OPEN)?, source(ENDED)?, source(LANES)?];
    let mut addresses = Vec::new();
    for _ in 0..limit {
        let Some(least) = sources.iter().filter_map(|s| s.next.clone()).min() else { break };
        for source in &mut sources {
            source.pass(&least)?;
        }
        // Written as an address or checked to be one; what is neither could not be woken anyway.
        addresses.extend(Address::parse(&least).ok());
    }
    Ok(Rows::Addresses(addresses))
}
