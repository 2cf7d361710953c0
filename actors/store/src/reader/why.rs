//! The whole way of one turn, for `/why`.

use messages::store::{Rows, WhyRows};
use messages::{Address, InboundId};
use rusqlite::{Connection, params};

use super::rows::{audit, inbox, outbox, select_audit, select_inbox, select_outbox};
use super::{all, task};

/// An ambiguous prefix is answered with so many ids.
const IDS_MAX: u32 = 8;
/// The most replies, tasks and audit records shown of one turn.
const ROWS_MAX: u32 = 256;

pub(super) const IDS: &str = "SELECT id, seq FROM inbox WHERE id >= ?1 AND id < ?2 AND ctx = ?3 ORDER BY id LIMIT ?4";
const INBOX: &str = select_inbox!("inbox AS i", "WHERE i.seq = ?1");
pub(super) const REPLIES: &str = select_outbox!("outbox AS o", "WHERE o.seq = ?1 ORDER BY o.n LIMIT ?2");
pub(super) const AUDIT: &str = select_audit!("INDEXED BY audit_inbox WHERE inbox = ?1 ORDER BY seq LIMIT ?2");

pub(super) fn why(sql: &Connection, context: &Address, prefix: &str) -> rusqlite::Result<Rows> {
    if prefix.len() < "in_".len() + InboundId::PREFIX_MIN {
        return Ok(Rows::Why(WhyRows::Unknown));
    }
    // All characters of ids are below this one.
    let end = format!("{prefix}\u{7f}");
    let found = all(sql, IDS, params![prefix, end, context.as_str(), IDS_MAX], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    })?;
    Ok(Rows::Why(match found.as_slice() {
        [] => WhyRows::Unknown,
        [(_, seq)] => whole(sql, *seq)?,
        _ => WhyRows::Ambiguous(found.into_iter().map(|(id, _)| InboundId::from_row(id)).collect()),
    }))
}

fn whole(sql: &Connection, seq: i64) -> rusqlite::Result<WhyRows> {
    let inbound = Box::new(sql.prepare_cached(INBOX)?.query_row([seq], inbox)?);
    Ok(WhyRows::Found {
        steps: task::steps(sql, inbound.id.as_str())?,
        tasks: task::of_inbox(sql, seq, ROWS_MAX)?,
        inbound,
        replies: all(sql, REPLIES, params![seq, ROWS_MAX], outbox)?,
        audit: all(sql, AUDIT, params![seq, ROWS_MAX], audit)?,
    })
}
