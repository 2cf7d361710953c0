//! A task: work in steps that survives anything.

mod core;
pub(crate) mod record;
pub(crate) mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fail::fail_point;
use messages::store::{FileStamp, Owner, Query, Rows};
use messages::task::Msg;
use messages::{Address, Moment, TaskId};
use runtime::{AskId, Cx, Decision, Entity, SlowKey, World};

pub(crate) use self::core::DEADLINE;
use self::core::{Effect, Event, State};
use crate::context::look;
use crate::{Layout, WorkFacts, asks};

/// The one slow effect of a task: its step.
const STEP: SlowKey = SlowKey(0);

/// Contexts whose files are remembered; beyond it all are read again.
const REMEMBERED_MAX: usize = 1_024;

/// What a task performs with.
pub struct TaskDeps {
    layout: Layout,
    /// What the files of contexts said, as long as they look the same: tasks come and go faster than files change.
    remembered: Mutex<HashMap<Address, Remembered>>,
}

/// What the files of a context said, and what they looked like.
#[derive(Debug, Clone)]
struct Remembered {
    stamps: [FileStamp; 3],
    people: Arc<policy::ContextFacts>,
}

impl TaskDeps {
    /// With the files of `layout`.
    #[must_use]
    pub fn new(layout: Layout) -> Arc<Self> {
        Arc::new(Self { layout, remembered: Mutex::default() })
    }

    /// The files of a context as policy reads them.
    fn look(&self, context: &Address) -> Option<Arc<policy::ContextFacts>> {
        let known = self.remembered().get(context).cloned();
        let Some(loaded) = look::look(&self.layout, context, known.as_ref().map(|known| known.stamps)) else {
            return known.map(|known| known.people);
        };
        let (stamps, people) = (loaded.stamps, Arc::new(core::people(loaded)));
        let mut remembered = self.remembered();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(context.clone(), Remembered { stamps, people: people.clone() });
        Some(people)
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<Address, Remembered>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entity of addresses `ws/<workspace>/task/<id>`.
#[derive(Debug)]
pub struct Task;

impl Entity for Task {
    type Proto = messages::task::Task;
    type Deps = TaskDeps;
    type Facts = WorkFacts;
    type State = State;
    type Event = Event;
    type Effect = Effect;

    const OWNER: Owner = Owner::Task;

    fn rows(address: &Address) -> Query {
        Query::Task { task: TaskId::from_row(address.leaf().to_owned()) }
    }

    fn open(_: &Address, rows: Rows, _: Moment) -> Result<(State, Vec<Effect>), String> {
        match rows {
            Rows::Task(rows) => Ok(State::open(rows.map(|rows| *rows))),
            _ => Err("the store answered with other rows than a task's".to_owned()),
        }
    }

    fn woken() -> Event {
        Event::Woken
    }

    fn due(_: &str) -> Event {
        Event::Due
    }

    fn heard(msg: Msg, ask: AskId) -> Event {
        Event::Heard(msg, ask)
    }

    fn slow_died(_: SlowKey, why: &str) -> Event {
        Event::StepDied(why.to_owned())
    }

    fn decide(state: &mut State, event: Event, cx: &Cx<'_, WorkFacts>) -> Decision<Self> {
        state.decide(event, cx)
    }

    async fn perform(effect: &Effect, world: &World<Self>) -> Option<Event> {
        match effect {
            Effect::Look(context) => world.deps.look(context).map(Event::Looked),
            Effect::Read => match world.system.store().query(Self::rows(&world.address)).await {
                Ok(Rows::Task(rows)) => Some(Event::Read(rows)),
                // The sweep wakes it again.
                _ => None,
            },
            Effect::Ask(ask) => {
                fail_point!("task.before_ask");
                let end = asks::model(&world.system, ask).await;
                fail_point!("task.after_ask");
                Some(Event::StepEnded(Box::new(end)))
            }
            Effect::Use(of) => {
                fail_point!("task.before_tool");
                let end = asks::tool(&world.system, of).await;
                fail_point!("task.after_tool");
                Some(Event::StepEnded(Box::new(end)))
            }
            Effect::Wake(at) => {
                world.system.wake(at);
                None
            }
        }
    }

    fn slow(effect: &Effect) -> Option<SlowKey> {
        matches!(effect, Effect::Ask(_) | Effect::Use(_)).then_some(STEP)
    }

    fn is_idle(state: &State) -> bool {
        state.is_idle()
    }

    fn is_over(state: &State) -> bool {
        state.is_over()
    }

    fn doing(state: &State) -> String {
        state.doing()
    }
}
