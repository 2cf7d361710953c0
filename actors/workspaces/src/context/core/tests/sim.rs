//! A context at work on the model: what the host of entities does, with every point at which a process can end.

use std::collections::VecDeque;

use std::sync::Arc;

use messages::model::{Answer as ModelAnswer, Billed, Class, Failure, Purpose, Request};
use messages::offer::{Offer, Offers};
use messages::step::{StepStatus, Usage, What};
use messages::store::{FileStamp, InboundKind, OutboxState, StepRow, Write};
use messages::task::WorkLimits;
use messages::tool::{Output, Repeat, Risk, ToolCall, ToolSpec, Use};
use messages::turn::Outcome;
use messages::{Address, Moment, Slug};
use policy::Policy;
use runtime::{Cx, Entity};

use super::super::super::Context;
use super::super::{Answer, Decision, Effect, Event, Job, LOGS, Loaded, State};
use super::files::{Disk, Hand};
use super::model::{Model, here};
use crate::WorkFacts;
use crate::definition::{Definition, WorkspaceDefinition};
use crate::memory::file::MemoryText;
use crate::render;
use crate::run::{Ask, StepEnd, Used};

pub(super) const WORKSPACE: &str = "---\nname: Home\n---\n";
/// Entries that a context is given when it opens.
const TAIL: usize = 40;

/// The process ended.
#[derive(Debug)]
pub(super) struct Crash;

type Ran = Result<(), Crash>;

/// What runs beside the mailbox: work without a model, a question to one, a tool.
#[derive(Debug)]
pub(super) enum Slow {
    Run(Box<Job>),
    Ask(i64, Box<Ask>),
    Use(i64, Box<Use>),
}

impl Slow {
    pub(super) fn seq(&self) -> i64 {
        match self {
            Self::Run(job) => job.seq,
            Self::Ask(seq, _) | Self::Use(seq, _) => *seq,
        }
    }

    pub(super) fn ask(&self) -> &Request {
        match self {
            Self::Ask(_, ask) => &ask.request,
            other => panic!("{other:?} is no question"),
        }
    }
}

pub(super) struct Sim {
    pub(super) model: Model,
    pub(super) now: Moment,
    pub(super) state: Option<State>,
    todo: VecDeque<Effect>,
    /// What runs beside the mailbox.
    pub(super) slow: Option<Slow>,
    pub(super) disk: Disk,
    pub(super) definition: String,
    pub(super) facts: WorkFacts,
    /// So many points are left until the process ends.
    pub(super) fuse: Option<u32>,
    events: u32,
    /// What was committed, since a test last looked.
    pub(super) wrote: Vec<Write>,
    /// A stale event may be refused; nothing else may.
    pub(super) may_be_refused: bool,
    pub(super) reopened: u32,
    /// What `memory.md` says.
    pub(super) memory: MemoryText,
    /// Whom it has woken.
    pub(super) woke: Vec<Address>,
}

impl Sim {
    pub(super) fn new(frontmatter: &str) -> Self {
        Self {
            model: Model::default(),
            now: Moment(1_000_000_000),
            state: None,
            todo: VecDeque::new(),
            slow: None,
            disk: Disk::default(),
            definition: format!("---\n{frontmatter}\n---\nBe kind.\n"),
            facts: facts(),
            fuse: None,
            events: 0,
            wrote: Vec::new(),
            may_be_refused: false,
            reopened: 0,
            memory: MemoryText::default(),
            woke: Vec::new(),
        }
    }

    /// A new event in the store; the context is not woken.
    pub(super) fn put(&mut self, user: &str, kind: InboundKind, text: &str, about: Option<i64>) -> i64 {
        self.events += 1;
        let target = about.map(|seq| self.model.row(seq).event.clone());
        self.model.put(&format!("s:{}", self.events), user, (kind, target.as_deref(), text), self.now)
    }

    pub(super) fn say(&mut self, user: &str, text: &str) -> i64 {
        let seq = self.put(user, InboundKind::Message, text, None);
        self.wake();
        seq
    }

    pub(super) fn control(&mut self, user: &str, kind: InboundKind, text: &str, about: Option<i64>) -> i64 {
        let seq = self.put(user, kind, text, about);
        self.wake();
        seq
    }

    /// Nothing outlives the process but the store and the files.
    pub(super) fn crash(&mut self) {
        (self.state, self.slow, self.fuse) = (None, None, None);
        self.todo.clear();
        self.disk.forget_all();
    }

