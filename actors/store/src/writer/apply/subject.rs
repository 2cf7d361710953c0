//! Whose rows a write changes, where the write names them by number alone: they must be of the units whose fences the
//! commit carries. What a write names in words was compared before it came here.

use messages::store::{Subject, Write, within};
use rusqlite::{OptionalExtension as _, Params};

use super::{Stop, Tx, refused};

const INBOUND: &str = "SELECT ctx FROM inbox WHERE seq = ?1";
const EVENT: &str = "SELECT ctx FROM inbox WHERE id = ?1";
const REPLY: &str = "SELECT ctx FROM outbox WHERE id = ?1";
const DELIVERY: &str = "SELECT 'connector/' || connector FROM outbox WHERE id = ?1";
const TASK: &str = "SELECT address FROM task WHERE id = ?1";
const COMPACTION: &str = "SELECT ctx FROM compaction WHERE work = ?1";

pub(super) fn check(tx: &Tx<'_>, write: &Write) -> Result<(), Stop> {
    if tx.fences.is_empty() {
        return Ok(());
    }
    for subject in write.subjects() {
        let checked = match subject {
            Subject::At(_) | Subject::Store => Ok(()),
            Subject::Inbound(seq) => row(tx, write, INBOUND, [seq])?,
            Subject::Event(id) => row(tx, write, EVENT, [id.as_str()])?,
            Subject::Reply(id) => row(tx, write, REPLY, [id])?,
            Subject::Delivery(id) => row(tx, write, DELIVERY, [id])?,
            Subject::Task(id) => row(tx, write, TASK, [id.as_str()])?,
            Subject::Compaction(id) => row(tx, write, COMPACTION, [id.as_str()])?,
        };
        checked.or_else(refused)?;
    }
    Ok(())
}

/// A row that is not there is nobody's; the write itself says so.
fn row(tx: &Tx<'_>, write: &Write, sql: &str, key: impl Params) -> Result<Result<(), String>, Stop> {
    let checked = tx.prepare(sql)?.query_row(key, |row| Ok(within(write, row.get_ref(0)?.as_str()?, tx.fences)));
    Ok(checked.optional()?.unwrap_or(Ok(())))
}
