//! A compaction: a part of the conversation is fixed, a model is asked once, and what it answers goes into the file.

use markdown::memory::Edited;
use messages::model::Purpose;
use messages::offer::Offers;
use messages::step::Work;
use messages::store::{Compaction, MemoryRow, Write};
use messages::task::{Remembered, Spent};
use messages::turn::{Chat, Principal, Scope, Turn};
use messages::{MemoryId, Moment, Trace};
use runtime::Cx;

use super::{Decision, Effect, Phase, State};
use crate::WorkFacts;
use crate::memory::answer;
use crate::memory::gather::Wanted;
use crate::memory::part::{PART_BYTES_MAX, Part, instructions};
use crate::run::{Brief, End, Ground, Run, RunLimits, StepEnd, Todo};

/// The longest answer in bytes.
const ANSWER_BYTES_MAX: usize = 8_000;
/// Bytes of a window that stay free for what a question holds besides the conversation: instructions and notes.
const BESIDES_BYTES: u64 = 28_000;
/// Bytes of a token, on the low side.
const BYTES_PER_TOKEN: u64 = 3;
/// Bytes of the conversation that a question has, however small the window is.
const PART_BYTES_MIN: usize = 4_000;
/// Times that a part is halved because of failures.
const HALVED_MAX: u32 = 3;

/// The models that can make a text short, of those that the context allows; by name, in the order of their route.
pub(crate) fn readers(offers: &Offers, allowed: &[String]) -> Vec<String> {
    let chain = offers.chain(Purpose::Summarize, allowed);
    chain.iter().filter(|offer| !offer.quotes_only).map(|offer| offer.name.clone()).collect()
}

impl State {
    /// Goes on with what is under way, or begins when it is time.
    pub(super) fn compact(&mut self, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let Some(definition) = &self.definition else { return };
        let limit = definition.limits.memory_bytes;
        let models = readers(&cx.facts.offers, &definition.models);
        let exactly = self.rows.memory.work.as_ref().map(|work| work.upto.clone());
        let is_due = limit > 0 && !models.is_empty() && self.rows.behind() >= limit;
        if exactly.is_none() && (!is_due || self.pauses(cx)) {
            return;
        }
        let bytes_max = self.part_bytes(&models, cx);
        let (memory, logs) = (self.rows.memory.clone(), self.rows.logs.clone());
        self.phase = Phase::Gathering;
        out.then.push(Effect::Gather(Box::new(Wanted { memory, logs, exactly, bytes_max })));
    }

    /// Bytes of the conversation that have room in the smallest window; less after each failure.
    fn part_bytes(&self, models: &[String], cx: &Cx<'_, WorkFacts>) -> usize {
        let windows = models.iter().filter_map(|name| cx.facts.offers.find(name)).map(|offer| offer.context_tokens);
        let window = windows.filter(|tokens| *tokens > 0).min().unwrap_or(u64::MAX);
        let answer = u64::try_from(ANSWER_BYTES_MAX).unwrap_or(0);
        let room = window.saturating_mul(BYTES_PER_TOKEN).saturating_sub(BESIDES_BYTES + answer);
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(PART_BYTES_MAX);
        (room >> self.failures_of_questions(cx).min(HALVED_MAX)).max(PART_BYTES_MIN)
    }

    pub(super) fn gathered(&mut self, part: Result<Box<Part>, String>, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        self.phase = Phase::Idle;
        let part = match part {
            Ok(part) => part,
            Err(problem) => return self.file_failed(&problem, out, cx),
        };
        if let Some(work) = self.rows.memory.work.clone() {
            let run = Run::new(
                self.brief(&work.id, part.question(&work.id), cx),
                std::mem::take(&mut self.rows.steps),
                self.rows.spending.clone(),
                cx.now,
            );
            return self.go_on(run, part, out, cx);
        }
        if part.upto == self.rows.memory.upto {
            return;
        }
        if part.lines.is_empty() {
            // Nothing but what is never kept.
            let row = MemoryRow { upto: part.upto, ..self.rows.memory.clone() };
            return self.put(row, out);
        }
        let id = MemoryId::of(&self.context, self.rows.memory.rev + 1);
        let work = Some(Compaction { id: id.clone(), upto: part.upto.clone() });
        let row = MemoryRow { work, ..self.rows.memory.clone() };
        self.put(row, out);
        let run = Run::new(self.brief(&id, part.question(&id), cx), Vec::new(), self.rows.spending.clone(), cx.now);
        self.go_on(run, part, out, cx);
    }