    /// The process ends, and somebody edits a log before the next one begins.
    pub(super) fn edit_by_hand(&mut self, how: Hand, at: usize) {
        self.crash();
        if let Some(log) = self.model.logs.keys().next() {
            self.disk.edit_by_hand(log, how, at, &self.model.entries_of(log));
        }
    }

    /// The machine ends: what was not synced may be lost, or be zeros.
    pub(super) fn tear(&mut self, at: usize, zeros: bool) {
        self.crash();
        for row in self.model.logs.values() {
            self.disk.tear(row, at, zeros, &self.model.entries_of(&row.log));
        }
    }

    fn point(&mut self) -> Ran {
        match self.fuse.as_mut() {
            Some(0) => Err(Crash),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Hears one event and does all that follows from it. A process that ends in the middle is opened by the next one.
    pub(super) fn hear(&mut self, event: Event) {
        self.hear_of(event, None);
    }

    fn hear_of(&mut self, event: Event, date: Option<String>) {
        let heard = self.open_if_need_be().and_then(|()| self.decide(event, date));
        if heard.and_then(|()| self.perform_all()).is_err() {
            self.crash();
        }
    }

    fn open_if_need_be(&mut self) -> Ran {
        if self.state.is_some() {
            return Ok(());
        }
        let slug = |text| Slug::parse(text).unwrap();
        let (state, effects) = State::open((slug("home"), slug("general")), self.model.opened(TAIL));
        self.state = Some(state);
        self.todo = effects.into();
        self.perform_all()
    }

    pub(super) fn wake(&mut self) {
        self.hear(Event::Woken);
    }

    fn decide(&mut self, event: Event, date: Option<String>) -> Ran {
        let Some(state) = self.state.as_mut() else { return Ok(()) };
        let running = state.running.as_ref().map(|turn| turn.row.seq);
        let address = here();
        let cx = Cx { now: self.now, seed: 7, address: &address, facts: &self.facts };
        let Decision { mut writes, then, abort, .. } = state.decide(event, &cx);
        if let Some(name) = date
            && !writes.iter().any(|write| matches!(write, Write::TimerPut { name: put, .. } if *put == name))
        {
            writes.push(Write::TimerDrop { entity: here(), name });
        }
        only_the_running_turn_is_stopped(running, &writes);
        self.point()?;
        if let Err(why) = self.model.commit(&writes, self.may_be_refused) {
            assert!(self.may_be_refused, "a commit of the only owner is refused: {why}\n{writes:#?}");
            self.reopened += 1;
            return Err(Crash);
        }
        self.wrote.extend(writes);
        self.point()?;
        if self.slow.as_ref().is_some_and(|slow| abort.contains(&State::key(slow.seq()))) {
            self.slow = None;
        }
        let slow = |effect: &Effect| <Context as Entity>::slow(effect);
        self.todo.retain(|effect| slow(effect).is_none_or(|key| !abort.contains(&key)));
        self.todo.extend(then);
        Ok(())
    }

    fn perform_all(&mut self) -> Ran {
        while let Some(effect) = self.todo.pop_front() {
            self.point()?;
            if let Some(event) = self.perform(effect) {
                self.decide(event, None)?;
            }
        }
        self.one_turn_runs_and_it_is_the_one_that_works();
        Ok(())
    }

    fn one_turn_runs_and_it_is_the_one_that_works(&self) {
        let running = self.state.as_ref().and_then(|state| state.running.as_ref()).map(|turn| turn.row.seq);
        assert_eq!(running, self.slow.as_ref().map(Slow::seq), "what runs and what is known to run");
    }

    fn perform(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Look { seen } => self.look(seen),
            Effect::ReadWork { limit } => Some(Event::Work(Box::new(self.model.work(limit)))),
            Effect::ThenDescribe(ask) => Some(Event::DescribedAfterLook(ask)),
            Effect::Run(job) => self.work(Slow::Run(job)),
            Effect::Ask(seq, ask) => self.work(Slow::Ask(seq, ask)),
            Effect::Use(seq, of) => self.work(Slow::Use(seq, of)),
            Effect::Resume => Some(Event::Resume),
            Effect::WriteLog { .. }
            | Effect::RecoverLog(_)
            | Effect::MendLog(_)
            | Effect::ProveLog { .. }
            | Effect::SyncLog(_)
            | Effect::Erase { .. } => self.disk.perform(&effect, &self.model),
            Effect::ReadMemory => Some(Event::Memory(Box::new(self.model.memory_rows()))),
            Effect::Wake(at) => {
                self.woke.push(at);
                None
            }
            Effect::CloseFeed(_) | Effect::TellBroken(_) => None,
        }
    }

    fn work(&mut self, slow: Slow) -> Option<Event> {
        assert!(self.slow.is_none(), "two turns run: {:?} and {slow:?}", self.slow);
        self.slow = Some(slow);
        None
    }

    fn look(&self, seen: Option<[FileStamp; 3]>) -> Option<Event> {
        let size = (self.definition.len() + self.memory.text.len()) as u64;
        let stamps = [FileStamp { size, ..FileStamp::default() }; 3];
        let context = Definition::parse(&self.definition).map(|read| Some((self.definition.clone(), read)));
        let workspace = WorkspaceDefinition::parse(WORKSPACE).map(|read| Some((WORKSPACE.to_owned(), read)));
        let loaded = Loaded {
            stamps,
            context: context.map_err(|e| e.to_string()),
            workspace: workspace.map_err(|e| e.to_string()),
            memory: Ok(self.memory.clone()),
        };
        (seen != Some(stamps)).then(|| Event::Loaded(Box::new(loaded)))
    }

    /// The running turn's work ends.
    pub(super) fn finish(&mut self, failed: bool) {
        match self.slow.take() {
            Some(Slow::Run(job)) => {
                let answer = Answer { text: format!("answer to {}", job.seq), sources: Vec::new(), failed };
                self.hear(Event::Ran { seq: job.seq, answer });
            }
            Some(Slow::Ask(seq, _)) if failed => self.answered(seq, Err(refused())),
            Some(Slow::Ask(seq, ask)) => {
                let told: usize = ask.request.exchanges.iter().map(|exchange| exchange.results.len()).sum();
                let wanted: Vec<&str> =
                    ask.request.question.lines().filter_map(|line| line.strip_prefix("tool: ")).collect();
                let answer = match wanted.get(told) {
                    Some(call) => calls(told, call),
                    None => says(&format!("answer to {seq}")),
                };
                self.answered(seq, Ok(answer));
            }
            Some(Slow::Use(seq, of)) => {
                let used = Used::Done(Output { text: format!("{} was used", of.call.name), sources: Vec::new() });
                self.hear(Event::StepEnded(seq, Box::new(StepEnd::Used { of: *of, used })));
            }
            None => {}
        }
    }

    /// A model has answered the step that is asked.
    pub(super) fn answered(&mut self, seq: i64, answered: Result<ModelAnswer, Failure>) {
        let step = self.state.as_ref().and_then(|state| state.talk.as_ref()).map_or(0, |run| step_of(&run.steps));
        self.hear(Event::StepEnded(seq, Box::new(StepEnd::Asked { step, passages: None, answered })));
    }

    /// A result that nobody waits for any more, within one run: those of an earlier one reach nobody.
    pub(super) fn late_result(&mut self, seq: i64) {
        let answer = Answer { text: "too late".into(), sources: Vec::new(), failed: false };
        if self.state.is_some() && self.slow.as_ref().is_none_or(|slow| slow.seq() != seq) {
            self.hear(Event::Ran { seq, answer });
            let end = StepEnd::Asked { step: 0, passages: None, answered: Ok(says("too late")) };
            self.hear(Event::StepEnded(seq, Box::new(end)));
        }
    }

    pub(super) fn deliver(&mut self, how: OutboxState) -> bool {
        let delivered = self.model.deliver(how, self.now);
        if delivered {
            self.wake();
        }
        delivered
    }

    /// Dates that have come are told; each leaves the store unless it was set anew.
    pub(super) fn fire(&mut self) {
        let now = self.now;
        let due: Vec<String> = self.model.timers.iter().filter(|(_, due)| **due <= now).map(|d| d.0.clone()).collect();
        for name in due {
            self.hear_of(Event::Due(name.clone()), Some(name));
        }
    }

    pub(super) fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.fire();
    }

