//! Records of the audit chain, and the signatures over it.

use messages::store::Write;
use rusqlite::{OptionalExtension as _, params};

use super::{Stop, Tx, refused};
use crate::audit::{CHECKPOINT_RECORDS, Record};

const PUT: &str = "INSERT INTO audit (seq, at, actor, principal, action, subject, rules, detail, hash, inbox)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const INBOX: &str = "SELECT seq FROM inbox WHERE id = ?1";
const TASK: &str = "SELECT seq FROM task WHERE id = ?1";
const CHECKPOINT: &str = "INSERT INTO checkpoint (seq, hash, key, signature) VALUES (?1, ?2, ?3, ?4)";

pub(super) fn apply(tx: &mut Tx<'_>, write: &Write) -> Result<(), Stop> {
    let Write::Audit { at, actor, principal, action, subject, rules, detail } = write else {
        return refused(format!("{} is no record of the audit", write.name()));
    };
    let Ok(json) = serde_json::to_string(rules) else {
        return refused("the rules of an audit record can't be written as JSON".into());
    };
    let actor = actor.as_str();
    let head = tx.heads.audit.after(&Record { at: at.0, actor, principal, action, subject, rules, detail });
    let inbox = inbox_of(tx, subject)?;
    let hash = head.hash.as_slice();
    tx.run(PUT, params![head.seq, at.0, actor, principal, action, subject, json, detail, hash, inbox])?;
    tx.heads.audit = head;
    if head.seq.saturating_sub(tx.heads.signed) >= CHECKPOINT_RECORDS {
        sign(tx)?;
    }
    Ok(())
}

/// The inbox row that the subject is, or the one its task came of.
fn inbox_of(tx: &Tx<'_>, subject: &str) -> rusqlite::Result<Option<i64>> {
    let statement = match subject.split_once('_') {
        Some(("in", _)) => INBOX,
        Some(("tsk", _)) => TASK,
        _ => return Ok(None),
    };
    tx.prepare(statement)?.query_row([subject], |row| row.get(0)).optional()
}

/// Signs where the chain stands, unless that is signed already.
pub(crate) fn sign(tx: &mut Tx<'_>) -> rusqlite::Result<()> {
    let head = tx.heads.audit;
    if head.seq > tx.heads.signed {
        let signature = tx.key.sign(&head);
        tx.run(CHECKPOINT, params![head.seq, head.hash.as_slice(), tx.key.public(), signature])?;
        tx.heads.signed = head.seq;
    }
    Ok(())
}
