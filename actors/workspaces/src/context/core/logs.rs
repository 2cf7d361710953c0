//! Chat logs: the commit allots each entry its place, the file is written after it, and synced lazily.

use messages::store::{EntryKind, FileStamp, InboxRow, LogRow, OutboxRow, Write};
use messages::turn::Chat;
use runtime::Cx;

use super::super::compare::has_tail;
use super::{Decision, Effect, LOGS, Log, State};
use crate::WorkFacts;
use crate::{log_path, render};

/// How long a log may be written before it is synced, and how long a broken one waits to be mended.
const SYNC_AFTER_MS: i64 = 5_000;

impl Log {
    pub(super) fn new() -> Self {
        Self { size: 0, synced: 0, is_dirty: false, is_broken: false, is_syncing: false, unproven: 0..0 }
    }

    /// As an earlier run left it. Only its tail is compared now, if it has one.
    pub(super) fn opened(row: &LogRow) -> Self {
        let unproven = if has_tail(row) { 0..row.synced } else { 0..0 };
        Self { size: row.size, synced: row.synced, is_dirty: row.size > row.synced, unproven, ..Self::new() }
    }

    fn row(&self, name: &str) -> LogRow {
        LogRow { log: name.to_owned(), size: self.size, synced: self.synced, stamp: FileStamp::default() }
    }

    /// What is next on the way to its sync.
    fn sync(&mut self, name: &str) -> Effect {
        if self.unproven.is_empty() {
            self.is_syncing = true;
            return Effect::SyncLog(name.to_owned());
        }
        Effect::ProveLog { log: name.to_owned(), part: self.unproven.clone() }
    }
}

impl State {
    pub(super) fn log_inbound(&mut self, row: &InboxRow, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.put_entry(&row.chat, (EntryKind::Inbound, row.seq, render::inbound(row)), out, cx);
    }

    pub(super) fn log_outbound(&mut self, row: &OutboxRow, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.put_entry(&row.chat, (EntryKind::Outbound, row.id, render::outbound(row)), out, cx);
    }

    fn put_entry(
        &mut self,
        chat: &Chat,
        (what, of, text): (EntryKind, i64, String),
        out: &mut Decision,
        cx: &Cx<'_, WorkFacts>,
    ) {
        let name = log_path(&self.workspace, chat);
        let log = self.logs.entry(name.clone()).or_insert_with(Log::new);
        let (offset, length) = (log.size, u32::try_from(text.len()).unwrap_or(u32::MAX));
        log.size += u64::from(length);
        log.is_dirty = true;
        let context = cx.address.clone();
        out.writes.push(Write::EntryPut { log: name.clone(), context, offset, length, what, of });
        if !log.is_broken {
            append(&mut out.then, name, offset, text.into_bytes());
        }
        self.set_logs_date(out, cx);
    }

    fn set_logs_date(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        // One farther away than any can be was set before the clock was set back.
        let due = cx.now.plus_ms(SYNC_AFTER_MS);
        if self.logs_due.is_none_or(|set| set > due) {
            self.logs_due = Some(due);
            out.writes.push(Write::TimerPut { entity: cx.address.clone(), name: LOGS.to_owned(), due });
        }
    }

    /// Words of its entries are erased. Until that is on disk the store has nothing of the logs as synced, so that an end
    /// before it is found at the next start.
    pub(super) fn unsync_logs(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        for (name, log) in &mut self.logs {
            log.is_syncing = false;
            if log.synced == 0 {
                continue;
            }
            // An edit that nobody has looked for yet is set aside before anything in it is written over.
            if !log.unproven.is_empty() {
                out.then.insert(0, Effect::MendLog(log.row(name)));
            }
            (log.synced, log.is_dirty) = (0, true);
            out.writes.push(Write::LogSynced { log: name.clone(), synced: 0, stamp: FileStamp::default() });
        }
        if !self.logs.is_empty() {
            self.set_logs_date(out, cx);
        }
    }

    pub(super) fn logs_are_due(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.logs_due = None;
        let mut is_broken = false;
        for (name, log) in &mut self.logs {
            if log.is_broken {
                is_broken = true;
                log.is_broken = false;
                out.then.push(Effect::MendLog(log.row(name)));
            } else if log.is_dirty {
                out.then.push(log.sync(name));
            }
        }
        if is_broken {
            self.set_logs_date(out, cx);
        }
    }

    pub(super) fn log_written(
        &mut self,
        name: &str,
        problem: Option<String>,
        out: &mut Decision,
        cx: &Cx<'_, WorkFacts>,
    ) {
        let Some(log) = self.logs.get_mut(name) else { return };
        match problem {
            Some(problem) => {
                log.is_broken = true;
                tracing::warn!(log = name, problem, "a log can't be written; it is made again from the store later");
                self.set_logs_date(out, cx);
            }
            None => {
                log.is_dirty = true;
                self.set_logs_date(out, cx);
            }
        }
    }

    pub(super) fn log_synced(&mut self, name: &str, synced: u64, stamp: FileStamp, out: &mut Decision) {
        let Some(log) = self.logs.get_mut(name) else { return };
        // Asked for before words were erased, it may have come before that was written: the next date asks again.
        if log.is_broken || !std::mem::take(&mut log.is_syncing) {
            return;
        }
        log.is_dirty = log.size > synced;
        log.synced = synced;
        out.writes.push(Write::LogSynced { log: name.to_owned(), synced, stamp });
    }

    /// More of it was proven: the rest is, page after page, so that turns go on in between. At its end it is synced.
    pub(super) fn log_proven(&mut self, name: &str, to: u64, out: &mut Decision) {
        let Some(log) = self.logs.get_mut(name) else { return };
        // Nothing new: a later date asked for the same part.
        if to <= log.unproven.start || log.unproven.is_empty() {
            return;
        }
        log.unproven.start = to;
        if !log.is_broken {
            out.then.push(log.sync(name));
        }
    }

    pub(super) fn log_set_aside(&mut self, name: &str, aside: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        tracing::warn!(log = name, aside, "a log was edited by hand; it was set aside and written anew");
        let detail = serde_json::json!({ "aside": aside }).to_string();
        out.writes.push(Self::audit(cx, "log.set_aside", name, None, detail));
        if let Some(log) = self.logs.get_mut(name) {
            // It was written anew from its first entry on.
            (log.is_dirty, log.unproven) = (true, 0..0);
        }
        self.set_logs_date(out, cx);
    }
}

/// Entries of one commit that follow each other are one write.
fn append(effects: &mut Vec<Effect>, log: String, offset: u64, more: Vec<u8>) {
    for effect in effects.iter_mut() {
        if let Effect::WriteLog { log: name, offset: begin, bytes } = effect
            && *name == log
            && *begin + bytes.len() as u64 == offset
        {
            bytes.extend(more);
            return;
        }
    }
    effects.push(Effect::WriteLog { log, offset, bytes: more });
}