    /// Goes on in peace until nothing is left to do.
    pub(super) fn drain(&mut self) {
        (self.fuse, self.disk.fails) = (None, false);
        for _ in 0..10_000 {
            self.wake();
            let worked = self.slow.is_some();
            self.finish(false);
            if !self.deliver(OutboxState::Sent) && !worked && self.model.is_settled() {
                break;
            }
        }
        for _ in 0..4 {
            let due = self.model.timers.get(LOGS).copied().unwrap_or(self.now);
            self.now = self.now.plus_ms(10_000).max(due);
            self.fire();
        }
    }

    /// What must be true whenever nothing is left to do.
    pub(super) fn assert_promises(&self) {
        for row in &self.model.inbox {
            assert!(row.outcome.is_some(), "no outcome: {row:#?}");
            let replies = self.model.replies_to(row.seq);
            assert!(replies.len() <= 1, "{} replies to {}", replies.len(), row.seq);
            if let Some(reply) = replies.first() {
                let outcome = match reply.state {
                    OutboxState::Sent => reply.outcome,
                    OutboxState::Failed => Some(Outcome::Failed),
                    _ => Some(Outcome::InDoubt),
                };
                assert_eq!(row.outcome, outcome, "the outcome is what became of the reply");
            }
        }
        assert_eq!(self.model.logged.len(), self.model.outbox.len(), "every reply's end is in the log");
        for (log, row) in &self.model.logs {
            let wanted: String = self.model.entries_of(log).iter().map(render::entry).collect();
            assert_eq!(self.disk.text(log), wanted, "{log} is what its entries say");
            assert_eq!((row.size, row.synced), (wanted.len() as u64, wanted.len() as u64), "{log} is synced");
            self.disk.assert_every_edit_was_set_aside(&self.model.entries_of(log));
        }
        assert!(self.state.as_ref().is_some_and(State::is_idle), "nothing is left to do");
    }

