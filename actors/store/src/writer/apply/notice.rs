//! Words of the node itself: their number, what has been told with them, their event and their message are one change.

use messages::InboundId;
use messages::store::Notice;
use messages::turn::Outcome;
use rusqlite::{OptionalExtension as _, params};

use super::{Stop, Tx, conflict, int};

const REV: &str = "SELECT value FROM meta WHERE key = 'notice'";
const META: &str =
    "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
const EVENT: &str = "INSERT INTO inbox
    (id, connector, event, ctx, chat, user, kind, text, salt, trace, received_at, state, outcome, reason, settled_at)
    VALUES (?1, ?2, ?3, ?4, ?5, 'node', 0, '', zeroblob(16), ?6, ?7, 2, ?8, 'the node tells of itself', ?7)";
const MESSAGE: &str = "INSERT INTO outbox (seq, n, ctx, connector, chat, text, sources, created_at)
    VALUES (?1, 0, ?2, ?3, ?4, ?5, '[]', ?6)";

pub(super) fn apply(tx: &Tx<'_>, notice: &Notice) -> Result<(), Stop> {
    let (rev, event) = (int("rev", notice.rev)?, notice.event());
    let last: i64 = tx.prepare(REV)?.query_row([], |row| row.get(0)).optional()?.unwrap_or(0);
    if rev.checked_sub(1) != Some(last) {
        return conflict(format!("the last notice is {last}; {rev} does not follow"));
    }
    tx.run(META, params!["notice", rev])?;
    tx.run(META, params!["notice_told", notice.told])?;
    let (chat, ctx) = (&notice.chat, notice.context.as_str());
    let id = InboundId::of(&chat.connector, &event);
    let (at, noted) = (notice.at.0, Outcome::Noted.as_str());
    tx.run(EVENT, params![id.as_str(), chat.connector, event, ctx, chat.chat, id.as_str(), at, noted])?;
    let seq = tx.sql.last_insert_rowid();
    tx.run(MESSAGE, params![seq, ctx, chat.connector, chat.chat, notice.text, at])?;
    Ok(())
}
