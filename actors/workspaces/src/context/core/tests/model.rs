//! The tables that a context works on, as `messages::store::Write` documents them: compare-and-set, all or nothing.
//! Stricter where a context has no excuse: a reply is put once, and never to an event that has ended.

use std::collections::BTreeMap;

use messages::store::{
    ContextRow, ContextRows, EntryKind, EntryOf, EntryRow, EraseRow, FileStamp, InboundKind, InboxRow, InboxState,
    LogRow, MemoryRow, MemoryRows, OutboxRow, OutboxState, Owner, RetentionWrite, TaskWrite, WorkRows, Write,
};
use messages::task::NewTask;
use messages::turn::{Chat, Outcome};
use messages::{Address, InboundId, Moment, Slug, Trace};

use crate::run::tests::ledger::Ledger;

/// The most writes of one commit, and the limits of `Query::Work`.
const WRITES_MAX: usize = messages::store::COMMIT_WRITES_MAX;
const CONTROL_MAX: usize = 32;
const ENDED_MAX: usize = 64;
const ERASE_MAX: usize = 32;

pub(super) fn here() -> Address {
    let slug = |text| Slug::parse(text).unwrap();
    Address::context(&slug("home"), &slug("general"))
}

pub(super) fn chat() -> Chat {
    Chat { connector: "console".into(), chat: "home/general".into() }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) inbox: Vec<InboxRow>,
    targets: BTreeMap<i64, String>,
    pub(super) outbox: Vec<OutboxRow>,
    pub(super) logged: Vec<i64>,
    pub(super) logs: BTreeMap<String, LogRow>,
    entries: Vec<(String, u64, u32, EntryKind, i64)>,
    pub(super) context: Option<ContextRow>,
    pub(super) timers: BTreeMap<String, Moment>,
    pub(super) ledger: Ledger,
    pub(super) tasks: Vec<NewTask>,
    pub(super) memory: MemoryRow,
    /// What is marked, and whether by its age.
    pub(super) marks: BTreeMap<i64, bool>,
}

type Refused = Result<(), String>;

fn need(so: bool, why: impl Fn() -> String) -> Refused {
    if so { Ok(()) } else { Err(why()) }
}

impl Model {
    /// What a connector does: idempotent by its event.
    pub(super) fn put(&mut self, event: &str, user: &str, what: (InboundKind, Option<&str>, &str), at: Moment) -> i64 {
        if let Some(row) = self.inbox.iter().find(|row| row.event == event) {
            return row.seq;
        }
        let id = InboundId::of("console", event);
        let seq = i64::try_from(self.inbox.len()).unwrap() + 1;
        self.targets.extend(what.1.map(|target| (seq, target.to_owned())));
        self.inbox.push(InboxRow {
            seq,
            trace: Trace::of(&id),
            id,
            event: event.into(),
            context: here(),
            chat: chat(),
            user: user.into(),
            kind: what.0,
            target: None,
            text: what.2.into(),
            salt: [1; 16],
            received_at: at,
            state: InboxState::Waiting,
            turn: None,
            outcome: None,
            reason: String::new(),
            settled_at: None,
            redacted: false,
        });
        seq
    }

    pub(super) fn row(&self, seq: i64) -> &InboxRow {
        self.inbox.iter().find(|row| row.seq == seq).unwrap()
    }

    fn row_mut(&mut self, seq: i64) -> Result<&mut InboxRow, String> {
        self.inbox.iter_mut().find(|row| row.seq == seq).ok_or(format!("inbox row {seq} does not exist"))
    }

    pub(super) fn replies_to(&self, seq: i64) -> Vec<&OutboxRow> {
        self.outbox.iter().filter(|row| row.seq == seq).collect()
    }

    /// All or nothing, and only what a context owns. Where a refusal is the end of the test, nothing is kept to go back to.
    pub(super) fn commit(&mut self, writes: &[Write], may_be_refused: bool) -> Refused {
        let before = may_be_refused.then(|| self.clone());
        let done = self.apply_all(writes);
        if let Some(before) = before.filter(|_| done.is_err()) {
            *self = before;
        }
        done
    }