    pub(super) fn all_words(&self) -> String {
        let files: String = self.model.logs.keys().map(|log| self.disk.text(log)).collect();
        let tail = self.state.as_ref().map(|state| format!("{:?} {:?}", state.tail, state.queue)).unwrap_or_default();
        let rows: String = self.model.inbox.iter().map(|row| row.text.as_str()).collect();
        let replies: String = self.model.outbox.iter().map(|row| row.text.as_str()).collect();
        format!("{files}{tail}{rows}{replies}")
    }
}

/// The step that is asked: one that failed or is open is tried again.
fn step_of(steps: &[StepRow]) -> u32 {
    match steps.last() {
        Some(last) if matches!(last.status, StepStatus::Started | StepStatus::Failed) && last.what == What::Model => {
            last.seq
        }
        Some(last) => last.seq + 1,
        None => 0,
    }
}

pub(super) fn says(text: &str) -> ModelAnswer {
    ModelAnswer {
        text: text.into(),
        model: "m".into(),
        usage: Usage { input: 10, output: 5, ..Usage::default() },
        ..ModelAnswer::default()
    }
}

/// An answer that asks for one tool: `name {json}`.
pub(super) fn calls(n: usize, call: &str) -> ModelAnswer {
    let (name, arguments) = call.split_once(' ').unwrap();
    let call = ToolCall { id: format!("call-{n}"), name: name.into(), arguments: arguments.into() };
    ModelAnswer { calls: vec![call], ..says("") }
}

fn refused() -> Failure {
    Failure {
        class: Class::Refused,
        message: "It does not understand.".into(),
        advice: "Ask in other words.".into(),
        model: "m".into(),
        billed: Billed::Nothing,
        retry_at: None,
    }
}

fn facts() -> WorkFacts {
    let offer =
        Offer { name: "m".into(), provider: "m".into(), model: "m".into(), takes_tools: true, ..Offer::default() };
    let routes = [(Purpose::Chat, vec!["m".to_owned()])].into_iter().collect();
    WorkFacts {
        policy: Policy::built_in(),
        account: "ann".into(),
        offers: Arc::new(Offers { all: vec![offer], routes }),
        tools: Arc::new(tools()),
        limits: WorkLimits::default(),
    }
}

pub(super) fn tools() -> Vec<ToolSpec> {
    let spec = |name: &str, risk, repeat, tasks_only| ToolSpec {
        name: name.into(),
        what: "does something".into(),
        schema: "{}".into(),
        risk,
        repeat,
        tasks_only,
    };
    vec![
        spec("look", Risk::Low, Repeat::Free, false),
        spec("write", Risk::Medium, Repeat::Asks, false),
        spec("mail", Risk::Medium, Repeat::Never, false),
        spec("spawn_task", Risk::Low, Repeat::InCommit, false),
        spec("post", Risk::Low, Repeat::InCommit, true),
    ]
}

fn only_the_running_turn_is_stopped(running: Option<i64>, writes: &[Write]) {
    for write in writes {
        if let Write::OutboxPut { seq, outcome: Some(Outcome::Cancelled), .. } = write {
            assert_eq!(Some(*seq), running, "a stop ends only what runs");
        }
    }
}
