//! One run at work: what it writes goes into a journal, and what it asks for is done by the test.

use messages::index::Hit;
use messages::model::{Answer, Billed, Class, Failure, Purpose, Request};
use messages::step::{StepStatus, Usage, What, Work};
use messages::store::{StepRow, Write};
use messages::task::{Budget, Spent};
use messages::tool::{Output, ToolCall, Use};
use messages::{InboundId, Moment, TaskId, Trace};
use policy::ContextFacts;

use super::super::{Ask, Brief, End, Ground, Line, Run, RunLimits, StepEnd, Todo, Used};
use super::ground::{NOON, context, facts, open_context, slug, turn_of};
use super::ledger::Ledger;
use crate::WorkFacts;

pub(super) struct Desk {
    pub(super) facts: WorkFacts,
    pub(super) people: ContextFacts,
    pub(super) run: Run,
    pub(super) now: Moment,
    pub(super) children: u32,
    pub(super) descendants: u32,
    pub(super) carved: Spent,
    pub(super) ledger: Ledger,
    pub(super) wrote: Vec<Write>,
    /// What the run waits for, once it has begun.
    pub(super) todo: Option<Todo>,
    /// Questions that were asked, in order.
    pub(super) asked: Vec<Request>,
    /// Tools that were used, in order.
    pub(super) used: Vec<Use>,
}

/// The task whose run it is.
pub(super) fn id() -> TaskId {
    TaskId::of("home", "k")
}

pub(super) fn brief(user: &str) -> Brief {
    Brief {
        work: Work::Task(id()),
        workspace: slug("home"),
        context: context("general"),
        seq: 1,
        trace: Trace::default(),
        turn: turn_of(user, "general"),
        line: Some(Line { id: id(), root: id(), depth: 0 }),
        system: "Be kind.".into(),
        memory: messages::task::Remembered::default(),
        history: Vec::new(),
        question: "What is the plan?".into(),
        purpose: Purpose::Chat,
        models: Vec::new(),
        tools: vec!["*".into()],
        limits: RunLimits { model_turns: 24, answer_bytes: 16_000, passages: 0, seconds: 3_600 },
        budget: Budget::default(),
    }
}

/// The same for a turn of talk.
pub(super) fn turn_brief(user: &str) -> Brief {
    Brief { work: Work::Turn(InboundId::of("console", "e")), line: None, ..brief(user) }
}

impl Desk {
    pub(super) fn new(brief: Brief) -> Self {
        Self {
            facts: facts(),
            people: open_context(),
            run: Run::new(brief, Vec::new(), Vec::new(), NOON),
            now: NOON,
            children: 0,
            descendants: 0,
            carved: Spent::default(),
            ledger: Ledger::default(),
            wrote: Vec::new(),
            todo: None,
            asked: Vec::new(),
            used: Vec::new(),
        }
    }

    /// A run of a task of `ann`, begun.
    pub(super) fn begun() -> Self {
        let mut desk = Self::new(brief("ann"));
        desk.go();
        desk
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Run, &mut Ground<'_>, &mut Vec<Write>) -> T) -> T {
        let (mut writes, actor) = (Vec::new(), context("general"));
        let mut on = Ground {
            facts: &self.facts,
            people: &self.people,
            actor: &actor,
            now: self.now,
            children: self.children,
            descendants: self.descendants,
            carved: self.carved,
        };
        let done = act(&mut self.run, &mut on, &mut writes);
        (self.children, self.descendants, self.carved) = (on.children, on.descendants, on.carved);
        for write in &writes {
            if let Write::Step(step) = write {
                self.ledger.apply(step).unwrap();
            }
        }
        self.wrote.extend(writes);
        self.memory_is_what_the_store_has();
        done
    }

    fn memory_is_what_the_store_has(&self) {
        let plain = |row: &StepRow| StepRow {
            attempt: 0,
            output: if row.status == StepStatus::Started { String::new() } else { row.output.clone() },
            ..row.clone()
        };
        // What changed nothing is held back until something else is written; the store will have it then.
        let mut ledger = self.ledger.clone();
        for write in &self.run.held {
            if let Write::Step(step) = write {
                ledger.apply(step).unwrap();
            }
        }
        let store = ledger.steps(self.run.brief.work.as_str());
        let [memory, store] = [&self.run.steps, store].map(|steps| steps.iter().map(plain).collect::<Vec<_>>());
        assert_eq!(memory, store);
    }

