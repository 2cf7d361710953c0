//! One workspace with its tasks at work on the tables: what the host of entities does, with every point at which a process
//! can end, and with wakes that get lost.

use std::collections::BTreeMap;

use messages::step::StepStatus;
use messages::store::{FileStamp, Rows};
use messages::task::{Msg, NewTask, Reply, TaskState, Wait};
use messages::{Address, Moment, Slug, TaskId};
use runtime::{AskId, Cx, Entity};

use super::super::{Effect, Event};
use super::actor::{Actor, Mail};
use super::promises;
use super::tables::{Refusal, Tables};
use super::world::World;
use crate::WorkFacts;
use crate::context::Loaded;
use crate::definition::{Definition, WorkspaceDefinition};
use crate::run::tests::ground::{self, NOON, slug};
use crate::task::Task;
use crate::workspace::Workspace;
use crate::workspace::core as keeper;

/// The process ended.
#[derive(Debug)]
pub(super) struct Crash;

/// Runs of an older process that still do something are kept, so many of them.
const GHOSTS_MAX: usize = 8;
/// How far the clock may be set back in all.
const BACK_MS_MAX: i64 = 90_000_000;

pub(super) struct Sim {
    pub(super) tables: Tables,
    pub(super) now: Moment,
    pub(super) facts: WorkFacts,
    pub(super) world: World,
    /// What the context's file says.
    pub(super) definition: String,
    pub(super) keeper: Option<Actor<Workspace>>,
    pub(super) tasks: BTreeMap<TaskId, Actor<Task>>,
    /// Actors of an older process that does not know that it has lost its workspace.
    ghosts: Vec<Actor<Task>>,
    /// So many points are left until the process ends.
    pub(super) fuse: Option<u32>,
    pub(super) loses_wakes: bool,
    chance: u64,
    asks: u64,
    retries: Vec<AskId>,
    pub(super) answers: Vec<Reply>,
    /// Questions that models were asked, by task and step.
    pub(super) asked: BTreeMap<(TaskId, u32), u32>,
    pub(super) reopened: u32,
    back_ms: i64,
}

impl Sim {
    pub(super) fn new(chance: u64) -> Self {
        Self {
            tables: Tables::new(),
            now: NOON,
            facts: ground::facts(),
            world: World::default(),
            definition: "---\ntools: ['*']\n---\nBe kind.\n".into(),
            keeper: None,
            tasks: BTreeMap::new(),
            ghosts: Vec::new(),
            fuse: None,
            loses_wakes: false,
            chance: chance | 1,
            asks: 0,
            retries: Vec::new(),
            answers: Vec::new(),
            asked: BTreeMap::new(),
            reopened: 0,
            back_ms: 0,
        }
    }

