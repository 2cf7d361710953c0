//! A task: work in steps that survives anything.

mod core;
pub(crate) mod record;
pub(crate) mod view;

use std::sync::Arc;

use fail::fail_point;
use messages::store::{Owner, Query, Rows};
use messages::task::Msg;
use messages::{Address, Moment, TaskId};
use runtime::{AskId, Cx, Decision, Entity, SlowKey, World};

pub(crate) use self::core::DEADLINE;
use self::core::{Effect, Event, State};
use crate::context::look;
use crate::{Layout, WorkFacts, asks};

/// The one slow effect of a task: its step.
const STEP: SlowKey = SlowKey(0);

/// What a task performs with.
pub struct TaskDeps {
    layout: Layout,
}

impl TaskDeps {
    /// With the files of `layout`.
    #[must_use]
    pub fn new(layout: Layout) -> Arc<Self> {
        Arc::new(Self { layout })
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
            Effect::Look(context) => {
                let loaded = look::look(&world.deps.layout, context, None);
                loaded.map(|loaded| Event::Looked(Box::new(loaded)))
            }
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
