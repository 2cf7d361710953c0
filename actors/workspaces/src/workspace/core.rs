//! What a workspace decides: which of its queued tasks run, and when their records are written.

mod pick;

use std::collections::BTreeMap;

use messages::store::{Query, QueueRows, TaskWrite, Write};
use messages::workspace::{Msg, Reply, View};
use messages::{Address, Moment, Slug, TaskId};
use runtime::{AskId, Cx};

use self::pick::Served;
use super::Workspace;
use crate::WorkFacts;
use crate::definition::WorkspaceDefinition;

pub(super) type Decision = runtime::Decision<Workspace>;
/// What its file says, or what is wrong with it.
pub(super) type Look = Result<WorkspaceDefinition, String>;

/// Broken files that are remembered.
const BROKEN_MAX: usize = 1_000;
/// Records are written at most so often.
const RECORD_EVERY_MS: i64 = 1_000;
/// The date at which a task may be run that may not now.
const QUEUE: &str = "queue";

/// What a workspace knows.
#[derive(Debug)]
pub struct State {
    workspace: Slug,
    last_good: Option<WorkspaceDefinition>,
    broken: BTreeMap<String, String>,
    served: Served,
    /// Contexts up to this one were looked at; the next look begins behind it.
    cursor: Option<Address>,
    running: usize,
    queued: usize,
    due: Option<Moment>,
    recorded_at: Option<Moment>,
    is_recording: bool,
}

/// What a workspace hears.
#[derive(Debug)]
pub enum Event {
    Woken,
    Due,
    Heard(Msg, AskId),
    Queue(Box<QueueRows>),
    Looked(AskId, Look),
    Listed(AskId, Reply),
    /// These records were written, in these revisions, with the task's words or without; `problem` says why not all were.
    Recorded {
        written: Vec<(TaskId, u64, bool)>,
        problem: Option<String>,
    },
}

/// What a workspace does after a commit.
#[derive(Debug)]
pub enum Effect {
    ReadQueue(Query),
    Wake(Address),
    /// Write the records that are behind.
    Record(Slug),
    Look(AskId, Slug),
    List {
        ask: AskId,
        workspace: Slug,
        after: Option<Slug>,
        limit: u32,
    },
    Alarm(String, Option<String>),
}

impl State {
    pub(super) fn open(workspace: Slug) -> (Self, Vec<Effect>) {
        let state = Self {
            workspace,
            last_good: None,
            broken: BTreeMap::new(),
            served: Served::default(),
            cursor: None,
            running: 0,
            queued: 0,
            due: None,
            recorded_at: None,
            is_recording: false,
        };
        (state, Vec::new())
    }

    pub(super) fn decide(&mut self, event: Event, cx: &Cx<'_, WorkFacts>) -> Decision {
        let mut out = Decision::none();
        match event {
            Event::Woken => self.read(&mut out, cx),
            Event::Due => {
                self.due = None;
                self.read(&mut out, cx);
            }
            Event::Queue(rows) => self.queue(&rows, &mut out, cx),
            Event::Heard(msg, ask) => self.heard(msg, ask, &mut out),
            Event::Looked(ask, look) => out.answers.push((ask, Reply::Described(self.described(look)))),
            Event::Listed(ask, reply) => out.answers.push((ask, reply)),
            Event::Recorded { written, problem } => self.recorded(written, problem, &mut out),
        }
        out
    }

    fn read(&self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let (workspace, after) = (self.workspace.clone(), self.cursor.clone());
        let (now, slots) = (cx.now, cx.facts.limits.running_per_workspace);
        out.then.push(Effect::ReadQueue(Query::Queue { workspace, after, now, slots }));
    }