    /// Nobody asks, and no tool is used; it is charged to the accounts of its context.
    fn brief(&self, id: &MemoryId, question: String, cx: &Cx<'_, WorkFacts>) -> Brief {
        let definition = self.definition.clone().unwrap_or_default();
        let scope = Scope { workspace: self.workspace.clone(), context: self.slug.clone(), paths: Vec::new() };
        let turn = Turn {
            reply_to: Chat { connector: String::new(), chat: String::new() },
            principal: Principal { connector: "memory".to_owned(), user: self.slug.to_string() },
            action: "memory".to_owned(),
            policy: 0,
            rules: Vec::new(),
            scope,
            definition: definition.version.clone(),
            taken_at: cx.now,
        };
        Brief {
            work: Work::Memory(id.clone()),
            workspace: self.workspace.clone(),
            context: self.context.clone(),
            seq: 0,
            trace: Trace(id.to_string()),
            turn,
            line: None,
            system: instructions(),
            memory: Remembered::default(),
            history: Vec::new(),
            question,
            purpose: Purpose::Summarize,
            models: readers(&cx.facts.offers, &definition.models),
            tools: Vec::new(),
            limits: RunLimits {
                model_turns: 1,
                answer_bytes: ANSWER_BYTES_MAX,
                passages: 0,
                seconds: definition.limits.turn_seconds,
            },
            budget: cx.facts.limits.turn,
        }
    }

    fn go_on(&mut self, mut run: Run, part: Box<Part>, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let people = policy::ContextFacts::default();
        let todo = run.advance(&mut ground(&people, cx), &mut out.writes);
        match todo {
            Todo::Ask(ask) => {
                out.then.push(Effect::Ask(ask));
                self.phase = Phase::Asking(Box::new(run), part);
            }
            Todo::Use(_) | Todo::Children => self.failed("The model asked for a tool.", None, out, cx),
            Todo::End(end) => self.ended(end, &part, out, cx),
        }
    }

    /// The question was answered, or was not.
    pub(super) fn step_ended(&mut self, end: StepEnd, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let Phase::Asking(mut run, part) = std::mem::replace(&mut self.phase, Phase::Idle) else { return };
        let people = policy::ContextFacts::default();
        match run.step_ended(end, &ground(&people, cx), &mut out.writes) {
            None => self.go_on(*run, part, out, cx),
            Some(end) => self.ended(end, &part, out, cx),
        }
    }

    pub(super) fn step_died(&mut self, why: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        if matches!(self.phase, Phase::Asking(..)) {
            self.close_journal(why, out, cx);
            self.failed(why, None, out, cx);
        }
    }

    fn ended(&mut self, end: End, part: &Part, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        match end {
            End::Answer(answer) => {
                let changes = answer::read(&answer.text, &part.asked());
                if changes.is_none() {
                    return self.failed("The answer has no line of those that were asked for.", None, out, cx);
                }
                // Words may have been erased since: the rows say so.
                self.phase = Phase::Answered(changes);
                out.then.push(Effect::Read);
            }
            End::Failed(why) => self.failed(&why.words, None, out, cx),
            End::Parked { words, until } => self.failed(&words, until, out, cx),
            End::InDoubt(words) => self.failed(&words, None, out, cx),
        }
    }

    /// It came to nothing: it is given up, and begun anew later.
    fn failed(&mut self, why: &str, until: Option<Moment>, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        tracing::warn!(actor = %cx.address, why, "what is worth keeping of this conversation could not be found out");
        self.phase = Phase::Idle;
        let failing = self.one_more_failure(until, out, cx);
        let detail = serde_json::json!({ "failures": failing.failures }).to_string();
        out.writes.push(self.audit("memory.failed", "", detail, cx));
        let row = MemoryRow { work: None, failing: Some(failing), ..self.rows.memory.clone() };
        self.put(row, out);
    }

    /// The step that runs, or was cut off, is given up: what it had reserved is charged.
    pub(super) fn close_journal(&mut self, why: &str, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        if let Phase::Asking(mut run, _) = std::mem::replace(&mut self.phase, Phase::Idle) {
            return run.give_up(why, cx.now, &mut out.writes);
        }
        let (Some(work), steps) = (self.rows.memory.work.clone(), std::mem::take(&mut self.rows.steps)) else { return };
        let brief = self.brief(&work.id, String::new(), cx);
        Run::new(brief, steps, self.rows.spending.clone(), cx.now).give_up(why, cx.now, &mut out.writes);
    }

    pub(super) fn applied(&mut self, applied: Result<Edited, String>, out: &mut Decision, cx: &Cx<'_, WorkFacts>) {
        let Phase::Applying(changes) = std::mem::replace(&mut self.phase, Phase::Idle) else { return };
        let edited = match applied {
            Ok(edited) => edited,
            Err(problem) => return self.file_failed(&problem, out, cx),
        };
        let Some(work) = self.rows.memory.work.clone() else { return };
        self.went_well(out);
        let row = MemoryRow { upto: work.upto, work: None, failing: None, ..self.rows.memory.clone() };
        self.put(row, out);
        let detail = serde_json::json!({
            "added": edited.added,
            "removed": edited.removed,
            "known": edited.known,
            "no_room": edited.left_out,
            "foreign": changes.foreign,
            "unusable": changes.unusable,
        });
        let audit: Write = self.audit("memory.kept", work.id.as_str(), detail.to_string(), cx);
        out.writes.push(audit);
    }
}

fn ground<'a>(people: &'a policy::ContextFacts, cx: &'a Cx<'_, WorkFacts>) -> Ground<'a> {
    let carved = Spent::default();
    Ground { facts: cx.facts, people, actor: cx.address, now: cx.now, children: 0, descendants: 0, carved }
}
