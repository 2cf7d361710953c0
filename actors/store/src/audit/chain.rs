//! Walking the whole chain, record by record, in constant memory.

use ring::signature::{ED25519, UnparsedPublicKey};
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::Serialize;

use super::CUT;
use super::record::{GENESIS, Head, Record, hex};

/// What a walk over the chain found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Records whose hash was made again and compared.
    pub records: u64,
    /// The number of the first record that is there: 1, unless the records before it were taken out by policy.
    pub begins: i64,
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
    let mut walk = Walk::new(GENESIS, public);
    walk.report.public_key = public.map(hex).unwrap_or_default();
    let mut checkpoints = connection.prepare(CHECKPOINTS)?;
    let mut checkpoints = checkpoints.query([])?;
    let mut next = checkpoint(checkpoints.next()?)?;
    let first: i64 = connection.query_row(FIRST, [], |row| row.get(0))?;
    walk.begin(first, next.as_ref());
    if walk.cut.is_some() {
        next = checkpoint(checkpoints.next()?)?;
    }
    if !walk.goes_on() {
        return Ok(walk.report);
    }
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
    if walk.goes_on() {
        walk.check_cut();
    }
    walk.report.head = hex(&walk.head.hash);
    Ok(walk.report)
}

/// Makes the last `records` records again and compares; where they do not follow from each other. Checkpoints are not
/// looked at.
pub(crate) fn walk_tail(connection: &Connection, records: i64) -> rusqlite::Result<Option<BadRecord>> {
    let last: i64 = connection.query_row("SELECT coalesce(max(seq), 0) FROM audit", [], |row| row.get(0))?;
    let first: i64 = connection.query_row(FIRST, [], |row| row.get(0))?;
    let before = last.saturating_sub(records).max(first.saturating_sub(1));
    let mut walk = Walk::new(head_at(connection, before)?, None);
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

/// The head as the record of this number says, or the checkpoint behind which the chain begins; the beginning of a whole
/// chain when there is neither.
fn head_at(connection: &Connection, seq: i64) -> rusqlite::Result<Head> {
    let hash = connection.query_row(HASH, [seq], |row| row.get(0)).optional()?;
    Ok(hash.map_or(GENESIS, |hash| Head { seq, hash }))
}

const FIRST: &str = "SELECT coalesce(min(seq), 1) FROM audit";
const HASH: &str = "SELECT hash FROM audit WHERE seq = ?1 UNION ALL SELECT hash FROM checkpoint WHERE seq = ?1 LIMIT 1";
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
    /// Where the chain begins if records were taken out, and whether a record was met that says so.
    cut: Option<(Head, bool)>,
}

impl<'a> Walk<'a> {
    fn new(head: Head, public: Option<&'a [u8]>) -> Self {
        Self { head, report: AuditReport::default(), public, cut: None }
    }
}

impl Walk<'_> {
    /// A chain that does not begin with its first record begins behind a checkpoint, which is looked at as any other.
    fn begin(&mut self, first: i64, anchor: Option<&Checkpoint>) {
        self.report.begins = first;
        if first <= 1 {
            return;
        }
        let anchor = anchor.filter(|anchor| anchor.seq == first - 1);
        match anchor.and_then(|anchor| Some((anchor, anchor.hash.clone().try_into().ok()?))) {
            Some((anchor, hash)) => {
                self.head = Head { seq: anchor.seq, hash };
                self.cut = Some((self.head, false));
                self.checkpoint(Some(anchor));
            }
            None => {
                self.bad(
                    1,
                    format!("the records before {first} are missing, and no checkpoint signs where they ended"),
                );
            }
        }
    }

    /// The records before the beginning were taken out by a commit that left a record of it.
    fn check_cut(&mut self) {
        if let Some((anchor, false)) = self.cut {
            let what =
                format!("the records up to {} are missing, and no record says that they were taken out", anchor.seq);
            self.bad(1, what);
        }
    }

    fn look_for_cut(&mut self, action: &str, detail: &str) {
        let Some((anchor, is_told)) = &mut self.cut else { return };
        if action != CUT {
            return;
        }
        let detail: serde_json::Value = serde_json::from_str(detail).unwrap_or_default();
        let names = |key: &str| detail.get(key);
        *is_told |= names("upto").and_then(serde_json::Value::as_i64) == Some(anchor.seq)
            && names("hash").and_then(serde_json::Value::as_str) == Some(hex(&anchor.hash).as_str());
    }

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
        self.look_for_cut(row.get_ref(4)?.as_str()?, row.get_ref(7)?.as_str()?);
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
