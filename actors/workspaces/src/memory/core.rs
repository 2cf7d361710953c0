//! What a memory decides: state and event in, writes and effects out.
//!
//! Each time that it has read its rows it considers what is to be done, in this order: what was erased is taken out of the
//! file; a compaction that is under way goes on; one begins when what is not in memory passes its limit. [`compact`] takes a
//! compaction from its beginning to its end.

mod compact;
mod failing;

use markdown::memory::Edited;
use messages::memory::{Msg, Reply};
use messages::store::{FileStamp, MemoryPut, MemoryRow, MemoryRows, Write};
use messages::turn::Principal;
use messages::{Address, Moment, Slug};
use runtime::{AskId, Cx};

use super::answer::Changes;
use super::gather::Wanted;
use super::part::Part;
use super::{ASK, Memory};
use crate::WorkFacts;
use crate::context::Loaded;
use crate::definition::Definition;
use crate::run::{Ask, Run, StepEnd};

pub(crate) use compact::readers;
pub(crate) use failing::TRIES_MAX;

pub(super) type Decision = runtime::Decision<Memory>;

/// The date at which a file that could not be read or written is tried again.
const RETRY: &str = "retry";
/// The wait after the first failure, four times as long after each further one, and the longest.
const RETRY_MS: i64 = 5_000;
const RETRY_MS_MAX: i64 = 3_600_000;
/// Characters of an entry that is told to be forgotten.
const SHOWN_CHARS_MAX: usize = 200;

/// What a memory knows.
#[derive(Debug)]
pub struct State {
    workspace: Slug,
    slug: Slug,
    context: Address,
    rows: MemoryRows,
    /// The context's file in force; `None`: it was not read yet, or is broken.
    definition: Option<Definition>,
    seen: Option<[FileStamp; 3]>,
    phase: Phase,
    /// Failures in a row to read or write the file; those of questions are kept in the row.
    failures: u32,
    not_before: Option<Moment>,
}

/// What is under way.
#[derive(Debug)]
enum Phase {
    Idle,
    /// What is to go into memory is read.
    Gathering,
    Asking(Box<Run>, Box<Part>),
    /// There is an answer; the rows are read once more before the file is changed.
    Answered(Changes),
    Applying(Changes),
    /// What was erased is taken out of the file.
    Sweeping,
}

/// What a memory hears.
#[derive(Debug)]
pub enum Event {
    Woken,
    Due,
    Heard(Msg, AskId),
    Looked(Box<Loaded>),
    Read(Box<MemoryRows>),
    Gathered(Result<Box<Part>, String>),
    StepEnded(Box<StepEnd>),
    StepDied(String),
    Applied(Result<Edited, String>),
    Swept { erasures: u64, removed: Result<usize, String> },
    Forgot { ask: AskId, by: Principal, forgot: Result<Forgot, String> },
}

/// What became of a wish to forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forgot {
    Entry { id: String, words: String },
    Unknown(String),
    Ambiguous(String),
}

/// What a memory does after a commit.
#[derive(Debug)]
pub enum Effect {
    /// Look at the definition files of its context.
    Look {
        context: Address,
        seen: Option<[FileStamp; 3]>,
    },
    /// Read its rows again.
    Read,
    Gather(Box<Wanted>),
    Ask(Box<Ask>),
    /// Change the file.
    Apply(Changes),
    /// Take out of the file what was erased.
    Sweep {
        erasures: u64,
    },
    Forget {
        ask: AskId,
        entry: String,
        by: Principal,
    },
    Alarm(Option<String>),
}

impl State {
    /// State from rows; what is unfinished is considered when the context's files were looked at.
    pub(super) fn open((workspace, slug): (Slug, Slug), rows: MemoryRows) -> (Self, Vec<Effect>) {
        let context = Address::context(&workspace, &slug);
        let (definition, seen, phase) = (None, None, Phase::Idle);
        let state = Self { workspace, slug, context, rows, definition, seen, phase, failures: 0, not_before: None };
        let look = Effect::Look { context: state.context.clone(), seen: None };
        (state, vec![look, Effect::Read])
    }

    pub(super) fn decide(&mut self, event: Event, cx: &Cx<'_, WorkFacts>) -> Decision {
        let mut out = Decision::none();
        match event {
            Event::Woken | Event::Due => {
                out.then.push(Effect::Look { context: self.context.clone(), seen: self.seen });
                out.then.push(Effect::Read);
            }
            Event::Looked(loaded) => {
                self.seen = Some(loaded.stamps);
                self.definition = match (loaded.context, loaded.workspace) {
                    (Ok(Some((_, definition))), Ok(Some(_))) => Some(definition),
                    _ => None,
                };
            }
            Event::Read(rows) => {
                self.rows = *rows;
                self.consider(&mut out, cx);
            }
            Event::Gathered(part) => self.gathered(part, &mut out, cx),
            Event::StepEnded(end) => self.step_ended(*end, &mut out, cx),
            Event::StepDied(why) => self.step_died(&why, &mut out, cx),
            Event::Applied(applied) => self.applied(applied, &mut out, cx),
            Event::Swept { erasures, removed } => self.swept(erasures, removed, &mut out, cx),
            Event::Heard(Msg::Forget { entry, by }, ask) => out.then.push(Effect::Forget { ask, entry, by }),
            Event::Forgot { ask, by, forgot } => Self::forgot((ask, by), forgot, &mut out, cx),
        }
        out
    }

