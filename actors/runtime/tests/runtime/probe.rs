//! An entity that does what its messages say: what it is to write, to do after the commit, to answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use messages::store::{Owner, Query, Rows, Write};
use messages::{Address, AskError, Moment, Protocol};
use runtime::{AskId, Cx, Decision, Entity, SlowKey, World};
use serde::{Deserialize, Serialize};

use crate::kit::{Door, Node, Trace, WAIT_MAX};

/// Its words.
#[derive(Debug)]
pub(crate) enum Words {}

impl Protocol for Words {
    const KIND: &'static str = "probe";
    type Msg = Plan;
    type Reply = String;
}

/// What it is to do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Written as an audit record of this action.
    pub(crate) writes: Vec<String>,
    /// A date to put, so many milliseconds from now.
    pub(crate) date: Option<(String, i64)>,
    pub(crate) then: Vec<Step>,
    pub(crate) abort: Vec<i64>,
    pub(crate) silent: bool,
    pub(crate) panics: bool,
}

/// An effect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Step {
    Fast(String, Option<Box<Plan>>),
    /// Waits at the door of its key, and then gives the event.
    Slow(i64, Box<Plan>),
    SlowPanic(i64),
    Read,
}

impl Plan {
    pub(crate) fn writing(what: &str) -> Self {
        Self { writes: vec![what.into()], ..Self::default() }
    }

    pub(crate) fn doing(then: Vec<Step>) -> Self {
        Self { then, ..Self::default() }
    }

    pub(crate) fn and(mut self, step: Step) -> Self {
        self.then.push(step);
        self
    }
}

pub(crate) fn fast(name: &str) -> Step {
    Step::Fast(name.into(), None)
}

pub(crate) fn fast_then(name: &str, plan: Plan) -> Step {
    Step::Fast(name.into(), Some(Box::new(plan)))
}

pub(crate) fn slow(key: i64, plan: Plan) -> Step {
    Step::Slow(key, Box::new(plan))
}

/// A probe of this name has ended for ever, as its rows say.
pub(crate) const ENDED: &str = "ended";

/// What it performs with.
pub(crate) struct Deps {
    trace: Trace,
    doors: Mutex<HashMap<i64, Arc<Door>>>,
}

impl Deps {
    pub(crate) fn new(trace: Trace) -> Arc<Self> {
        Arc::new(Self { trace, doors: Mutex::default() })
    }

    /// The door at which the slow effects of a key wait.
    pub(crate) fn door(&self, key: i64) -> Arc<Door> {
        self.doors.lock().unwrap().entry(key).or_insert_with(Door::shut_one).clone()
    }
}

/// What it knows: that slow work runs.
#[derive(Debug, Default)]
pub(crate) struct State {
    slow: usize,
    is_over: bool,
}

#[derive(Debug)]
pub(crate) enum Event {
    Heard(Plan, Option<AskId>),
    Ended(Plan),
    Woken,
    Due(String),
    Died(SlowKey),
}

/// The entity.
#[derive(Debug)]
pub(crate) struct Probe;

/// Says in the trace that its future was dropped before its end.
struct Dropped(Trace, i64, bool);

impl Drop for Dropped {
    fn drop(&mut self) {
        if !self.2 {
            self.0.push(format!("dropped {}", self.1));
        }
    }
}

impl Entity for Probe {
    type Proto = Words;
    type Deps = Deps;
    type Facts = ();
    type State = State;
    type Event = Event;
    type Effect = Step;

    const OWNER: Owner = Owner::Context;

    fn rows(address: &Address) -> Query {
        Query::Unit { unit: address.clone() }
    }

    fn open(address: &Address, _: Rows, _: Moment) -> Result<(State, Vec<Step>), String> {
        Ok((State { is_over: address.leaf() == ENDED, ..State::default() }, vec![fast("opened")]))
    }

    fn woken() -> Event {
        Event::Woken
    }

    fn due(name: &str) -> Event {
        Event::Due(name.to_owned())
    }

    fn heard(msg: Plan, ask: AskId) -> Event {
        Event::Heard(msg, Some(ask))
    }

