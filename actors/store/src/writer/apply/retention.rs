//! Writes of what is to be erased: marks by age, forgettings, and the cut of the audit.

use messages::store::{FORGET_ROWS_MAX, MARKS_MAX, Person, RetentionRow, RetentionWrite, Write};
use messages::{Address, Moment};
use rusqlite::{OptionalExtension as _, params};

use super::inbox::{erase_memory, erase_words};
use super::{Stop, Tx, audit, conflict, int, refused};
use crate::audit::{CHECKPOINT_RECORDS, hex};

/// The most records that one cut takes out: those between two checkpoints, and some more.
const CUT_RECORDS_MAX: i64 = 4 * CHECKPOINT_RECORDS;

/// What has ended, also what came of it, and is not in doubt. The first line is the index's own words.
macro_rules! has_ended {
    () => {
        "i.state = 2 AND i.redacted = 0 AND i.kind <> 2 AND i.outcome <> 'in_doubt'
        AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.seq = i.seq AND (o.state IN (0, 1, 4) OR o.logged = 0))
        AND NOT EXISTS (SELECT 1 FROM task AS t WHERE t.seq = i.seq
        AND (t.state < 6 OR (t.state = 11 AND t.discarded_by IS NULL)))"
    };
}
pub(crate) use has_ended;

const PUT: &str = "UPDATE retention SET seen = ?1, doubted = ?2, began = ?3, ended = ?4, marked = ?5,
    marked_ever = ?6 WHERE one = 1";
const MARK: &str = concat!(
    "INSERT INTO erase (ctx, seq, memory) SELECT i.ctx, i.seq, ?2 FROM inbox AS i WHERE i.seq = ?1 AND ",
    has_ended!(),
    " ON CONFLICT (ctx, seq) DO NOTHING"
);
const MARKED: &str = "SELECT e.memory FROM erase AS e JOIN inbox AS i ON i.ctx = e.ctx AND i.seq = e.seq
    WHERE i.seq = ?1 AND e.forget IS NULL";
const STILL: &str = concat!("SELECT 1 FROM inbox AS i WHERE i.seq = ?1 AND ", has_ended!());
const UNMARK: &str = "DELETE FROM erase WHERE ctx = (SELECT ctx FROM inbox WHERE seq = ?1) AND seq = ?1";
const EXPIRE: &str =
    "UPDATE inbox SET text = '', salt = zeroblob(16), redacted = CASE WHEN ?2 THEN 1 ELSE 2 END WHERE seq = ?1";
const FORGET: &str = "INSERT INTO forget (connector, user, ws, by, asked_at, last)
    VALUES (?1, ?2, ?3, ?4, ?5, (SELECT coalesce(max(seq), 0) FROM inbox))
    ON CONFLICT (connector, user, ws) WHERE done_at IS NULL DO UPDATE SET last = excluded.last";
const STANDS: &str = "SELECT next, last FROM forget WHERE id = ?1 AND done_at IS NULL";
const FORGET_MARK: &str = "INSERT INTO erase (ctx, seq, forget, memory)
    SELECT i.ctx, i.seq, f.id, 1 FROM forget AS f CROSS JOIN inbox AS i
    WHERE f.id = ?1 AND i.seq > ?2 AND i.seq <= ?3 AND i.user = f.user AND i.connector = f.connector
    AND (f.ws = '' OR substr(i.ctx, 1, length(f.ws) + 4) = 'ws/' || f.ws || '/') AND i.kind <> 2 AND i.redacted <> 1
    ON CONFLICT (ctx, seq) DO UPDATE SET forget = excluded.forget, memory = 1";
const FORGET_WENT: &str = "UPDATE forget SET next = ?2, events = events + ?3 WHERE id = ?1";
const FORGET_DONE: &str = "UPDATE forget SET done_at = ?2, user = '' WHERE id = ?1 AND done_at IS NULL AND next >= last
    AND NOT EXISTS (SELECT 1 FROM erase WHERE forget = ?1)";
const SIGNED: &str = "SELECT hash FROM checkpoint WHERE seq = ?1";
const CUT_COUNT: &str = "SELECT count(*) FROM audit WHERE seq <= ?1";
const CUT: &str = "DELETE FROM audit WHERE seq <= ?1";
const CUT_SIGNED: &str = "DELETE FROM checkpoint WHERE seq < ?1";
const CUT_SUM: &str = "UPDATE retention SET cut_ever = cut_ever + ?1 WHERE one = 1";

