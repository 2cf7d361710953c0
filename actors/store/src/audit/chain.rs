//! Walking the whole chain, record by record, in constant memory.

use ring::signature::{ED25519, UnparsedPublicKey};
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::Serialize;

use super::record::{GENESIS, Head, Record, hex};

/// What a walk over the chain found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Records whose hash was made again and compared.
    pub records: u64,
    /// Checkpoints whose signature was verified.
    pub checkpoints: u64,
    /// The first record or checkpoint that is not as it was written; nothing after it is looked at.
    pub first_bad: Option<BadRecord>,
    /// The hash of the last good record, hexadecimal: keep it elsewhere to compare later.
    pub head: String,
    /// The public key that signs checkpoints now, hexadecimal; empty when there is no key.
    pub public_key: String,
}

/// A place where the chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRecord {
    /// Its number in the chain.
    pub seq: i64,
    /// What is wrong.
    pub what: String,
}

/// Verifies all records and checkpoints that `connection` sees. `public` is the key in force, if there is one.
pub(crate) fn walk(connection: &Connection, public: Option<&[u8]>) -> rusqlite::Result<AuditReport> {
    let mut walk = Walk { head: GENESIS, report: AuditReport::default(), public };
    walk.report.public_key = public.map(hex).unwrap_or_default();
    let mut checkpoints = connection.prepare(CHECKPOINTS)?;
    let mut checkpoints = checkpoints.query([])?;
    let mut next = checkpoint(checkpoints.next()?)?;
    let mut records = connection.prepare(RECORDS)?;
    let mut rows = records.query([])?;
    while let Some(row) = rows.next()? {
        walk.record(row)?;
        while walk.goes_on() && next.as_ref().is_some_and(|c| c.seq <= walk.head.seq) {
            walk.checkpoint(next.as_ref());
            next = checkpoint(checkpoints.next()?)?;
        }
        if !walk.goes_on() {
            break;
        }
    }
    if walk.goes_on() {
        // One that is still ahead signs records that are gone.
        walk.checkpoint(next.as_ref());
    }
    walk.report.head = hex(&walk.head.hash);
    Ok(walk.report)
}

/// Makes the last `records` records again and compares; where they do not follow from each other. Checkpoints are not
/// looked at.
pub(crate) fn walk_tail(connection: &Connection, records: i64) -> rusqlite::Result<Option<BadRecord>> {
    let last: i64 = connection.query_row("SELECT coalesce(max(seq), 0) FROM audit", [], |row| row.get(0))?;
    let before = last.saturating_sub(records).max(0);
    let mut walk = Walk { head: head_at(connection, before)?, report: AuditReport::default(), public: None };
    let mut tail = connection.prepare(TAIL)?;
    let mut rows = tail.query([before])?;
    while let Some(row) = rows.next()? {
        walk.record(row)?;
        if !walk.goes_on() {
            break;
        }
    }
    Ok(walk.report.first_bad)
}

/// The head as the record of this number says; the beginning of the chain when there is none.
fn head_at(connection: &Connection, seq: i64) -> rusqlite::Result<Head> {
    let hash = connection.query_row("SELECT hash FROM audit WHERE seq = ?1", [seq], |row| row.get(0)).optional()?;
    Ok(hash.map_or(GENESIS, |hash| Head { seq, hash }))
}

const TAIL: &str = "SELECT seq, at, actor, principal, action, subject, rules, detail, hash
    FROM audit WHERE seq > ?1 ORDER BY seq";
const RECORDS: &str = "SELECT seq, at, actor, principal, action, subject, rules, detail, hash
    FROM audit ORDER BY seq";
const CHECKPOINTS: &str = "SELECT seq, hash, key, signature FROM checkpoint ORDER BY seq";

struct Checkpoint {
    seq: i64,
    hash: Vec<u8>,
    key: Vec<u8>,
    signature: Vec<u8>,
}

fn checkpoint(row: Option<&Row<'_>>) -> rusqlite::Result<Option<Checkpoint>> {
    row.map(|row| Ok(Checkpoint { seq: row.get(0)?, hash: row.get(1)?, key: row.get(2)?, signature: row.get(3)? }))
        .transpose()
}

struct Walk<'a> {
    head: Head,
    report: AuditReport,
    public: Option<&'a [u8]>,
}

impl Walk<'_> {
    fn goes_on(&self) -> bool {
        self.report.first_bad.is_none()
    }

    fn bad(&mut self, seq: i64, what: impl Into<String>) {
        self.report.first_bad = Some(BadRecord { seq, what: what.into() });
    }

    fn record(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let seq: i64 = row.get(0)?;
        let expected = self.head.seq + 1;
        if seq != expected {
            self.bad(expected, "the record is missing");
            return Ok(());
        }
        let Ok(rules) = serde_json::from_str::<Vec<String>>(row.get_ref(6)?.as_str()?) else {
            self.bad(seq, "its rules are no JSON array of strings");
            return Ok(());
        };
        let next = self.head.after(&Record {
            at: row.get(1)?,
            actor: row.get_ref(2)?.as_str()?,
            principal: row.get_ref(3)?.as_str()?,
            action: row.get_ref(4)?.as_str()?,
            subject: row.get_ref(5)?.as_str()?,
            rules: &rules,
            detail: row.get_ref(7)?.as_str()?,
        });
        if row.get_ref(8)?.as_blob()? != next.hash.as_slice() {
            self.bad(seq, "its hash does not follow from it and the record before");
            return Ok(());
        }
        self.head = next;
        self.report.records += 1;
        Ok(())
    }

    fn checkpoint(&mut self, checkpoint: Option<&Checkpoint>) {
        let Some(checkpoint) = checkpoint else { return };
        let seq = checkpoint.seq;
        if seq > self.head.seq {
            self.bad(self.head.seq + 1, format!("the checkpoint at {seq} signs records that are gone"));
        } else if seq != self.head.seq || checkpoint.hash != self.head.hash {
            self.bad(seq, "the checkpoint signs another hash than the chain has");
        } else if self.public.is_some_and(|key| key != checkpoint.key) {
            self.bad(seq, "the checkpoint is signed by another key than audit.key");
        } else if UnparsedPublicKey::new(&ED25519, &checkpoint.key)
            .verify(&self.head.checkpoint_bytes(), &checkpoint.signature)
            .is_err()
        {
            self.bad(seq, "the checkpoint's signature is not by its key");
        } else {
            self.report.checkpoints += 1;
        }
    }
}
