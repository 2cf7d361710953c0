//! From columns to the rows of the vocabulary. The column lists and their readers stand side by side.

use messages::store::{AuditRow, InboundKind, InboxRow, InboxState, OutboxRow, OutboxState};
use messages::turn::{Chat, Outcome};
use messages::{Address, InboundId, Moment, Trace};
use rusqlite::Row;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;

use crate::audit::hex;

/// `SELECT` of inbox rows from `inbox AS i` with what follows, and the event an edit or delete is about as `t`. It is
/// found only in the same context and from the same user: nobody edits or deletes the words of another.
macro_rules! select_inbox {
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT i.seq, i.id, i.event, i.ctx, i.connector, i.chat, i.user, i.kind, t.seq, t.state, i.text, i.salt, ",
            "i.trace, i.received_at, i.state, i.turn, i.outcome, i.reason, i.settled_at, i.redacted FROM ",
            $from,
            " LEFT JOIN inbox AS t ON i.target IS NOT NULL AND t.connector = i.connector AND t.event = i.target ",
            "AND t.ctx = i.ctx AND t.user = i.user ",
            $rest
        )
    };
}

/// `SELECT` of outbox rows from `outbox AS o` with what follows, and the event each answers as `i`.
macro_rules! select_outbox {
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT o.id, o.seq, i.id, i.trace, i.event, o.n, o.ctx, o.connector, o.chat, o.text, o.sources, ",
            "o.outcome, o.state, o.attempt, o.attempted_at, o.not_before, o.platform_id, o.error, o.created_at, ",
            "o.ended_at, o.redacted FROM ",
            $from,
            " CROSS JOIN inbox AS i ON i.seq = o.seq ",
            $rest
        )
    };
}

pub(super) use {select_inbox, select_outbox};

pub(super) const INBOX_BY_SEQ: &str = select_inbox!("inbox AS i", "WHERE i.seq = ?1");
pub(super) const OUTBOX_BY_ID: &str = select_outbox!("outbox AS o", "WHERE o.id = ?1");

pub(super) fn inbox(row: &Row<'_>) -> rusqlite::Result<InboxRow> {
    let target: Option<i64> = row.get(8)?;
    let target = target.map(|seq| Ok::<_, rusqlite::Error>((seq, inbox_state(row, 9)?)));
    Ok(InboxRow {
        seq: row.get(0)?,
        id: InboundId::from_row(row.get(1)?),
        event: row.get(2)?,
        context: address(row, 3)?,
        chat: Chat { connector: row.get(4)?, chat: row.get(5)? },
        user: row.get(6)?,
        kind: kind(row, 7)?,
        target: target.transpose()?,
        text: row.get(10)?,
        salt: row.get(11)?,
        trace: Trace(row.get(12)?),
        received_at: Moment(row.get(13)?),
        state: inbox_state(row, 14)?,
        turn: row.get::<_, Option<String>>(15)?.map(|text| json(15, &text)).transpose()?,
        outcome: outcome(row, 16)?,
        reason: row.get(17)?,
        settled_at: row.get::<_, Option<i64>>(18)?.map(Moment),
        redacted: row.get(19)?,
    })
}

pub(super) fn outbox(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    let moment = |index| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(index)?.map(Moment));
    Ok(OutboxRow {
        id: row.get(0)?,
        seq: row.get(1)?,
        inbound: InboundId::from_row(row.get(2)?),
        trace: Trace(row.get(3)?),
        event: row.get(4)?,
        n: row.get(5)?,
        context: address(row, 6)?,
        chat: Chat { connector: row.get(7)?, chat: row.get(8)? },
        text: row.get(9)?,
        sources: json(10, row.get_ref(10)?.as_str()?)?,
        outcome: outcome(row, 11)?,
        state: outbox_state(row, 12)?,
        attempt: row.get(13)?,
        attempted_at: moment(14)?,
        not_before: moment(15)?,
        platform_id: row.get(16)?,
        error: row.get(17)?,
        created_at: Moment(row.get(18)?),
        ended_at: moment(19)?,
        redacted: row.get(20)?,
    })
}

/// The columns that [`audit`] reads.
macro_rules! select_audit {
    ($rest:literal) => {
        concat!("SELECT seq, at, actor, principal, action, subject, rules, detail, hash FROM audit ", $rest)
    };
}
pub(super) use select_audit;

pub(super) fn audit(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        seq: row.get(0)?,
        at: Moment(row.get(1)?),
        actor: row.get(2)?,
        principal: row.get(3)?,
        action: row.get(4)?,
        subject: row.get(5)?,
        rules: json(6, row.get_ref(6)?.as_str()?)?,
        detail: row.get(7)?,
        hash: hex(row.get_ref(8)?.as_blob()?),
    })
}

pub(super) fn address(row: &Row<'_>, index: usize) -> rusqlite::Result<Address> {
    Address::parse(row.get_ref(index)?.as_str()?).map_err(|bad| unreadable(index, bad.to_string()))
}

/// A number that the vocabulary has unsigned.
pub(super) fn unsigned(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(index)?;
    u64::try_from(number).map_err(|_| unreadable(index, format!("{number} is below zero")))
}

fn kind(row: &Row<'_>, index: usize) -> rusqlite::Result<InboundKind> {
    match row.get(index)? {
        0 => Ok(InboundKind::Message),
        1 => Ok(InboundKind::Edit),
        2 => Ok(InboundKind::Delete),
        3 => Ok(InboundKind::Stop),
        other => Err(unreadable(index, format!("{other} is no kind of event"))),
    }
}

pub(super) fn inbox_state(row: &Row<'_>, index: usize) -> rusqlite::Result<InboxState> {
    match row.get(index)? {
        0 => Ok(InboxState::Waiting),
        1 => Ok(InboxState::Taken),
        2 => Ok(InboxState::Settled),
        other => Err(unreadable(index, format!("{other} is no state of an inbox row"))),
    }
}

fn outbox_state(row: &Row<'_>, index: usize) -> rusqlite::Result<OutboxState> {
    match row.get(index)? {
        0 => Ok(OutboxState::Pending),
        1 => Ok(OutboxState::Sending),
        2 => Ok(OutboxState::Sent),
        3 => Ok(OutboxState::Failed),
        4 => Ok(OutboxState::InDoubt),
        other => Err(unreadable(index, format!("{other} is no state of an outbox row"))),
    }
}

fn outcome(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Outcome>> {
    let Some(name) = row.get_ref(index)?.as_str_or_null()? else { return Ok(None) };
    let outcome = Outcome::parse(name);
    outcome.map(Some).ok_or_else(|| unreadable(index, format!("{name} is no outcome")))
}

pub(super) fn json<T: DeserializeOwned>(index: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(index, error.to_string()))
}

pub(super) fn unreadable(index: usize, why: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, why.into())
}
