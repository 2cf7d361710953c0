//! How far the node has told a chat what it has to tell.

use messages::Address;
use messages::store::{Notices, Rows};
use messages::turn::Chat;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension as _};

use super::rows::unsigned;

const VALUE: &str = "SELECT value FROM meta WHERE key = ?1";
pub(super) const WAITING: &str = "SELECT count(*) FROM outbox INDEXED BY outbox_lane WHERE lane = ?1 AND state < 2";

pub(super) fn notices(sql: &Connection, chat: &Chat) -> rusqlite::Result<Rows> {
    let lane = Address::lane(chat).map(|lane| lane.to_string()).unwrap_or_default();
    let rev: Option<i64> = value(sql, "notice")?;
    Ok(Rows::Notices(Notices {
        rev: rev.and_then(|rev| u64::try_from(rev).ok()).unwrap_or_default(),
        told: value(sql, "notice_told")?.unwrap_or_default(),
        waiting: sql.prepare_cached(WAITING)?.query_row([lane], |row| unsigned(row, 0))?,
    }))
}

fn value<T: FromSql>(sql: &Connection, key: &str) -> rusqlite::Result<Option<T>> {
    sql.prepare_cached(VALUE)?.query_row([key], |row| row.get(0)).optional()
}