    fn apply_all(&mut self, writes: &[Write]) -> Refused {
        need(writes.len() <= WRITES_MAX, || format!("{} writes", writes.len()))?;
        for write in writes {
            let owners = write.owners();
            need(owners.is_empty() || owners.contains(&Owner::Context), || {
                format!("{} is not a context's", write.name())
            })?;
            self.apply(write).map_err(|why| format!("{}: {why}", write.name()))?;
        }
        Ok(())
    }

    fn apply(&mut self, write: &Write) -> Refused {
        match write {
            Write::InboxTake { seq, turn } => {
                let row = self.row_mut(*seq)?;
                need(row.state == InboxState::Waiting, || format!("{seq} is {:?}", row.state))?;
                (row.state, row.turn) = (InboxState::Taken, Some((**turn).clone()));
            }
            Write::InboxText { seq, text } => {
                let row = self.row_mut(*seq)?;
                need(row.state != InboxState::Settled && !row.redacted, || format!("{seq} is {:?}", row.state))?;
                row.text.clone_from(text);
            }
            Write::InboxSettle { seq, outcome, reason, at } => {
                let row = self.row_mut(*seq)?;
                need(row.state != InboxState::Settled, || format!("{seq} is settled"))?;
                (row.state, row.outcome, row.settled_at) = (InboxState::Settled, Some(*outcome), Some(*at));
                row.reason.clone_from(reason);
            }
            Write::Retention(RetentionWrite::Expire { seq }) => {
                let is_marked = self.marks.get(seq) == Some(&true);
                return if is_marked { self.apply(&Write::Redact { seq: *seq }) } else { Ok(()) };
            }
            Write::Redact { seq } => {
                self.marks.remove(seq);
                let row = self.row_mut(*seq)?;
                (row.text, row.salt, row.redacted) = (String::new(), [0; 16], true);
                let id = row.id.as_str().to_owned();
                self.ledger.erase(&id);
                for reply in self.outbox.iter_mut().filter(|reply| reply.seq == *seq) {
                    (reply.text, reply.redacted) = (String::new(), true);
                }
            }
            Write::ContextPut { context, rev, fresh_after, definition } => {
                let found = self.context.as_ref().map_or(0, |row| row.rev);
                need(*rev == found + 1 && *context == here(), || format!("{rev} does not follow {found}"))?;
                let (rev, fresh_after) = (*rev, *fresh_after);
                self.context = Some(ContextRow { rev, fresh_after, definition: definition.clone() });
            }
            Write::TimerPut { entity, name, due } => {
                need(*entity == here(), || format!("a date of {entity}"))?;
                self.timers.insert(name.clone(), *due);
            }
            Write::TimerDrop { name, .. } => drop(self.timers.remove(name)),
            Write::Audit { .. } => {}
            Write::Step(step) => return self.ledger.apply(step),
            Write::Task(TaskWrite::Put(task)) => {
                if self.tasks.iter().all(|known| known.id != task.id) {
                    self.tasks.push((**task).clone());
                }
            }
            other => return self.apply_to_replies_and_logs(other),
        }
        Ok(())
    }