    /// A number below `n`: the same for the same case.
    pub(super) fn any(&mut self, n: usize) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        usize::try_from((self.chance >> 11) % u64::try_from(n.max(1)).unwrap()).unwrap()
    }

    /// A task is asked for in a chat, and the workspace is woken.
    pub(super) fn make(&mut self, task: &NewTask) -> TaskId {
        self.tables.made(task);
        self.wake(&Address::of_workspace(&slug("home")));
        task.id.clone()
    }

    // ---- wakes, dates and asks

    fn open_task(&mut self, id: &TaskId) -> &mut Actor<Task> {
        let (tables, now) = (&self.tables, self.now);
        self.tasks.entry(id.clone()).or_insert_with(|| {
            let at = Address::task(&slug("home"), id);
            let opened = Task::open(&at, Rows::Task(tables.rows(id).map(Box::new)), now).unwrap();
            Actor::new(at, tables.epoch, opened)
        })
    }

    fn open_keeper(&mut self) -> &mut Actor<Workspace> {
        let (epoch, now) = (self.tables.epoch, self.now);
        self.keeper.get_or_insert_with(|| {
            let at = Address::of_workspace(&slug("home"));
            let opened = Workspace::open(&at, Rows::Task(None), now).unwrap();
            Actor::new(at, epoch, opened)
        })
    }

    pub(super) fn wake(&mut self, at: &Address) {
        match kind(at) {
            Some(Which::Keeper) => self.open_keeper().wake(),
            Some(Which::Task(id)) => self.open_task(&id).wake(),
            None => {}
        }
    }

    /// What an actor tells another: it may get lost.
    fn tell(&mut self, at: &Address) {
        if !(self.loses_wakes && self.any(2) == 0) {
            self.wake(at);
        }
    }

    /// Once a second: whoever has something unfinished is woken.
    pub(super) fn sweep(&mut self) {
        for at in self.tables.unfinished() {
            self.wake(&at);
        }
    }

    pub(super) fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.fire();
    }

    /// The clock is set back: a day at most, in all.
    pub(super) fn set_back(&mut self, ms: i64) {
        let ms = ms.min(BACK_MS_MAX - self.back_ms);
        self.back_ms += ms;
        self.now = self.now.plus_ms(-ms);
    }

    /// Dates that have come are told.
    pub(super) fn fire(&mut self) {
        let now = self.now;
        let due: Vec<_> = self.tables.timers.iter().filter(|(_, due)| **due <= now).map(|(of, _)| of.clone()).collect();
        for (entity, name) in due {
            match kind(&entity) {
                Some(Which::Keeper) => push_date(self.open_keeper(), name),
                Some(Which::Task(id)) => push_date(self.open_task(&id), name),
                None => panic!("{entity} has a date"),
            }
        }
    }

    /// A person asks something of a task; what it answers comes when it has run.
    pub(super) fn ask(&mut self, id: &TaskId, msg: Msg) {
        self.asks += 1;
        let ask = AskId(self.asks);
        if matches!(msg, Msg::Retry(_)) {
            self.retries.push(ask);
        }
        self.open_task(id).mail.push_back(Mail::Ask(msg, ask));
    }

    // ---- one small step

    fn point(&mut self) -> Result<(), Crash> {
        match self.fuse.as_mut() {
            Some(0) => Err(Crash),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Some actor does the next thing it has to do. False: all are at rest.
    pub(super) fn step(&mut self) -> bool {
        let busy: Vec<TaskId> =
            self.tasks.iter().filter(|(_, actor)| !actor.is_at_rest()).map(|(id, _)| id.clone()).collect();
        let keeper = self.keeper.as_ref().is_some_and(|actor| !actor.is_at_rest());
        let count = busy.len() + usize::from(keeper);
        if count == 0 {
            return false;
        }
        let which = self.any(count);
        let done = match busy.get(which) {
            Some(id) => self.step_task(&id.clone()),
            None => self.step_keeper(),
        };
        if done.is_err() {
            self.crash(false);
        }
        true
    }

    /// Until someone is refused, and opens again.
    pub(super) fn step_until_reopened(&mut self) {
        let before = self.reopened;
        while self.reopened == before {
            assert!(self.step(), "nobody is refused");
        }
    }

    /// Until all are at rest.
    pub(super) fn run(&mut self) {
        for _ in 0..20_000 {
            if !self.step() {
                return;
            }
        }
        let busy: Vec<_> =
            self.tasks.values().filter(|actor| !actor.is_at_rest()).map(|actor| (&actor.state, &actor.todo)).collect();
        panic!("they never come to rest: {busy:?}");
    }

    fn step_task(&mut self, id: &TaskId) -> Result<(), Crash> {
        let Some(mut actor) = self.tasks.remove(id) else { return Ok(()) };
        if let Some((event, date)) = actor.heard.take() {
            if !self.decide_task(&mut actor, event, date)? {
                // Someone else was faster: it opens again from its rows.
                self.lose(&actor);
                self.reopened += 1;
                self.open_task(id);
                return Ok(());
            }
        } else if let Some(effect) = actor.todo.pop_front() {
            self.point()?;
            self.perform_task(&mut actor, effect);
        } else {
            actor.hear_next();
        }
        let is_over = Task::is_over(&actor.state) && actor.may_stop();
        if !is_over {
            self.tasks.insert(id.clone(), actor);
        }
        Ok(())
    }

    fn decide_task(&mut self, actor: &mut Actor<Task>, event: Event, date: Option<String>) -> Result<bool, Crash> {
        let (at, seed) = (actor.at.clone(), self.chance);
        let facts = self.facts.clone();
        let cx = Cx { now: self.now, seed, address: &at, facts: &facts };
        let decided = actor.decide(event, date, &cx);
        let waited = self.wait_of(actor);
        self.point()?;
        if !decided.writes.is_empty() {
            if self.commit(Actor::<Task>::owner(), actor.epoch, &decided.writes).is_err() {
                return Ok(false);
            }
            self.point()?;
        }
        for (ask, reply) in &decided.answers {
            if waited == Some(Wait::InDoubt) && self.retries.contains(ask) && matches!(reply, Reply::Done(_)) {
                *self.world.permits.entry(task_of(actor)).or_default() += 1;
            }
            self.answers.push(reply.clone());
        }
        if let Some(Effect::Use(of)) = actor.committed(decided)
            && self.any(2) == 0
        {
            self.world.act(&of);
        }
        Ok(true)
    }

    fn wait_of(&self, actor: &Actor<Task>) -> Option<Wait> {
        self.tables.find(&task_of(actor)).and_then(|task| task.wait)
    }

    fn commit(
        &mut self,
        by: messages::store::Owner,
        epoch: u64,
        writes: &[messages::store::Write],
    ) -> Result<(), Refusal> {
        self.tables.commit(by, epoch, writes)?;
        promises::assert_money(&self.tables, &self.facts.limits);
        Ok(())
    }

    fn perform_task(&mut self, actor: &mut Actor<Task>, effect: Effect) {
        let heard = match &effect {
            Effect::Look(_) => Some(Event::Looked(std::sync::Arc::new(super::super::people(self.loaded())))),
            Effect::Read => Some(Event::Read(self.tables.rows(&task_of(actor)).map(Box::new))),
            Effect::Wake(at) => {
                self.tell(at);
                None
            }
            Effect::Ask(ask) => {
                let id = task_of(actor);
                let step = self.tables.ledger.steps(id.as_str()).iter().find(|step| step.seq == ask.seq);
                assert!(step.is_none_or(|step| step.status != StepStatus::Done), "{id} asks again what was answered");
                *self.asked.entry((id, ask.seq)).or_default() += 1;
                None
            }
            Effect::Use(of) => {
                self.world.begin(of);
                None
            }
        };
        actor.heard = heard.map(|event| (event, None));
        if let Some(key) = Task::slow(&effect) {
            actor.begin(key, effect);
        }
    }

    pub(super) fn loaded(&self) -> Loaded {
        let workspace = "---\nname: Home\n---\n";
        let context = Definition::parse(&self.definition).map(|read| Some((self.definition.clone(), read)));
        let read = WorkspaceDefinition::parse(workspace).map(|read| Some((workspace.to_owned(), read)));
        let stamps = [FileStamp::default(); 3];
        let memory = Ok(crate::memory::file::MemoryText::default());
        let context = context.map_err(|e| e.to_string());
        Loaded { stamps, context, workspace: read.map_err(|e| e.to_string()), memory }
    }

    fn step_keeper(&mut self) -> Result<(), Crash> {
        let Some(mut actor) = self.keeper.take() else { return Ok(()) };
        if let Some((event, date)) = actor.heard.take() {
            let (at, facts) = (actor.at.clone(), self.facts.clone());
            let decided = actor.decide(event, date, &Cx { now: self.now, seed: 1, address: &at, facts: &facts });
            self.point()?;
            if !decided.writes.is_empty() {
                if self.commit(Actor::<Workspace>::owner(), actor.epoch, &decided.writes).is_err() {
                    self.reopened += 1;
                    self.open_keeper();
                    return Ok(());
                }
                self.point()?;
            }
            actor.committed(decided);
        } else if let Some(effect) = actor.todo.pop_front() {
            self.point()?;
            let heard = match &effect {
                keeper::Effect::ReadQueue(_) => Some(keeper::Event::Queue(Box::new(self.tables.queue(self.now)))),
                keeper::Effect::Wake(at) => {
                    self.tell(at);
                    None
                }
                _ => None,
            };
            actor.heard = heard.map(|event| (event, None));
            if let Some(key) = Workspace::slow(&effect) {
                actor.begin(key, effect);
            }
        } else {
            actor.hear_next();
        }
        self.keeper = Some(actor);
        Ok(())
    }

    // ---- ends of actors and of the process

    /// An actor ends in the middle: a tool that it had asked may or may not do its work.
    fn lose(&mut self, actor: &Actor<Task>) {
        if let Some(slow) = actor.slow.as_ref().filter(|slow| !slow.has_ended)
            && let Effect::Use(of) = &slow.effect
            && self.any(2) == 0
        {
            self.world.act(of);
        }
    }

    /// One actor panics, and is opened again when somebody wakes it.
    pub(super) fn crash_one(&mut self) {
        let at = self.any(self.tasks.len() + 1);
        let Some(id) = self.tasks.keys().nth(at).cloned() else {
            self.keeper = None;
            return;
        };
        if let Some(actor) = self.tasks.remove(&id) {
            self.lose(&actor);
        }
    }

    /// An actor that has nothing to do is stopped.
    pub(super) fn passivate(&mut self) {
        self.tasks.retain(|_, actor| !actor.may_stop());
        self.keeper.take_if(|actor| actor.may_stop());
    }

    /// The process ends, and the next one holds the workspace under a new epoch. With `lingers` the old one does not know
    /// it yet.
    pub(super) fn crash(&mut self, lingers: bool) {
        self.fuse = None;
        self.keeper = None;
        for actor in std::mem::take(&mut self.tasks).into_values() {
            self.lose(&actor);
            if lingers && self.ghosts.len() < GHOSTS_MAX {
                self.ghosts.push(actor);
            }
        }
        self.tables.epoch += 1;
    }

    /// What is left of an older process goes on: nothing that it decides is written, and it begins nothing.
    pub(super) fn haunt(&mut self) {
        let fuse = self.fuse.take();
        for mut actor in std::mem::take(&mut self.ghosts) {
            actor.wake();
            if actor.slow.as_ref().is_some_and(|slow| !slow.has_ended) {
                let event = Event::StepDied("it is not there any more".into());
                actor.end_slow(event);
            }
            for _ in 0..50 {
                if let Some((event, date)) = actor.heard.take() {
                    let before = format!("{:?}", self.tables.tasks);
                    if !self.decide_task(&mut actor, event, date).unwrap() {
                        assert_eq!(before, format!("{:?}", self.tables.tasks));
                        break;
                    }
                } else if let Some(effect) = actor.todo.pop_front() {
                    if Task::slow(&effect).is_some() {
                        break;
                    }
                    self.perform_task(&mut actor, effect);
                } else {
                    actor.hear_next();
                }
            }
        }
        self.fuse = fuse;
    }

    // ---- peace

    /// Goes on in peace: no more ends, no lost wakes, every model answers and every tool works. Stops when whatever is open
    /// waits for a person.
    pub(super) fn drain(&mut self) {
        (self.fuse, self.loses_wakes) = (None, false);
        self.ghosts.clear();
        for _ in 0..3_000 {
            self.sweep();
            self.run();
            if self.finish_all() {
                continue;
            }
            if !self.tables.tasks.iter().any(|task| self.moves_by_itself(&task.id))
                && self.tables.unrecorded().is_empty()
            {
                return;
            }
            self.now = self.next_moment();
            self.fire();
        }
        panic!("it never comes to rest:\n{}", self.brief());
    }

    /// A second later; where nothing but dates is waited for, the next of them.
    fn next_moment(&self) -> Moment {
        let second = self.now.plus_ms(1_000);
        if self.tables.tasks.iter().any(|task| task.state.holds_slot()) {
            return second;
        }
        let dates = self.tables.timers.values().filter(|due| **due > self.now).copied();
        let quiet = self.tables.unrecorded().into_iter().map(|(id, _)| self.tables.row(&id).moved_at.plus_ms(1_000));
        dates.chain(quiet.map(|at| at.max(second))).min().unwrap_or(second)
    }

    /// Nobody need say anything: time alone, or another actor, takes it on.
    fn moves_by_itself(&self, id: &TaskId) -> bool {
        let task = self.tables.row(id);
        match task.state {
            TaskState::Queued | TaskState::Running | TaskState::Cancelling => true,
            TaskState::Waiting => match task.wait {
                Some(Wait::Child) => self.tables.children(id).all(|child| child.state.is_terminal()),
                _ => task.not_before.is_some(),
            },
            TaskState::Blocked => {
                let ended = |id: &TaskId| self.tables.find(id).is_none_or(|task| task.state.is_terminal());
                task.spec.depends_on.iter().all(ended)
            }
            _ => false,
        }
    }
}

impl Sim {
    /// All tasks in a line each.
    pub(super) fn brief(&self) -> String {
        let line = |task: &std::rc::Rc<messages::store::TaskRow>| {
            let steps = self.tables.ledger.steps(task.id.as_str());
            let steps: Vec<_> = steps.iter().map(|step| format!("{}:{}", step.seq, step.status.as_str())).collect();
            let (id, state, parent) = (&task.id, task.state, &task.parent);
            format!(
                "{id} {state} {:?} below {parent:?} until {:?}: {} {steps:?}\n",
                task.wait, task.not_before, task.reason
            )
        };
        self.tables.tasks.iter().map(line).collect()
    }
}

enum Which {
    Keeper,
    Task(TaskId),
}

/// Whose address it is; `None`: nobody's that is played here.
fn kind(at: &Address) -> Option<Which> {
    let segments: Vec<&str> = at.segments().collect();
    match segments.as_slice() {
        ["ws", "home", "workspace"] => Some(Which::Keeper),
        ["ws", "home", "task", id] => Some(Which::Task(TaskId::from_row((*id).to_owned()))),
        _ => None,
    }
}

fn push_date<E: Entity>(actor: &mut Actor<E>, name: String) {
    let is_there = |mail: &Mail<E>| matches!(mail, Mail::Due(known) if *known == name);
    if !actor.mail.iter().any(is_there) {
        actor.mail.push_back(Mail::Due(name));
    }
}

fn task_of(actor: &Actor<Task>) -> TaskId {
    TaskId::from_row(actor.at.leaf().to_owned())
}

pub(super) fn home() -> Slug {
    slug("home")
}
