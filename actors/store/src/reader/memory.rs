//! All that the memory of a context opens from.

use messages::store::{Compaction, MemoryRow, MemoryRows, PAGE_ROWS_MAX, Rows};
use messages::{Address, MemoryId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::context::LOGS;
use super::entries::log_row;
use super::rows::{json, unsigned};
use super::{all, spending, task};

pub(super) const MEMORY: &str = "SELECT rev, upto, work, work_to, erasures, erased, failing FROM memory WHERE ctx = ?1";

pub(super) fn memory(sql: &Connection, context: &Address) -> rusqlite::Result<Rows> {
    let memory = sql.prepare_cached(MEMORY)?.query_row([context.as_str()], row).optional()?.unwrap_or_default();
    let steps = match &memory.work {
        Some(work) => task::steps(sql, work.id.as_str())?,
        None => Vec::new(),
    };
    Ok(Rows::Memory(Box::new(MemoryRows {
        memory,
        steps,
        logs: all(sql, LOGS, params![context.as_str(), PAGE_ROWS_MAX], log_row)?,
        spending: spending::latest(sql, context)?,
    })))
}

fn row(row: &Row<'_>) -> rusqlite::Result<MemoryRow> {
    let work = match (row.get::<_, Option<String>>(2)?, row.get::<_, Option<String>>(3)?) {
        (Some(id), Some(upto)) => Some(Compaction { id: MemoryId::from_row(id), upto: json(3, &upto)? }),
        _ => None,
    };
    Ok(MemoryRow {
        rev: unsigned(row, 0)?,
        upto: json(1, row.get_ref(1)?.as_str()?)?,
        work,
        erasures: unsigned(row, 4)?,
        erased: unsigned(row, 5)?,
        failing: row.get::<_, Option<String>>(6)?.map(|failing| json(6, &failing)).transpose()?,
    })
}