    fn queue(&mut self, rows: &QueueRows, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let limits = &cx.facts.limits;
        let picked =
            pick::pick(rows, (limits.running_per_workspace, limits.running_per_context), &mut self.served, cx.now);
        self.running = rows.running.len() + picked.claim.len();
        let was_full = rows.running.len() >= limits.running_per_workspace as usize;
        if !was_full {
            self.queued = rows.queued.len() - picked.claim.len();
        }
        for task in &picked.claim {
            let (id, rev) = (task.id.clone(), task.rev + 1);
            out.writes.push(Self::claimed(&id, cx));
            out.writes.push(Write::Task(TaskWrite::Claim { task: id, rev, at: cx.now }));
        }
        let woken = picked.claim.iter().chain(&picked.late).map(|task| Address::task(&self.workspace, &task.id));
        out.then.extend(woken.map(Effect::Wake));
        // Those that are too late come besides, and say nothing of where the look ended.
        let last = rows.queued.iter().rev().find(|task| task.start_by > cx.now);
        if !was_full {
            self.cursor = last.map(|task| task.context.clone()).filter(|_| rows.more);
        }
        // Contexts that were not looked at may have what fits into the slots that are left.
        if rows.more && !picked.claim.is_empty() && self.running < limits.running_per_workspace as usize {
            self.read(out, cx);
        }
        self.set_date(rows.next, out, cx);
        self.record_if_due(rows.unrecorded, out, cx);
    }

    fn claimed(task: &TaskId, cx: &Cx<'_, WorkFacts>) -> Write {
        Write::Audit {
            at: cx.now,
            actor: cx.address.clone(),
            principal: String::new(),
            action: "task.running".to_owned(),
            subject: task.to_string(),
            rules: Vec::new(),
            detail: "{}".to_owned(),
        }
    }

    fn set_date(&mut self, next: Option<Moment>, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let Some(next) = next.map(|next| next.max(cx.now)) else { return };
        if self.due.is_none_or(|due| due > next || due <= cx.now) {
            self.due = Some(next);
            out.writes.push(Write::TimerPut { entity: cx.address.clone(), name: QUEUE.to_owned(), due: next });
        }
    }

    /// The sweep wakes a workspace whose records are behind, each second: nothing of this must be remembered.
    fn record_if_due(&mut self, behind: u64, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let is_due = self.recorded_at.is_none_or(|at| cx.now.ms_since(at) >= RECORD_EVERY_MS || at > cx.now);
        if behind > 0 && is_due && !self.is_recording {
            (self.is_recording, self.recorded_at) = (true, Some(cx.now));
            out.then.push(Effect::Record(self.workspace.clone()));
        }
    }

    fn recorded(&mut self, written: Vec<(TaskId, u64, bool)>, problem: Option<String>, out: &mut Decision) {
        self.is_recording = false;
        for (task, rev, has_words) in written {
            out.writes.push(Write::Task(TaskWrite::Recorded { task, rev, has_words }));
        }
        let told = problem.map(|why| {
            format!("records of tasks in `{}` can't be written: {why}; they are written again", self.workspace)
        });
        out.then.push(Effect::Alarm(format!("records:{}", self.workspace), told));
    }

    fn heard(&mut self, msg: Msg, ask: AskId, out: &mut Decision) {
        let workspace = self.workspace.clone();
        match msg {
            Msg::Describe => out.then.push(Effect::Look(ask, workspace)),
            Msg::Contexts { after, limit } => out.then.push(Effect::List { ask, workspace, after, limit }),
            Msg::Broken { path, problem } => {
                let told =
                    problem.as_ref().map(|p| format!("{workspace}/{path}: {p}; the last good version stays in force"));
                out.then.push(Effect::Alarm(format!("broken:{workspace}/{path}"), told));
                match problem {
                    Some(problem) if self.broken.len() < BROKEN_MAX => drop(self.broken.insert(path, problem)),
                    Some(_) => {}
                    None => drop(self.broken.remove(&path)),
                }
                out.answers.push((ask, Reply::Noted));
            }
        }
    }

    fn described(&mut self, look: Look) -> View {
        match look {
            Ok(definition) => {
                self.broken.remove("workspace.md");
                self.last_good = Some(definition);
            }
            Err(problem) => drop(self.broken.insert("workspace.md".to_owned(), problem)),
        }
        let definition = self.last_good.clone().unwrap_or_default();
        View {
            name: definition.name,
            kind: if definition.is_private { "private" } else { "community" }.to_owned(),
            broken: self.broken.iter().map(|(path, problem)| format!("{path}: {problem}")).collect(),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        // What is broken is known here alone, and told until it is mended.
        !self.is_recording && self.broken.is_empty()
    }

    pub(super) fn doing(&self) -> String {
        if self.running + self.queued == 0 {
            String::new()
        } else {
            format!("{} tasks run, {} wait", self.running, self.queued)
        }
    }
}

#[cfg(test)]
mod tests;