pub(super) fn apply(tx: &mut Tx<'_>, write: &RetentionWrite) -> Result<(), Stop> {
    match write {
        RetentionWrite::Put(row) => put(tx, row),
        RetentionWrite::Mark { seqs, memory } => mark(tx, seqs, *memory),
        RetentionWrite::Expire { seq } => expire(tx, *seq),
        RetentionWrite::Forget { person, workspace, by, at } => {
            let Person { connector, user } = person;
            if user.is_empty() {
                return refused("a person without a name can't be forgotten".into());
            }
            let workspace = workspace.as_ref().map_or("", |slug| slug.as_str());
            tx.run(FORGET, params![connector, user, workspace, by, at.0])?;
            Ok(())
        }
        RetentionWrite::ForgetNext { id, from } => forget_next(tx, *id, *from),
        RetentionWrite::ForgetDone { id, at } => {
            if tx.run(FORGET_DONE, params![id, at.0])? == 1 {
                return Ok(());
            }
            conflict(format!("forgetting {id} is done, is not there, or has words left"))
        }
        RetentionWrite::AuditCut { upto, at, archive } => cut(tx, *upto, *at, archive),
    }
}

fn put(tx: &Tx<'_>, row: &RetentionRow) -> Result<(), Stop> {
    let moment = |at: Option<Moment>| at.map(|at| at.0);
    let (marked, ever) = (int("marked", row.marked)?, int("marked_ever", row.marked_ever)?);
    tx.run(PUT, params![moment(row.seen), moment(row.doubted), moment(row.began), moment(row.ended), marked, ever])?;
    Ok(())
}

fn mark(tx: &Tx<'_>, seqs: &[i64], memory: bool) -> Result<(), Stop> {
    if seqs.len() > MARKS_MAX as usize {
        return refused(format!("{} events are to be marked at once; at most {MARKS_MAX}", seqs.len()));
    }
    for seq in seqs {
        tx.run(MARK, params![seq, memory])?;
    }
    Ok(())
}

/// What has begun anew since it was marked, such as a task that is tried again, keeps its words until the next round.
fn expire(tx: &Tx<'_>, seq: i64) -> Result<(), Stop> {
    let Some(memory) = tx.prepare(MARKED)?.query_row([seq], |row| row.get::<_, bool>(0)).optional()? else {
        return Ok(());
    };
    tx.run(UNMARK, [seq])?;
    if !tx.prepare(STILL)?.exists([seq])? {
        return Ok(());
    }
    tx.run(EXPIRE, params![seq, memory])?;
    erase_words(tx, seq)?;
    if memory { erase_memory(tx, seq) } else { Ok(()) }
}

/// The words of this event are erased: nothing is left to be done for its mark.
pub(super) fn unmark(tx: &Tx<'_>, seq: i64) -> Result<(), Stop> {
    tx.run(UNMARK, [seq])?;
    Ok(())
}

fn forget_next(tx: &Tx<'_>, id: i64, from: i64) -> Result<(), Stop> {
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let Some((next, last)) = tx.prepare(STANDS)?.query_row([id], row).optional()? else {
        return conflict(format!("forgetting {id} is not under way"));
    };
    if next != from {
        return conflict(format!("forgetting {id} stands at {next}, not at {from}"));
    }
    let to = from.saturating_add(FORGET_ROWS_MAX).min(last);
    let found = tx.run(FORGET_MARK, params![id, from, to])?;
    tx.run(FORGET_WENT, params![id, to, i64::try_from(found).unwrap_or(i64::MAX)])?;
    Ok(())
}

/// The record that says so names the checkpoint by its hash: without it, records that are gone are missing.
fn cut(tx: &mut Tx<'_>, upto: i64, at: Moment, archive: &str) -> Result<(), Stop> {
    let Some(hash) = tx.prepare(SIGNED)?.query_row([upto], |row| row.get::<_, Vec<u8>>(0)).optional()? else {
        return conflict(format!("there is no checkpoint at audit record {upto}; the chain is cut at one only"));
    };
    let records: i64 = tx.prepare(CUT_COUNT)?.query_row([upto], |row| row.get(0))?;
    if records == 0 || records > CUT_RECORDS_MAX {
        return conflict(format!("{records} audit records are up to {upto}; 1 to {CUT_RECORDS_MAX} are cut at once"));
    }
    tx.run(CUT, [upto])?;
    tx.run(CUT_SIGNED, [upto])?;
    tx.run(CUT_SUM, [records])?;
    let detail = serde_json::json!({ "upto": upto, "hash": hex(&hash), "records": records, "archive": archive });
    let record = Write::Audit {
        at,
        actor: Address::fixed("retention"),
        principal: String::new(),
        action: crate::audit::CUT.to_owned(),
        subject: format!("audit record {upto}"),
        rules: Vec::new(),
        detail: detail.to_string(),
    };
    audit::apply(tx, &record)
}
