//! Dates, counts, units, single events, the audit.

use messages::store::{Counts, Restored, Rows, TimerRow, UnitRow};
use messages::{Address, InboundId, Moment};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::all;
use super::rows::{address, audit as audit_row, inbox, select_audit, select_inbox, unsigned};
use crate::restore::GENERATION;
use crate::restore::RESTORED;

/// The most events that one query may ask for; the rest is not looked at.
const INBOUND_IDS_MAX: usize = 256;

pub(super) const DUE: &str = "SELECT entity, name, due FROM timer INDEXED BY timer_due
    WHERE due <= ?1 AND (due, entity, name) > (?2, ?3, ?4) ORDER BY due, entity, name LIMIT ?5";
pub(super) const NEXT_DUE: &str = "SELECT entity, name, due FROM timer INDEXED BY timer_due ORDER BY due LIMIT 1";
pub(super) const INBOUND: &str = select_inbox!("inbox AS i", "WHERE i.id = ?1");
const UNITS: &str = "SELECT unit, node, incarnation, epoch FROM unit WHERE unit > ?1 ORDER BY unit LIMIT ?2";
const UNIT: &str = "SELECT node, incarnation, epoch FROM unit WHERE unit = ?1";
const AUDIT_AFTER: &str = select_audit!("WHERE seq > ?1 ORDER BY seq LIMIT ?2");
const AUDIT_LAST: &str = select_audit!("ORDER BY seq DESC LIMIT ?1");
pub(super) const WAITING: &str = "SELECT count(*) FROM inbox INDEXED BY inbox_open WHERE state < 2 AND state = ?1";
pub(super) const GOING: &str = "SELECT count(*) FROM outbox INDEXED BY outbox_lane WHERE state < 2 AND state = ?1";
pub(super) const IN_DOUBT: &str = "SELECT count(*) FROM outbox INDEXED BY outbox_doubt WHERE state = 4";
pub(super) const TASKS: &str = "SELECT coalesce(sum(state IN (1, 2)), 0), coalesce(sum(state IN (3, 5)), 0),
    coalesce(sum(state = 4), 0), coalesce(sum(wait IS 5), 0), coalesce(sum(state = 11), 0)
    FROM task INDEXED BY task_shown WHERE state < 6 OR (state = 11 AND discarded_by IS NULL)";
const ACCEPTED: &str = "SELECT coalesce(max(seq), 0) FROM inbox";
const AUDITED: &str = "SELECT coalesce(max(seq), 0) FROM audit";
const BYTES: &str = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";

fn timer(row: &Row<'_>) -> rusqlite::Result<TimerRow> {
    Ok(TimerRow { entity: address(row, 0)?, name: row.get(1)?, due: Moment(row.get(2)?) })
}

pub(super) fn due(sql: &Connection, now: Moment, after: Option<&TimerRow>, limit: u32) -> rusqlite::Result<Rows> {
    let (due, entity, name) =
        after.map_or((i64::MIN, "", ""), |last| (last.due.0, last.entity.as_str(), last.name.as_str()));
    all(sql, DUE, params![now.0, due, entity, name, limit], timer).map(Rows::Timers)
}

pub(super) fn next_due(sql: &Connection) -> rusqlite::Result<Rows> {
    all(sql, NEXT_DUE, [], timer).map(Rows::Timers)
}

pub(super) fn inbound(sql: &Connection, ids: &[InboundId]) -> rusqlite::Result<Rows> {
    let mut statement = sql.prepare_cached(INBOUND)?;
    let mut found = Vec::new();
    for id in ids.iter().take(INBOUND_IDS_MAX) {
        found.extend(statement.query_row([id.as_str()], inbox).optional()?);
    }
    Ok(Rows::Inbox(found))
}

pub(super) fn unit(sql: &Connection, unit: &Address) -> rusqlite::Result<Rows> {
    let row = |row: &Row<'_>| {
        let (node, incarnation) = (row.get(0)?, row.get(1)?);
        Ok(UnitRow { node, incarnation, epoch: unsigned(row, 2)? })
    };
    sql.prepare_cached(UNIT)?.query_row([unit.as_str()], row).optional().map(Rows::Unit)
}

pub(super) fn generation(sql: &Connection) -> rusqlite::Result<Rows> {
    sql.prepare_cached(GENERATION)?.query_row([], |row| row.get(0)).map(Rows::Generation)
}

pub(super) fn units(sql: &Connection, after: Option<&Address>, limit: u32) -> rusqlite::Result<Rows> {
    let row = |row: &Row<'_>| {
        let (node, incarnation) = (row.get(1)?, row.get(2)?);
        Ok((address(row, 0)?, UnitRow { node, incarnation, epoch: unsigned(row, 3)? }))
    };
    all(sql, UNITS, params![after.map_or("", Address::as_str), limit], row).map(Rows::Units)
}

pub(super) fn audit(sql: &Connection, after: i64, last: bool, limit: u32) -> rusqlite::Result<Rows> {
    if !last {
        return all(sql, AUDIT_AFTER, params![after, limit], audit_row).map(Rows::Audit);
    }
    let mut rows = all(sql, AUDIT_LAST, params![limit], audit_row)?;
    rows.reverse();
    Ok(Rows::Audit(rows))
}

pub(super) fn counts(sql: &Connection) -> rusqlite::Result<Rows> {
    let count = |statement, state: Option<i64>| {
        let mut statement = sql.prepare_cached(statement)?;
        statement.query_row(rusqlite::params_from_iter(state), |row| unsigned(row, 0))
    };
    let each = |row: &Row<'_>| -> rusqlite::Result<[u64; 5]> {
        Ok([unsigned(row, 0)?, unsigned(row, 1)?, unsigned(row, 2)?, unsigned(row, 3)?, unsigned(row, 4)?])
    };
    let [tasks_queued, tasks_running, tasks_waiting, tasks_in_doubt, tasks_dead] =
        sql.prepare_cached(TASKS)?.query_row([], each)?;
    Ok(Rows::Counts(Counts {
        waiting: count(WAITING, Some(0))?,
        taken: count(WAITING, Some(1))?,
        pending: count(GOING, Some(0))?,
        sending: count(GOING, Some(1))?,
        in_doubt: count(IN_DOUBT, None)?,
        tasks_queued,
        tasks_running,
        tasks_waiting,
        tasks_in_doubt,
        tasks_dead,
        accepted: count(ACCEPTED, None)?,
        audit: count(AUDITED, None)?,
        bytes: count(BYTES, None)?.saturating_add(wal_bytes(sql)),
        restored: restored(sql)?,
    }))
}

fn restored(sql: &Connection) -> rusqlite::Result<Option<Restored>> {
    let told: Option<String> = sql.prepare_cached(RESTORED)?.query_row([], |row| row.get(0)).optional()?;
    Ok(told.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The write-ahead log beside the file; 0 when there is none.
fn wal_bytes(sql: &Connection) -> u64 {
    let wal = sql.path().map(|path| format!("{path}-wal"));
    wal.and_then(|wal| std::fs::metadata(wal).ok()).map_or(0, |found| found.len())
}