    fn apply_to_replies_and_logs(&mut self, write: &Write) -> Refused {
        match write {
            Write::OutboxPut { .. } => self.put_reply(write),
            Write::OutboxLogged { id } => {
                let ended = self.outbox.iter().any(|row| row.id == *id && row.state.has_ended());
                need(ended && !self.logged.contains(id), || format!("{id} has not ended, or is logged"))?;
                self.logged.push(*id);
                Ok(())
            }
            Write::EntryPut { log, context, offset, length, what, of } => {
                need(*context == here() && *length > 0, || format!("an entry of {context}"))?;
                need(!self.entries.iter().any(|e| (e.3, e.4) == (*what, *of)), || format!("{what:?} {of} has one"))?;
                let row = self.logs.entry(log.clone()).or_insert_with(|| LogRow {
                    log: log.clone(),
                    size: 0,
                    synced: 0,
                    stamp: FileStamp::default(),
                });
                need(row.size == *offset, || format!("{log} ends at {}, not at {offset}", row.size))?;
                row.size += u64::from(*length);
                self.entries.push((log.clone(), *offset, *length, *what, *of));
                Ok(())
            }
            Write::LogSynced { log, synced, stamp } => {
                let row = self.logs.get_mut(log).ok_or(format!("there is no log {log}"))?;
                need(*synced <= row.size, || format!("{log} ends at {}, not behind {synced}", row.size))?;
                (row.synced, row.stamp) = (*synced, *stamp);
                Ok(())
            }
            other => Err(format!("{} is unknown here", other.name())),
        }
    }

    fn put_reply(&mut self, write: &Write) -> Refused {
        let Write::OutboxPut { seq, n, context, chat, text, sources, outcome, at } = write else {
            return Err("no reply".into());
        };
        need(self.replies_to(*seq).iter().all(|row| row.n != *n), || format!("reply {n} to {seq} was put before"))?;
        let row = self.row(*seq).clone();
        need(row.state == InboxState::Taken, || format!("a reply to {seq}, which is {:?}", row.state))?;
        need(row.chat == *chat && *context == here(), || format!("a reply to {seq} goes to {chat:?}"))?;
        self.outbox.push(OutboxRow {
            id: i64::try_from(self.outbox.len()).unwrap() + 1,
            seq: *seq,
            inbound: row.id,
            trace: row.trace,
            event: row.event,
            n: *n,
            context: context.clone(),
            chat: chat.clone(),
            text: text.clone(),
            sources: sources.clone(),
            outcome: *outcome,
            state: OutboxState::Pending,
            attempt: 0,
            attempted_at: None,
            not_before: None,
            platform_id: None,
            error: String::new(),
            created_at: *at,
            ended_at: None,
            redacted: false,
        });
        Ok(())
    }

    /// What the lane does with its oldest reply. False: there is none.
    pub(super) fn deliver(&mut self, how: OutboxState, at: Moment) -> bool {
        let Some(row) = self.outbox.iter_mut().find(|row| !row.state.has_ended()) else { return false };
        (row.state, row.ended_at, row.attempt) = (how, Some(at), 1);
        row.platform_id = (how == OutboxState::Sent).then(|| format!("m{}", row.id));
        row.error = if how == OutboxState::Sent { String::new() } else { "the line broke".into() };
        true
    }

    /// An inbox row with what it is about: of the same user only.
    fn read(&self, row: &InboxRow) -> InboxRow {
        let of = self.targets.get(&row.seq);
        let target = self.inbox.iter().find(|t| Some(&t.event) == of && t.user == row.user);
        InboxRow { target: target.map(|t| (t.seq, t.state)), ..row.clone() }
    }

    fn waits_for_answer(&self, row: &InboxRow) -> bool {
        let answered = |(seq, state)| state == InboxState::Taken && !self.replies_to(seq).is_empty();
        row.kind == InboundKind::Delete && row.target.is_some_and(answered)
    }

    /// A delete has no words, and by its age only what has ended is marked.
    pub(super) fn may_be_marked(&self, seq: i64, by_age: bool) -> bool {
        let row = self.row(seq);
        row.kind != InboundKind::Delete && (!by_age || (row.state == InboxState::Settled && !row.redacted))
    }

    fn erased(&self, seq: i64, by_age: bool) -> EraseRow {
        let row = self.row(seq);
        let is_sending = self.replies_to(seq).iter().any(|reply| reply.state == OutboxState::Sending);
        EraseRow { seq, id: row.id.clone(), chat: row.chat.clone(), state: row.state, is_sending, by_age }
    }

