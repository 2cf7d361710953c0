//! What a woken context or lane has to do.

use messages::Address;
use messages::store::{Rows, WorkRows};
use messages::turn::Chat;
use rusqlite::{Connection, params};

use super::all;
use super::retention;
use super::rows::{inbox, outbox, select_inbox, select_outbox};

/// The most control events, ended replies and rows of a lane that one query gives.
const CONTROL_ROWS_MAX: u32 = 32;
const ENDED_ROWS_MAX: u32 = 64;
const LANE_ROWS_MAX: u32 = 32;

// A delete whose target's answer is on its way waits for that to arrive; many of them must not hide a `/stop`.
pub(super) const CONTROL: &str = select_inbox!(
    "inbox AS i INDEXED BY inbox_control",
    "WHERE i.ctx = ?1 AND i.kind <> 0 AND i.state = 0 AND NOT (i.kind = 2 AND t.state IS 1 \
     AND EXISTS (SELECT 1 FROM outbox AS o WHERE o.seq = t.seq AND o.task IS NULL)) ORDER BY i.seq LIMIT ?2"
);
// `state = 0` selects, `state < 2` is the index's own words.
pub(super) const MESSAGES: &str = select_inbox!(
    "inbox AS i INDEXED BY inbox_open",
    "WHERE i.ctx = ?1 AND i.state = 0 AND i.state < 2 AND i.kind = 0 ORDER BY i.seq LIMIT ?2"
);
pub(super) const ENDED: &str = select_outbox!(
    "outbox AS o INDEXED BY outbox_ended",
    "WHERE o.ctx = ?1 AND o.logged = 0 AND o.state >= 2 ORDER BY o.id LIMIT ?2"
);
pub(super) const LANE: &str =
    select_outbox!("outbox AS o INDEXED BY outbox_lane", "WHERE o.lane = ?1 AND o.state < 2 ORDER BY o.id LIMIT ?2");

pub(super) fn work(sql: &Connection, context: &Address, limit: u32) -> rusqlite::Result<Rows> {
    let context = context.as_str();
    let mut waiting = all(sql, CONTROL, params![context, CONTROL_ROWS_MAX], inbox)?;
    let mut messages = all(sql, MESSAGES, params![context, limit.saturating_add(1)], inbox)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = messages.len() > limit;
    messages.truncate(limit);
    waiting.append(&mut messages);
    let ended = all(sql, ENDED, params![context, ENDED_ROWS_MAX], outbox)?;
    let erase = retention::erase(sql, context)?;
    Ok(Rows::Work(WorkRows { waiting, more, ended, erase }))
}

pub(super) fn lane(sql: &Connection, chat: &Chat) -> rusqlite::Result<Rows> {
    // A chat that can't be part of an address has no rows: none can be put.
    let Ok(lane) = Address::lane(chat) else { return Ok(Rows::Outbox(Vec::new())) };
    all(sql, LANE, params![lane.as_str(), LANE_ROWS_MAX], outbox).map(Rows::Outbox)
}