    /// What is to be done as things stand.
    fn consider(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let (stale, may) = (self.rows.memory.is_stale(), self.not_before.is_none_or(|at| at <= cx.now));
        match &self.phase {
            Phase::Gathering | Phase::Applying(_) | Phase::Sweeping => {}
            Phase::Asking(..) if !stale => {}
            Phase::Answered(changes) if !stale => {
                let changes = changes.clone();
                out.then.push(Effect::Apply(changes.clone()));
                self.phase = Phase::Applying(changes);
            }
            Phase::Asking(..) | Phase::Answered(_) => self.sweep(out, cx),
            Phase::Idle if stale => {
                if may {
                    self.sweep(out, cx);
                }
            }
            Phase::Idle if may => self.compact(out, cx),
            Phase::Idle => {}
        }
    }

    /// Words were erased that the file may have, and the answer to a question that had them: that is given up.
    fn sweep(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        if matches!(self.phase, Phase::Asking(..)) {
            out.abort.push(ASK);
        }
        self.close_journal("a message that it was asked about was erased", out, cx);
        if self.rows.memory.work.is_some() {
            let row = MemoryRow { work: None, ..self.rows.memory.clone() };
            self.put(row, out);
        }
        self.phase = Phase::Sweeping;
        out.then.push(Effect::Sweep { erasures: self.rows.memory.erasures });
    }

    fn swept(&mut self, erasures: u64, removed: Result<usize, String>, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.phase = Phase::Idle;
        let removed = match removed {
            Ok(removed) => removed,
            Err(problem) => return self.file_failed(&problem, out, cx),
        };
        self.went_well(out);
        let row = MemoryRow { erased: erasures, ..self.rows.memory.clone() };
        self.put(row, out);
        let detail = serde_json::json!({ "removed": removed }).to_string();
        out.writes.push(self.audit("memory.erased", "", detail, cx));
        out.then.push(Effect::Read);
    }

    /// The row as it is from now on.
    fn put(&mut self, row: MemoryRow, out: &mut Decision) {
        let row = MemoryRow { rev: self.rows.memory.rev + 1, ..row };
        out.writes.push(Write::Memory(Box::new(MemoryPut {
            context: self.context.clone(),
            rev: row.rev,
            upto: row.upto.clone(),
            work: row.work.clone(),
            erased: row.erased,
            failing: row.failing.clone(),
        })));
        self.rows.memory = row;
    }

    /// The file could not be read or written: nothing is lost, and it is tried again for as long as it takes.
    fn file_failed(&mut self, problem: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.phase = Phase::Idle;
        let told = format!("the memory of {} can't be kept: {problem}; it is tried again", self.context);
        out.then.push(Effect::Alarm(Some(told)));
        let wait = retry_ms(self.failures);
        self.failures = self.failures.saturating_add(1);
        let due = cx.now.plus_ms(wait);
        self.not_before = Some(due);
        out.writes.push(Write::TimerPut { entity: cx.address.clone(), name: RETRY.to_owned(), due });
    }

    fn went_well(&mut self, out: &mut Decision) {
        if std::mem::take(&mut self.failures) > 0 {
            out.then.push(Effect::Alarm(None));
        }
        self.not_before = None;
    }

    fn forgot(
        (ask, by): (AskId, Principal),
        forgot: Result<Forgot, String>,
        out: &mut Decision,
        cx: &Cx<'_, WorkFacts>,
    ) {
        let reply = match forgot {
            Ok(Forgot::Entry { id, words }) => {
                let detail = serde_json::json!({ "entry": id }).to_string();
                let principal = by.to_string();
                out.writes.push(Write::Audit {
                    at: cx.now,
                    actor: cx.address.clone(),
                    principal,
                    action: "memory.forgotten".to_owned(),
                    subject: cx.address.to_string(),
                    rules: Vec::new(),
                    detail,
                });
                let words = markdown::text::clean_line(&words, SHOWN_CHARS_MAX);
                Reply::Done(format!("Forgotten: “{words}” (`{}`).", id.get(..5).unwrap_or(&id)))
            }
            Ok(Forgot::Unknown(id)) => {
                Reply::Done(format!("No entry has an id that begins with `{id}`. `/memory` lists them."))
            }
            Ok(Forgot::Ambiguous(id)) => Reply::Done(format!(
                "`{id}` is the beginning of several ids. Give a few characters more; `/memory` lists them."
            )),
            Err(problem) => Reply::Failed(format!("memory.md can't be changed: {problem}.")),
        };
        out.answers.push((ask, reply));
    }

    fn audit(&self, action: &str, subject: &str, detail: String, cx: &Cx<'_, WorkFacts>) -> Write {
        let subject = if subject.is_empty() { self.context.as_str() } else { subject };
        Write::Audit {
            at: cx.now,
            actor: cx.address.clone(),
            principal: String::new(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            rules: Vec::new(),
            detail,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    pub(super) fn doing(&self) -> String {
        match &self.phase {
            Phase::Idle => "",
            Phase::Gathering | Phase::Asking(..) => "asks what is worth keeping",
            Phase::Answered(_) | Phase::Applying(_) => "writes what is kept",
            Phase::Sweeping => "takes out what was erased",
        }
        .to_owned()
    }
}

/// How long to wait after a failure that comes after so many.
fn retry_ms(before: u32) -> i64 {
    RETRY_MS.saturating_mul(4_i64.saturating_pow(before.min(16))).min(RETRY_MS_MAX)
}

#[cfg(test)]
mod tests;
