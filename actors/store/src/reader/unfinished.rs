//! Whom to wake after a start and by the sweep. Each source is walked by jumps from one address to the next, so that a
//! context with a million waiting rows costs one step.

use messages::Address;
use messages::store::Rows;
use rusqlite::{Connection, OptionalExtension as _};

/// A taken event whose reply is on its way is the lane's; its context hears when that has ended. Words of a task are no
/// reply.
pub(super) const OPEN: &str = "SELECT ctx FROM inbox INDEXED BY inbox_open WHERE state < 2 AND ctx > ?1
    AND (state = 0 OR NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.seq = inbox.seq AND outbox.state < 2
    AND outbox.task IS NULL))
    ORDER BY ctx LIMIT 1";
pub(super) const ENDED: &str = "SELECT ctx FROM outbox INDEXED BY outbox_ended
    WHERE logged = 0 AND state >= 2 AND ctx > ?1 ORDER BY ctx LIMIT 1";
pub(super) const LANES: &str =
    "SELECT lane FROM outbox INDEXED BY outbox_lane WHERE state < 2 AND lane > ?1 ORDER BY lane LIMIT 1";
pub(super) const QUEUES: &str =
    "SELECT keeper FROM task INDEXED BY task_queue WHERE state = 1 AND keeper > ?1 ORDER BY keeper LIMIT 1";
pub(super) const RECORDS: &str =
    "SELECT keeper FROM task INDEXED BY task_unrecorded WHERE recorded < rev AND keeper > ?1 ORDER BY keeper LIMIT 1";
pub(super) const SLOTS: &str =
    "SELECT address FROM task INDEXED BY task_slot WHERE state IN (3, 5) AND address > ?1 ORDER BY address LIMIT 1";
/// Waits for its subtasks, and none is open.
pub(super) const CHILDREN_ENDED: &str = "SELECT t.address FROM task AS t INDEXED BY task_waits_child
    WHERE t.wait = 4 AND t.address > ?1 AND NOT EXISTS
    (SELECT 1 FROM task AS c INDEXED BY task_of_parent WHERE c.parent = t.id AND c.state < 6)
    ORDER BY t.address LIMIT 1";
/// Blocked, and none of those it depends on is open. One that does not exist blocks nothing.
pub(super) const UNBLOCKED: &str = "SELECT t.address FROM task AS t INDEXED BY task_blocked
    WHERE t.state = 2 AND t.address > ?1 AND NOT EXISTS
    (SELECT 1 FROM depends AS d CROSS JOIN task AS n ON n.id = d.needs AND n.ws = t.ws
    WHERE d.task = t.id AND n.state < 6)
    ORDER BY t.address LIMIT 1";
/// Subtasks follow their parent.
pub(super) const PARENT_ENDED: &str = "SELECT t.address FROM task AS t INDEXED BY task_sub_open
    WHERE t.parent IS NOT NULL AND t.state < 6 AND t.address > ?1
    AND EXISTS (SELECT 1 FROM task AS p WHERE p.id = t.parent AND p.state >= 6)
    ORDER BY t.address LIMIT 1";

pub(super) const MEMORIES: &str = "SELECT address FROM memory INDEXED BY memory_open
    WHERE (work IS NOT NULL OR erasures > erased) AND address > ?1 ORDER BY address LIMIT 1";

pub(super) const ERASE: &str = "SELECT ctx FROM erase WHERE ctx > ?1 ORDER BY ctx LIMIT 1";
pub(super) const FORGETS: &str = "SELECT 'retention' FROM forget INDEXED BY forget_open
    WHERE done_at IS NULL AND 'retention' > ?1 LIMIT 1";

/// All of them.
const SOURCES: [&str; 12] =
    [OPEN, ENDED, LANES, QUEUES, RECORDS, SLOTS, CHILDREN_ENDED, UNBLOCKED, PARENT_ENDED, MEMORIES, ERASE, FORGETS];

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
    let mut sources = SOURCES.into_iter().map(source).collect::<Result<Vec<_>, _>>()?;
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
