//! What a context decides: state and event in, writes and effects out.
//!
//! The way of a message: [`take`] fixes its turn and queues it, [`run`] begins turns one at a time and answers them,
//! [`talk`] takes talk from step to step, [`tasks`] makes tasks, [`settle`] records how a reply's delivery ended, [`control`]
//! deals with stop, edit and delete, [`erase`] with what is past its time or of a person who is forgotten, [`logs`] keeps the logs, [`memory`] sees to it that they go into memory, [`heard`] is what prompts are told of before.

mod control;
mod erase;
mod heard;
mod logs;
mod memory;
mod run;
mod settle;
mod take;
mod talk;
mod tasks;
mod words;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use messages::context::{Reply, View};
use messages::model::Said;
use messages::step::Spending;
use messages::store::{ContextRows, FileStamp, InboxRow, LogRow, MemoryRows, StepRow, WorkRows, Write};
use messages::task::Remembered;
use messages::tool::Use;
use messages::turn::Turn;
use messages::{Address, Moment, Slug, Trace};
use runtime::{AskId, Cx, SlowKey};

use super::Context;
use crate::WorkFacts;
use crate::commands::Input;
use crate::definition::{Definition, WorkspaceDefinition};
use crate::memory::file::MemoryText;
use crate::memory::view::When;
use crate::run::{Ask, Run, StepEnd};

pub(super) type Decision = runtime::Decision<Context>;

/// Turns that a context holds in memory; the rest waits in the store.
pub(super) const QUEUE_MAX: usize = 32;
/// The date at which the oldest queued turn is too old.
pub(super) const EXPIRE: &str = "expire";
/// The date at which logs are synced, and broken ones mended.
pub(super) const LOGS: &str = "logs";

/// What a context knows.
#[derive(Debug)]
pub struct State {
    pub(super) workspace: Slug,
    pub(super) slug: Slug,
    pub(super) in_force: InForce,
    rev: u64,
    fresh_after: i64,
    queue: VecDeque<Queued>,
    running: Option<Queued>,
    /// The running turn's steps, if it is talk.
    talk: Option<Box<Run>>,
    /// The journal of a turn that had begun before this open.
    begun: Vec<StepRow>,
    /// What the accounts of its turns held when they were last read, and what was charged since.
    spending: Vec<Spending>,
    /// More messages wait in the store than the queue has taken.
    more: bool,
    logs: BTreeMap<String, Log>,
    tail: VecDeque<Heard>,
    expire_due: Option<Moment>,
    logs_due: Option<Moment>,
    /// Bytes of each log that were in memory when that was last looked at.
    kept: BTreeMap<String, u64>,
}

/// The definitions that hold, and what is wrong with the files as they stand.
#[derive(Debug, Default)]
pub(super) struct InForce {
    pub(super) context: Definition,
    pub(super) workspace: WorkspaceDefinition,
    pub(super) broken: Option<String>,
    /// What the files looked like when they were last read; nothing is read again while they look the same.
    pub(super) seen: Option<[FileStamp; 3]>,
    /// What is kept of the conversation, as prompts have it.
    pub(super) memory: Remembered,
    /// What of it does not go into prompts, or why the file can't be read.
    pub(super) memory_problem: Option<String>,
    pub(super) kept_context: String,
    pub(super) kept_workspace: String,
}

#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub(super) row: InboxRow,
    pub(super) turn: Turn,
    pub(super) input: Input,
}

#[derive(Debug)]
struct Log {
    size: u64,
    synced: u64,
    /// Written since it was synced.
    is_dirty: bool,
    /// A write failed; it is made again from the store.
    is_broken: bool,
    /// A sync was asked for, and no words were erased since.
    is_syncing: bool,
    /// What has not been held against its entries since this opened; until it was, nothing more counts as synced.
    unproven: Range<u64>,
}

#[derive(Debug)]
struct Heard {
    seq: i64,
    said: Said,
}

/// What a context hears.
#[derive(Debug)]
pub enum Event {
    Woken,
    Due(String),
    Describe(AskId),
    /// The definition files were looked at, and had changed.
    Loaded(Box<Loaded>),
    Work(Box<WorkRows>),
    /// How far the conversation is in memory.
    Memory(Box<MemoryRows>),
    Ran {
        seq: i64,
        answer: Answer,
    },
    /// Talk that had begun before this open goes on.
    Resume,
    /// A step of the running turn has ended.
    StepEnded(i64, Box<StepEnd>),
    /// A log was written; `problem` says why not.
    LogWritten {
        log: String,
        problem: Option<String>,
    },
    LogSynced {
        log: String,
        synced: u64,
        stamp: FileStamp,
    },
    /// A log has what its entries say up to this offset.
    LogProven {
        log: String,
        to: u64,
    },
    /// A log was edited by hand; it was set aside under this name and written anew.
    LogSetAside {
        log: String,
        aside: String,
    },
    DescribedAfterLook(AskId),
}

