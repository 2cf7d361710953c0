//! How steps end: answers, calls of tools, every failure.

use messages::TaskId;
use messages::model::{Answer, Billed, Class, Failure};
use messages::step::Usage;
use messages::tool::{Output, ToolCall, Use};

use super::super::{Effect, Event};
use super::sim::Sim;
use super::tables::task;
use crate::run::{Ask, StepEnd, Used};
use crate::workspace::core as keeper;

/// A task that has not moved for so long is recorded.
const QUIET_MS: i64 = 1_000;

/// What a model asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Look,
    /// With the same arguments each time.
    LookAgain,
    Write,
    Mail,
    Post,
    Spawn,
    /// It depends on a subtask that was made before.
    SpawnAfter,
    /// With a share of the budget that is named.
    SpawnDear,
    /// A tool that is not there.
    Nothing,
    /// Arguments that are no JSON.
    Broken,
}

/// How a step ends.
#[derive(Debug, Clone)]
pub(super) enum Ending {
    /// The model asks for tools; none: it is done. Uses so many hundredths of what was reserved.
    Says(Vec<Call>, u64),
    /// The model fails: which class, what is billed.
    Fails(usize, u8),
    /// The tool has done its work.
    Done,
    /// It did nothing and says so.
    No,
    /// Nobody knows; whether it did.
    Unknown(bool),
    /// It gives no answer; whether it did.
    Cut(bool),
    /// It panics; whether a tool did its work before.
    Dies(bool),
}

impl Sim {
    /// Tasks whose step runs.
    pub(super) fn at_work(&self) -> Vec<TaskId> {
        let runs = self.tasks.iter().filter(|(_, actor)| actor.slow.as_ref().is_some_and(|slow| !slow.has_ended));
        runs.map(|(id, _)| id.clone()).collect()
    }

    /// The tool that a task uses now.
    pub(super) fn uses(&self, id: &TaskId) -> Option<Use> {
        match self.tasks.get(id).and_then(|actor| actor.slow.as_ref()).map(|slow| &slow.effect) {
            Some(Effect::Use(of)) => Some((**of).clone()),
            _ => None,
        }
    }

    /// The question that a model is asked for a task now.
    pub(super) fn asks(&self, id: &TaskId) -> Option<Ask> {
        match self.tasks.get(id).and_then(|actor| actor.slow.as_ref()).map(|slow| &slow.effect) {
            Some(Effect::Ask(ask)) => Some((**ask).clone()),
            _ => None,
        }
    }

    /// A new task of `ann`, at its first question.
    pub(super) fn started(&mut self, key: &str) -> TaskId {
        let id = self.make(&task(key, "ann", key, self.now));
        self.run();
        assert!(self.asks(&id).is_some(), "{id} has no slot");
        id
    }

    /// The step of this task ends so, and all that follows at once is done.
    pub(super) fn does(&mut self, id: &TaskId, ending: &Ending) {
        assert!(self.finish(id, ending), "no step of {id} runs:\n{}", self.brief());
        self.run();
    }

    /// The model answers so.
    pub(super) fn says(&mut self, id: &TaskId, calls: &[Call]) {
        assert!(self.asks(id).is_some(), "{id} asks nothing:\n{}", self.brief());
        self.does(id, &Ending::Says(calls.to_vec(), 10));
    }

    /// The only subtask of a task, or its last.
    pub(super) fn last_child(&self, id: &TaskId) -> TaskId {
        self.tables.children(id).last().unwrap().id.clone()
    }

    /// Seconds pass one by one, with the sweep in each.
    pub(super) fn seconds(&mut self, count: u32) {
        for _ in 0..count {
            self.pass(1_000);
            self.sweep();
            self.run();
        }
    }

    /// The step of this task ends. False: none runs.
    pub(super) fn finish(&mut self, id: &TaskId, ending: &Ending) -> bool {
        let event = match (self.asks(id), self.uses(id)) {
            (Some(ask), _) => self.asked(id, &ask, ending),
            (_, Some(of)) => self.used(of, ending),
            _ => return false,
        };
        if let Some(actor) = self.tasks.get_mut(id) {
            actor.end_slow(event);
        }
        true
    }

    /// Everything that runs ends well.
    pub(super) fn finish_all(&mut self) -> bool {
        let mut any = false;
        for id in self.at_work() {
            any |= self.finish(&id, &Ending::Says(Vec::new(), 10));
        }
        any | self.record()
    }

    /// The records of tasks that rest are written, where they are behind.
    pub(super) fn record(&mut self) -> bool {
        let quiet_since = self.now.plus_ms(-QUIET_MS);
        let mut written = self.tables.unrecorded();
        written.retain(|(id, _)| self.tables.row(id).moved_at <= quiet_since);
        let writes = self.keeper.as_mut().filter(|keeper| keeper.slow.as_ref().is_some_and(|slow| !slow.has_ended));
        let Some(keeper) = writes else { return false };
        let any = !written.is_empty();
        let has_words = |id: &TaskId| !self.tables.row(id).spec.input.is_empty();
        let written = written.into_iter().map(|(id, rev)| (id.clone(), rev, has_words(&id))).collect();
        keeper.end_slow(keeper::Event::Recorded { written, problem: None });
        any
    }

