//! Replies of which it is not known whether they came: what they said is in the store.

use std::path::Path;
use std::time::Duration;

use messages::InboundId;
use messages::turn::Outcome;
use rusqlite::{Connection, OpenFlags};

/// How long the store may be busy, on a machine that is.
const BUSY_MAX: Duration = Duration::from_secs(2);

/// A reply in doubt.
pub(crate) struct Doubt {
    pub(crate) delivery: i64,
    pub(crate) inbound: InboundId,
    /// What it was to make of the event, if it was not one of several.
    pub(crate) outcome: Option<anyhow::Result<Outcome>>,
    pub(crate) text: String,
}

/// Those of a session; none while the store can't be read, as that of a hub that was just killed.
pub(crate) fn doubts(data: &Path, session: &str) -> Vec<Doubt> {
    read(data, session).unwrap_or_default()
}

fn read(data: &Path, session: &str) -> rusqlite::Result<Vec<Doubt>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let store = Connection::open_with_flags(data.join("agent-runtime/meta.sqlite"), flags)?;
    store.busy_timeout(BUSY_MAX)?;
    let mut rows = store.prepare(
        "SELECT outbox.id, inbox.id, outbox.outcome, outbox.text FROM outbox JOIN inbox USING (seq)
         WHERE outbox.state = 4 AND inbox.event LIKE ?1 || ':%' ORDER BY outbox.id",
    )?;
    let doubts = rows.query_map([session], |row| {
        let outcome: Option<String> = row.get(2)?;
        let outcome = outcome.map(|outcome| Ok(serde_json::from_value(serde_json::Value::String(outcome))?));
        let inbound = InboundId::from_row(row.get(1)?);
        Ok(Doubt { delivery: row.get(0)?, inbound, outcome, text: row.get(3)? })
    })?;
    doubts.collect()
}