/// What the files of a context say now.
#[derive(Debug)]
pub struct Loaded {
    /// Of `context.md`, `workspace.md` and `memory.md`.
    pub(crate) stamps: [FileStamp; 3],
    pub(crate) context: Result<Option<(String, Definition)>, String>,
    pub(crate) workspace: Result<Option<(String, WorkspaceDefinition)>, String>,
    pub(crate) memory: Result<MemoryText, String>,
}

/// What a turn came to.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(super) text: String,
    pub(super) sources: Vec<String>,
    /// It could not be done, and `text` says so.
    pub(super) failed: bool,
}

/// What a context does after a commit.
#[derive(Debug)]
pub enum Effect {
    /// Look at the definition files; an event only if they changed.
    Look {
        seen: Option<[FileStamp; 3]>,
    },
    ReadWork {
        limit: u32,
    },
    /// Look how far the conversation is in memory.
    ReadMemory,
    /// Answer the ask when the files have been looked at.
    ThenDescribe(AskId),
    Run(Box<Job>),
    Resume,
    /// Ask a model for this turn.
    Ask(i64, Box<Ask>),
    /// Use a tool for this turn.
    Use(i64, Box<Use>),
    Wake(Address),
    CloseFeed(Trace),
    WriteLog {
        log: String,
        offset: u64,
        bytes: Vec<u8>,
    },
    /// Write again what is not known to be on disk, so that it may be written on.
    RecoverLog(LogRow),
    /// Compare all of it with its entries, and write again what differs.
    MendLog(LogRow),
    /// Compare the first entries of this part with what the file has.
    ProveLog {
        log: String,
        part: Range<u64>,
    },
    SyncLog(String),
    /// Write the entries of one event again: its words were erased. They stand in this log, if anywhere.
    Erase {
        seq: i64,
        log: String,
    },
    TellBroken(Option<String>),
}

/// A turn that needs I/O and no model.
#[derive(Debug, Clone)]
pub struct Job {
    pub(super) seq: i64,
    pub(super) row: InboxRow,
    pub(super) turn: Turn,
    pub(super) input: Input,
    /// Lines for `/status` that only the context knows.
    pub(super) status: Vec<String>,
    /// When its conversation goes into memory.
    pub(super) when: When,
}

impl State {
    /// State from rows; the effects are what an earlier run left unfinished.
    pub(super) fn open(at: (Slug, Slug), rows: ContextRows) -> (Self, Vec<Effect>) {
        let (workspace, slug) = at;
        let row =
            rows.context.unwrap_or(messages::store::ContextRow { rev: 0, fresh_after: 0, definition: String::new() });
        let mut state = Self {
            workspace,
            slug,
            in_force: InForce::from_kept(&row.definition),
            rev: row.rev,
            fresh_after: row.fresh_after,
            queue: VecDeque::new(),
            running: None,
            talk: None,
            begun: rows.steps,
            spending: rows.spending,
            more: true,
            logs: BTreeMap::new(),
            tail: VecDeque::new(),
            expire_due: None,
            logs_due: None,
            kept: BTreeMap::new(),
        };
        let mut effects = Vec::new();
        for log in rows.logs {
            state.logs.insert(log.log.clone(), Log::opened(&log));
            effects.push(Effect::RecoverLog(log));
        }
        state.hear_again(&rows.tail, &rows.replies);
        effects.push(Effect::Look { seen: None });
        effects.extend(state.take_up(rows.taken, &rows.begun));
        effects.push(Effect::ReadWork { limit: state.room() });
        (state, effects)
    }

    /// Turns that an earlier run left unanswered. The one that had begun goes on before anything is read, so that a stop
    /// or an edit that waits finds it running.
    fn take_up(&mut self, taken: Vec<InboxRow>, begun: &[i64]) -> Option<Effect> {
        for row in taken {
            let Some(turn) = row.turn.clone() else { continue };
            let queued = Queued { input: crate::commands::parse(&row.text), row, turn };
            if self.running.is_none() && begun.contains(&queued.row.seq) {
                self.running = Some(queued);
            } else {
                self.queue.push_back(queued);
            }
        }
        self.running.is_some().then_some(Effect::Resume)
    }