    fn asked(&mut self, id: &TaskId, ask: &Ask, ending: &Ending) -> Event {
        let answered = match ending {
            Ending::Says(calls, part) => Ok(self.answer(id, ask, calls, *part)),
            Ending::Fails(class, billed) => Err(self.failure(id, ask, *class, *billed)),
            Ending::Dies(_) => return Event::StepDied("index out of bounds".into()),
            _ => Ok(self.answer(id, ask, &[], 1)),
        };
        let passages = ask.find.map(|_| Vec::new());
        Event::StepEnded(Box::new(StepEnd::Asked { step: ask.seq, passages, answered }))
    }

    fn answer(&mut self, id: &TaskId, ask: &Ask, calls: &[Call], part: u64) -> Answer {
        let calls = calls.iter().enumerate().map(|(n, call)| self.call(id, n, *call)).collect();
        let (model, usage) = (self.model_of(ask), self.usage(id, ask, part));
        Answer { text: format!("answer {}", ask.seq), calls, model, usage, ..Answer::default() }
    }

    fn model_of(&mut self, ask: &Ask) -> String {
        let chain = self.facts.offers.chain(ask.request.purpose, &ask.request.allowed);
        let names: Vec<String> = chain.iter().map(|offer| offer.name.clone()).collect();
        let left: Vec<String> = names.iter().filter(|name| !ask.request.avoid.contains(name)).cloned().collect();
        let of = if left.is_empty() { names } else { left };
        let at = self.any(of.len());
        of.get(at).cloned().unwrap_or_default()
    }

    /// A part of what was put aside; where nothing was, a little.
    fn usage(&self, id: &TaskId, ask: &Ask, part: u64) -> Usage {
        let step = self.tables.ledger.steps(id.as_str()).iter().find(|step| step.seq == ask.seq);
        let output = ask.request.output_tokens_max;
        let input = step.and_then(|step| step.reserve.as_ref()).map_or(100, |reserve| reserve.tokens - output);
        Usage { input: input * part / 100, output: output * part / 100, ..Usage::default() }
    }

    fn failure(&mut self, id: &TaskId, ask: &Ask, class: usize, billed: u8) -> Failure {
        let class = Class::ALL[class % Class::ALL.len()];
        let billed = match billed % 3 {
            0 => Billed::Nothing,
            1 => Billed::Known(self.usage(id, ask, 50)),
            _ => Billed::Unknown,
        };
        Failure {
            class,
            message: format!("It gave none ({class:?})."),
            advice: "Wait.".into(),
            model: self.model_of(ask),
            billed,
            retry_at: Some(self.now.plus_ms(3_600_000)),
        }
    }

    fn call(&mut self, id: &TaskId, n: usize, call: Call) -> ToolCall {
        let fresh = self.any(1 << 40);
        let sibling = {
            let known: Vec<TaskId> = self.tables.children(id).map(|child| child.id.clone()).collect();
            let at = self.any(known.len() + 1);
            known.get(at).map_or_else(|| "tsk_of_nobody".to_owned(), ToString::to_string)
        };
        let task = |more: &str| format!("{{\"title\":\"part {fresh}\",\"input\":\"do {fresh}\"{more}}}");
        let (name, arguments) = match call {
            Call::Look => ("look", format!("{{\"n\":{fresh}}}")),
            Call::LookAgain => ("look", "{}".to_owned()),
            Call::Write => ("write", format!("{{\"n\":{fresh}}}")),
            Call::Mail => ("mail", format!("{{\"n\":{fresh}}}")),
            Call::Post => ("post", format!("{{\"text\":\"on it {fresh}\"}}")),
            Call::Spawn => ("spawn_task", task("")),
            Call::SpawnAfter => ("spawn_task", task(&format!(",\"depends_on\":[\"{sibling}\"]"))),
            Call::SpawnDear => ("spawn_task", task(",\"budget_usd\":0.2,\"on_dependency_failure\":\"run\"")),
            Call::Nothing => ("nothing_of_the_kind", format!("{{\"n\":{fresh}}}")),
            Call::Broken => ("write", format!("{{\"n\":{fresh}")),
        };
        ToolCall { id: format!("call-{n}"), name: name.into(), arguments }
    }

    fn used(&mut self, of: Use, ending: &Ending) -> Event {
        let (did, used) = match ending {
            Ending::No | Ending::Fails(..) => (false, Used::Failed("It is not there.".into())),
            Ending::Unknown(did) => (*did, Used::Unknown("The line broke".into())),
            Ending::Cut(did) => (*did, Used::Cut(format!("`{}` gave no answer", of.call.name))),
            Ending::Dies(did) => {
                if *did {
                    self.world.act(&of);
                }
                return Event::StepDied("index out of bounds".into());
            }
            Ending::Done | Ending::Says(..) => {
                (true, Used::Done(Output { text: format!("{} is done", of.call.name), sources: Vec::new() }))
            }
        };
        if did {
            self.world.act(&of);
        }
        Event::StepEnded(Box::new(StepEnd::Used { of, used }))
    }
}
