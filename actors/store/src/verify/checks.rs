//! Rules that one statement can state: each selects the rows that break it.

mod work;

use rusqlite::Connection;

use super::{DAMAGE, Report};

/// A rule: its code, what a row that breaks it is, and the statement that selects those by their subject.
type Rule = (&'static str, &'static str, &'static str);

const RULES: &[Rule] = &[
    (
        "inbox.outcome",
        "it is settled without an outcome and a moment, or has them without being settled",
        "SELECT id FROM inbox WHERE state NOT BETWEEN 0 AND 2 OR (state = 2) <> (outcome IS NOT NULL)
         OR (state = 2) <> (settled_at IS NOT NULL)",
    ),
    (
        "inbox.outcome_name",
        "its outcome is none of the known ones",
        "SELECT id FROM inbox WHERE outcome NOT IN
         ('replied', 'noted', 'denied', 'failed', 'cancelled', 'expired', 'ignored', 'in_doubt')",
    ),
    ("inbox.turn", "it is taken and has no turn", "SELECT id FROM inbox WHERE state = 1 AND turn IS NULL"),
    (
        "inbox.redacted",
        "it is redacted and still has words or salt",
        "SELECT id FROM inbox WHERE redacted <> 0 AND (text <> '' OR salt <> zeroblob(16))",
    ),
    (
        "inbox.replied",
        "its outcome is replied and no reply to it was delivered",
        "SELECT id FROM inbox AS i WHERE outcome = 'replied'
         AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.seq = i.seq AND o.state = 2 AND o.task IS NULL)",
    ),
    (
        "erase.inbox",
        "it is marked to be erased in another context than its own, or is erased and still marked",
        "SELECT 'inbox row ' || e.seq FROM erase AS e LEFT JOIN inbox AS i ON i.seq = e.seq
         WHERE i.ctx IS NOT e.ctx OR i.redacted = 1",
    ),
    (
        "forget.done",
        "it is done and words that it is about are marked still, or the person's name is left in it",
        "SELECT 'forgetting ' || f.id FROM forget AS f WHERE f.done_at IS NOT NULL
         AND (f.user <> '' OR EXISTS (SELECT 1 FROM erase AS e WHERE e.forget = f.id))",
    ),
    (
        "outbox.inbox",
        "it answers an inbox row that does not exist, or one of another context",
        "SELECT 'outbox row ' || o.id FROM outbox AS o LEFT JOIN inbox AS i ON i.seq = o.seq WHERE i.ctx IS NOT o.ctx",
    ),
    (
        "outbox.sent",
        "it is sent without the platform's id, or has one without being sent",
        "SELECT 'outbox row ' || id FROM outbox WHERE (state = 2) <> (platform_id IS NOT NULL)",
    ),
    (
        "outbox.attempt",
        "it left without an attempt that was marked",
        "SELECT 'outbox row ' || id FROM outbox WHERE state IN (1, 2, 4) AND (attempt < 1 OR attempted_at IS NULL)",
    ),
    (
        "outbox.ended",
        "it has ended without a moment, or has one without having ended",
        "SELECT 'outbox row ' || id FROM outbox WHERE state NOT BETWEEN 0 AND 4 OR (state >= 2) <> (ended_at IS NOT NULL)",
    ),
    (
        "outbox.logged",
        "it is logged and has not ended",
        "SELECT 'outbox row ' || id FROM outbox WHERE logged <> 0 AND state < 2",
    ),
    (
        "outbox.entry",
        "it is logged and has no entry, or several",
        "SELECT 'outbox row ' || o.id FROM outbox AS o WHERE o.logged <> 0
         AND (SELECT count(*) FROM entry AS e WHERE e.shows = o.id AND e.what = 1) <> 1",
    ),
    (
        "inbox.entry",
        "it has several entries",
        "SELECT 'inbox row ' || shows FROM entry WHERE what = 0 GROUP BY shows HAVING count(*) > 1",
    ),
    (
        "entry.shows",
        "it shows a row that does not exist",
        "SELECT 'entry at ' || e.offset || ' of ' || coalesce(l.log, 'no log') FROM entry AS e
         LEFT JOIN log AS l ON l.id = e.log
         WHERE l.id IS NULL OR CASE e.what WHEN 0 THEN NOT EXISTS (SELECT 1 FROM inbox WHERE seq = e.shows)
         ELSE NOT EXISTS (SELECT 1 FROM outbox WHERE id = e.shows) END",
    ),
    (
        "log.synced",
        "more of it is held to be on disk than there is",
        "SELECT log FROM log WHERE synced NOT BETWEEN 0 AND size",
    ),
    (
        "audit.inbox",
        "the record is filed under another event than the one it names, or its task came of",
        "SELECT 'audit record ' || a.seq FROM audit AS a LEFT JOIN inbox AS i ON i.seq = a.inbox
         WHERE a.inbox IS NOT NULL AND i.id IS NOT a.subject
         AND NOT EXISTS (SELECT 1 FROM task AS t WHERE t.id = a.subject AND t.seq = a.inbox)",
    ),
];

/// The file's own structure: pages, order of rows, indexes.
pub(super) fn file(sql: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let mut statement = sql.prepare("PRAGMA quick_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let found: String = row.get(0)?;
        if found != "ok" {
            let found = format!("it is damaged ({}); stop the node and restore a backup", found.replace('\n', ", "));
            report.fault(DAMAGE, found, "meta.sqlite");
        }
    }
    Ok(())
}

/// Counts the rows and tries all rules.
pub(super) fn rows(sql: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let count = |statement: &str| -> rusqlite::Result<u64> {
        let number: i64 = sql.query_row(statement, [], |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or(0))
    };
    report.inbox = count("SELECT count(*) FROM inbox")?;
    report.settled = count("SELECT count(*) FROM inbox WHERE state = 2 AND outcome IS NOT NULL")?;
    report.outbox = count("SELECT count(*) FROM outbox")?;
    report.tasks = count("SELECT count(*) FROM task")?;
    report.steps = count("SELECT count(*) FROM step")?;
    for (code, what, statement) in RULES.iter().chain(work::RULES) {
        let mut statement = sql.prepare(statement)?;
        let mut broken = statement.query([])?;
        while let Some(row) = broken.next()? {
            report.fault(code, *what, row.get::<_, String>(0)?);
        }
    }
    Ok(())
}