    pub(super) fn decide(&mut self, event: Event, cx: &Cx<'_, WorkFacts>) -> Decision {
        let mut out = Decision::none();
        match event {
            Event::Woken => {
                out.then.push(Effect::Look { seen: self.in_force.seen });
                out.then.push(Effect::ReadWork { limit: self.room() });
            }
            Event::Work(rows) => self.work(*rows, &mut out, cx),
            Event::Memory(rows) => self.memory(&rows, &mut out, cx),
            Event::Ran { seq, answer } => self.ran(seq, answer, &mut out, cx),
            Event::Resume => self.resume(&mut out, cx),
            Event::StepEnded(seq, end) => self.step_ended(seq, *end, &mut out, cx),
            Event::Loaded(loaded) => self.loaded(*loaded, &mut out, cx),
            Event::Due(name) if name == EXPIRE => self.expire(&mut out, cx),
            Event::Due(_) => self.logs_are_due(&mut out, cx),
            Event::LogWritten { log, problem } => self.log_written(&log, problem, &mut out, cx),
            Event::LogSynced { log, synced, stamp } => self.log_synced(&log, synced, stamp, &mut out),
            Event::LogProven { log, to } => self.log_proven(&log, to, &mut out),
            Event::LogSetAside { log, aside } => self.log_set_aside(&log, &aside, &mut out, cx),
            Event::Describe(ask) => {
                out.then.push(Effect::Look { seen: self.in_force.seen });
                out.then.push(Effect::ThenDescribe(ask));
            }
            Event::DescribedAfterLook(ask) => out.answers.push((ask, Reply::Described(self.view()))),
        }
        out
    }

    fn work(&mut self, rows: WorkRows, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        for reply in &rows.ended {
            self.settle(reply, out, cx);
        }
        if !rows.ended.is_empty() {
            self.look_at_memory(out, cx);
        }
        self.more = rows.more;
        self.erase(&rows.erase, out, cx);
        for row in rows.waiting {
            self.take(row, out, cx);
        }
        self.begin_next(out, cx);
        self.set_expiry(out, cx);
    }

    fn room(&self) -> u32 {
        u32::try_from(QUEUE_MAX.saturating_sub(self.queue.len())).unwrap_or(0)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.running.is_none() && !self.logs.values().any(|log| log.is_dirty || log.is_broken)
    }

    pub(super) fn doing(&self) -> String {
        match &self.running {
            Some(turn) => format!("{} {}, {} wait", turn.turn.action, turn.row.id, self.queue.len()),
            None => String::new(),
        }
    }

    fn view(&self) -> View {
        View {
            definition: self.in_force.context.version.clone(),
            broken: self.in_force.broken.clone(),
            running: self.running.as_ref().map(|turn| turn.row.id.clone()),
            queued: self.queue.len(),
        }
    }

    pub(super) fn key(seq: i64) -> SlowKey {
        SlowKey(seq)
    }

    fn loaded(&mut self, loaded: Loaded, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let kept = self.in_force.apply(loaded);
        if kept.broken_changed {
            out.then.push(Effect::TellBroken(self.in_force.broken.clone()));
            if let Some(problem) = &self.in_force.broken {
                let detail = serde_json::json!({ "problem": problem }).to_string();
                out.writes.push(Self::audit(cx, "definition.broken", "context.md", None, detail));
            }
        }
        if let Some(definition) = kept.text {
            self.rev += 1;
            let (rev, fresh_after) = (self.rev, self.fresh_after);
            out.writes.push(Write::ContextPut { context: cx.address.clone(), rev, fresh_after, definition });
            let detail = serde_json::json!({ "version": self.in_force.context.version }).to_string();
            out.writes.push(Self::audit(cx, "definition.in_force", "context.md", None, detail));
        }
    }

    fn audit(cx: &Cx<'_, WorkFacts>, action: &str, subject: &str, turn: Option<&Turn>, detail: String) -> Write {
        Write::Audit {
            at: cx.now,
            actor: cx.address.clone(),
            principal: turn.map(|t| t.principal.to_string()).unwrap_or_default(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            rules: turn.map(|t| t.rules.clone()).unwrap_or_default(),
            detail,
        }
    }
}

#[cfg(test)]
mod tests;
