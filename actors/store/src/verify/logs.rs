//! Logs: that entries lie end to end, and an entry-by-entry view for whoever compares them with the files.

use std::ops::ControlFlow;
use std::path::Path;

use messages::store::{EntryRow, LogRow};
use rusqlite::Connection;

use super::{Report, VerifyError, open, unreadable};
use crate::reader::{entry_rows_of, logs_all};

const PLACES: &str = "SELECT e.log, e.offset, e.length FROM entry AS e ORDER BY e.log, e.offset";
const SIZES: &str = "SELECT id, log, size FROM log ORDER BY id";

/// A log's entries in order, each read when it is asked for.
pub type EntryRows<'a> = dyn Iterator<Item = Result<EntryRow, VerifyError>> + 'a;

/// Shows every log of the store in `folder`, in order of their paths, all in one view of the store: `visit` gets the
/// log and its entries from the first on, and may end the walk. Entries behind `LogRow::synced` may not be in the file
/// yet while a node runs.
///
/// # Errors
/// [`VerifyError`] when the store can't be read.
pub fn for_each_log(
    folder: &Path,
    visit: &mut dyn FnMut(&LogRow, &mut EntryRows<'_>) -> ControlFlow<()>,
) -> Result<(), VerifyError> {
    let sql = open(folder)?;
    let walked = logs_all(&sql, |log, id| {
        entry_rows_of(&sql, (&log.log, id), &mut |rows| {
            let mut rows = rows.map(|row| row.map_err(|error| unreadable(folder, &error)));
            visit(&log, &mut rows).is_continue()
        })
    });
    walked.map_err(|error| unreadable(folder, &error))
}

/// Every log's entries begin at 0, lie end to end, and end at its size.
pub(super) fn places(sql: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let mut entries = sql.prepare(PLACES)?;
    let mut entries = entries.query([])?;
    let mut next = entry(entries.next()?)?;
    let mut logs = sql.prepare(SIZES)?;
    let mut logs = logs.query([])?;
    while let Some(log) = logs.next()? {
        report.logs += 1;
        let (id, name, size): (i64, String, i64) = (log.get(0)?, log.get(1)?, log.get(2)?);
        let mut end = 0;
        while let Some(place) = next.filter(|place| place.log <= id) {
            report.entries += 1;
            // An entry of no log is another rule's.
            if place.log == id {
                gap(report, &name, end, &place);
                end = place.offset.saturating_add(place.length);
            }
            next = entry(entries.next()?)?;
        }
        if end != size {
            report.fault("log.size", format!("its entries end at {end}, its size is {size}"), name);
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy)]
struct Place {
    log: i64,
    offset: i64,
    length: i64,
}

fn entry(row: Option<&rusqlite::Row<'_>>) -> rusqlite::Result<Option<Place>> {
    row.map(|row| Ok(Place { log: row.get(0)?, offset: row.get(1)?, length: row.get(2)? })).transpose()
}

fn gap(report: &mut Report, log: &str, end: i64, place: &Place) {
    let at = place.offset;
    if at != end {
        let kind = if at > end { "leaves a gap after" } else { "overlaps the one that ends at" };
        report.fault("log.place", format!("the entry at {at} {kind} {end}"), log);
    }
}