    pub(super) fn go(&mut self) {
        let todo = self.with(Run::advance);
        match &todo {
            Todo::Ask(ask) => self.asked.push(ask.request.clone()),
            Todo::Use(of) => self.used.push((**of).clone()),
            Todo::Children | Todo::End(_) => {}
        }
        self.todo = Some(todo);
    }

    fn step_ended(&mut self, end: StepEnd) {
        match self.with(|run, on, writes| run.step_ended(end, on, writes)) {
            Some(end) => self.todo = Some(Todo::End(end)),
            None => self.go(),
        }
    }

    /// The process ends, and the run begins again from the journal.
    pub(super) fn crash(&mut self) {
        let (steps, spending) = (self.steps().to_vec(), self.ledger.latest(&self.run.brief.accounts()));
        self.run = Run::new(self.run.brief.clone(), steps, spending, self.now);
        self.todo = None;
    }

    pub(super) fn steps(&self) -> &[StepRow] {
        self.ledger.steps(self.run.brief.work.as_str())
    }

    pub(super) fn last_status(&self) -> StepStatus {
        self.steps().last().unwrap().status
    }

    fn ask(&self) -> Ask {
        match &self.todo {
            Some(Todo::Ask(ask)) => (**ask).clone(),
            other => panic!("no model is asked: {other:?}"),
        }
    }

    pub(super) fn end(&self) -> &End {
        match &self.todo {
            Some(Todo::End(end)) => end,
            other => panic!("it goes on: {other:?}"),
        }
    }

    /// The words with which it could not go on, and whether that passes.
    pub(super) fn failure(&self) -> (&str, bool) {
        match self.end() {
            End::Failed(why) => (&why.words, why.passes),
            other => panic!("it did not fail: {other:?}"),
        }
    }

    pub(super) fn answers(&mut self, answered: Result<Answer, Failure>) {
        self.answers_with(None, answered);
    }

    pub(super) fn answers_with(&mut self, passages: Option<Vec<Hit>>, answered: Result<Answer, Failure>) {
        let step = self.ask().seq;
        self.step_ended(StepEnd::Asked { step, passages, answered });
    }

    pub(super) fn says(&mut self, text: &str) {
        self.answers(Ok(answer(text, &[])));
    }

    /// The model asks for tools.
    pub(super) fn calls(&mut self, calls: &[(&str, &str)]) {
        self.answers(Ok(answer("", calls)));
    }

    pub(super) fn fails(&mut self, class: Class, billed: Billed) {
        self.answers(Err(failure(class, billed)));
    }

    pub(super) fn uses(&mut self, used: Used) {
        let of = match &self.todo {
            Some(Todo::Use(of)) => (**of).clone(),
            other => panic!("no tool is used: {other:?}"),
        };
        self.step_ended(StepEnd::Used { of, used });
    }

    pub(super) fn gives(&mut self, text: &str) {
        self.uses(Used::Done(Output { text: text.into(), sources: Vec::new() }));
    }

    /// What the model was told of its last calls.
    pub(super) fn told(&self) -> Vec<String> {
        self.ask().request.exchanges.last().map(|exchange| exchange.results.clone()).unwrap_or_default()
    }

    pub(super) fn audited(&self, wanted: &str) -> usize {
        self.wrote.iter().filter(|write| matches!(write, Write::Audit { action, .. } if action == wanted)).count()
    }

    pub(super) fn refused(&self) -> usize {
        let refused = |step: &&StepRow| matches!(step.what, What::Tool(_)) && step.status == StepStatus::Refused;
        self.steps().iter().filter(refused).count()
    }
}

pub(super) fn answer(text: &str, calls: &[(&str, &str)]) -> Answer {
    let call = |(n, (name, arguments)): (usize, &(&str, &str))| ToolCall {
        id: format!("call-{n}"),
        name: (*name).into(),
        arguments: (*arguments).into(),
    };
    Answer {
        text: text.into(),
        calls: calls.iter().enumerate().map(call).collect(),
        model: "big".into(),
        usage: Usage { input: 100, output: 10, ..Usage::default() },
        ..Answer::default()
    }
}

pub(super) fn failure(class: Class, billed: Billed) -> Failure {
    Failure {
        class,
        message: "It gave none.".into(),
        advice: "Wait.".into(),
        model: "big".into(),
        billed,
        retry_at: Some(NOON.plus_ms(60_000)),
    }
}