    fn slow_died(key: SlowKey, _: &str) -> Event {
        Event::Died(key)
    }

    fn decide(state: &mut State, event: Event, cx: &Cx<'_, ()>) -> Decision<Self> {
        let (plan, ask) = match event {
            Event::Heard(plan, ask) => (plan, ask),
            Event::Ended(plan) => {
                state.slow = state.slow.saturating_sub(1);
                (plan, None)
            }
            Event::Woken => (Plan::doing(vec![Step::Read]), None),
            Event::Due(name) => (Plan::writing(&format!("due {name}")), None),
            Event::Died(key) => {
                state.slow = state.slow.saturating_sub(1);
                (Plan::writing(&format!("died {}", key.0)), None)
            }
        };
        assert!(!plan.panics, "it was told to");
        let audit = |action: &String| Write::Audit {
            at: cx.now,
            actor: cx.address.clone(),
            principal: String::new(),
            action: action.clone(),
            subject: String::new(),
            rules: Vec::new(),
            detail: String::new(),
        };
        let mut decision = Decision { writes: plan.writes.iter().map(audit).collect(), ..Decision::none() };
        if let Some((name, in_ms)) = plan.date {
            let (entity, due) = (cx.address.clone(), cx.now.plus_ms(in_ms));
            decision.writes.push(Write::TimerPut { entity, name, due });
        }
        state.slow += plan.then.iter().filter(|step| matches!(step, Step::Slow(..) | Step::SlowPanic(_))).count();
        state.slow = state.slow.saturating_sub(plan.abort.len());
        decision.then = plan.then;
        decision.abort = plan.abort.into_iter().map(SlowKey).collect();
        decision.answers = ask.filter(|_| !plan.silent).map(|ask| (ask, "done".to_owned())).into_iter().collect();
        decision
    }

    async fn perform(effect: &Step, world: &World<Self>) -> Option<Event> {
        let trace = &world.deps.trace;
        match effect {
            Step::Fast(name, plan) => {
                trace.push(format!("perform {name}"));
                plan.as_ref().map(|plan| Event::Heard((**plan).clone(), None))
            }
            Step::Slow(key, plan) => {
                trace.push(format!("slow {key}"));
                let mut dropped = Dropped(trace.clone(), *key, false);
                world.deps.door(*key).go().await;
                dropped.2 = true;
                trace.push(format!("slow {key} ended"));
                Some(Event::Ended((**plan).clone()))
            }
            Step::SlowPanic(key) => {
                world.deps.door(*key).go().await;
                panic!("slow work was told to")
            }
            Step::Read => {
                let query = Query::Work { context: world.address.clone(), limit: 1 };
                drop(world.system.store().query(query).await);
                None
            }
        }
    }

    fn slow(effect: &Step) -> Option<SlowKey> {
        match effect {
            Step::Slow(key, _) | Step::SlowPanic(key) => Some(SlowKey(*key)),
            Step::Fast(..) | Step::Read => None,
        }
    }

    fn is_idle(state: &State) -> bool {
        state.slow == 0
    }

    fn is_over(state: &State) -> bool {
        state.is_over
    }

    fn doing(state: &State) -> String {
        format!("{} slow", state.slow)
    }
}

impl Node {
    /// Asks a probe, with all the time there is.
    pub(crate) async fn ask(&self, address: &Address, plan: Plan) -> Result<String, AskError> {
        self.ask_within(address, plan, WAIT_MAX).await
    }

    pub(crate) async fn ask_within(
        &self,
        address: &Address,
        plan: Plan,
        deadline: Duration,
    ) -> Result<String, AskError> {
        self.system.to::<Words>(address).ask(plan, deadline).await
    }

    /// Asks beside what the test does next.
    pub(crate) fn start_ask(&self, address: &Address, plan: Plan) -> tokio::task::JoinHandle<Result<String, AskError>> {
        let asked = self.system.to::<Words>(address);
        tokio::spawn(async move { asked.ask(plan, WAIT_MAX).await })
    }
}