    pub(super) fn work(&self, limit: u32) -> WorkRows {
        let limit = usize::try_from(limit).unwrap();
        let waits = |row: &&InboxRow| row.state == InboxState::Waiting;
        let of = |message: bool| {
            let kind = move |row: &&InboxRow| (row.kind == InboundKind::Message) == message;
            self.inbox.iter().filter(waits).filter(kind).map(|row| self.read(row))
        };
        let control = of(false).filter(|row| !self.waits_for_answer(row)).take(CONTROL_MAX);
        let (waiting, more) = (control.chain(of(true).take(limit)).collect(), of(true).nth(limit).is_some());
        let ended = self.outbox.iter().filter(|row| row.state.has_ended() && !self.logged.contains(&row.id));
        let erase = self.marks.iter().take(ERASE_MAX).map(|(seq, by_age)| self.erased(*seq, *by_age)).collect();
        WorkRows { waiting, more, ended: ended.take(ENDED_MAX).cloned().collect(), erase }
    }

    pub(super) fn opened(&self, tail: usize) -> ContextRows {
        let unanswered = |row: &&InboxRow| row.state == InboxState::Taken && self.replies_to(row.seq).is_empty();
        let taken: Vec<InboxRow> = self.inbox.iter().filter(unanswered).map(|row| self.read(row)).collect();
        let has_entry = |seq: &i64| self.entries.iter().any(|e| (e.3, e.4) == (EntryKind::Inbound, *seq));
        let fresh_after = self.context.as_ref().map_or(0, |row| row.fresh_after);
        let all = self.logs.keys().flat_map(|log| self.entries_of(log));
        let fresh: Vec<_> = all.filter(|entry| turn_of(entry) > fresh_after).collect();
        ContextRows {
            context: self.context.clone(),
            steps: taken
                .iter()
                .filter(|row| has_entry(&row.seq))
                .flat_map(|row| self.ledger.steps(row.id.as_str()).to_vec())
                .collect(),
            spending: Vec::new(),
            begun: taken.iter().map(|row| row.seq).filter(has_entry).collect(),
            taken,
            replies: self.outbox.iter().filter(|row| !self.logged.contains(&row.id)).cloned().collect(),
            logs: self.logs.values().cloned().collect(),
            tail: fresh.get(fresh.len().saturating_sub(tail)..).unwrap_or_default().to_vec(),
        }
    }

    /// How far the conversation is in memory, as a test says.
    pub(super) fn memory_rows(&self) -> MemoryRows {
        MemoryRows { memory: self.memory.clone(), logs: self.logs.values().cloned().collect(), ..MemoryRows::default() }
    }

    /// The entries of a log, with what they show.
    pub(super) fn entries_of(&self, log: &str) -> Vec<EntryRow> {
        let shows = |what: EntryKind, of: i64| match what {
            EntryKind::Inbound => EntryOf::Inbound(Box::new(self.row(of).clone())),
            EntryKind::Outbound => {
                EntryOf::Outbound(Box::new(self.outbox.iter().find(|row| row.id == of).unwrap().clone()))
            }
        };
        let own = self.entries.iter().filter(|entry| entry.0 == log);
        own.map(|(log, offset, length, what, of)| EntryRow {
            log: log.clone(),
            offset: *offset,
            length: *length,
            of: shows(*what, *of),
        })
        .collect()
    }

    pub(super) fn is_settled(&self) -> bool {
        self.inbox.iter().all(|row| row.state == InboxState::Settled)
    }

    pub(super) fn outcome(&self, seq: i64) -> Option<Outcome> {
        self.row(seq).outcome
    }
}

fn turn_of(entry: &EntryRow) -> i64 {
    match &entry.of {
        EntryOf::Inbound(row) => row.seq,
        EntryOf::Outbound(row) => row.seq,
    }
}

/// A reply's way is over.
pub(super) trait HasEnded {
    fn has_ended(self) -> bool;
}

impl HasEnded for OutboxState {
    fn has_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Sending)
    }
}
