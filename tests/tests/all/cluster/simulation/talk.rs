//! A context: settles what was said, one after the other, after some thought.

use std::sync::Arc;
use std::time::Duration;

use messages::store::{InboxRow, Owner, Query, Rows, Write};
use messages::turn::Outcome;
use messages::{Address, Moment, Protocol};
use runtime::{AskId, Cx, Decision, Entity, SlowKey, World};
use serde::{Deserialize, Serialize};

use super::outside::Outside;

/// Its words.
#[derive(Debug)]
pub(super) enum Words {}

/// A question: an answer of so many bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked(pub(super) usize);

impl Protocol for Words {
    const KIND: &'static str = "talk";
    type Msg = Asked;
    type Reply = Vec<u8>;
}

/// Each byte of an answer.
pub(super) const ANSWER: u8 = 7;

#[derive(Debug)]
pub(super) struct Talk;

#[derive(Debug)]
pub(super) struct State {
    rev: u64,
    thinks: bool,
}

#[derive(Debug)]
pub(super) enum Event {
    Woken,
    Found(Vec<InboxRow>),
    Thought(i64),
    Died,
    Asked(usize, AskId),
}

#[derive(Debug)]
pub(super) enum Effect {
    Look,
    Think(i64),
}

/// What it performs with.
pub(super) struct Deps {
    pub(super) outside: Arc<Outside>,
}

/// On which node it is.
pub(super) struct Facts {
    pub(super) node: &'static str,
}

impl Entity for Talk {
    type Proto = Words;
    type Deps = Deps;
    type Facts = Facts;
    type State = State;
    type Event = Event;
    type Effect = Effect;

    const OWNER: Owner = Owner::Context;

    fn rows(address: &Address) -> Query {
        Query::Context { context: address.clone(), tail: 1 }
    }

    fn open(_: &Address, rows: Rows, _: Moment) -> Result<(State, Vec<Effect>), String> {
        let Rows::Context(rows) = rows else { return Err("no rows of a context".into()) };
        let rev = rows.context.map_or(0, |row| row.rev);
        Ok((State { rev, thinks: false }, vec![Effect::Look]))
    }

    fn woken() -> Event {
        Event::Woken
    }

    fn due(_: &str) -> Event {
        Event::Woken
    }

    fn heard(Asked(bytes): Asked, ask: AskId) -> Event {
        Event::Asked(bytes, ask)
    }

    fn slow_died(_: SlowKey, _: &str) -> Event {
        Event::Died
    }

    fn decide(state: &mut State, event: Event, cx: &Cx<'_, Facts>) -> Decision<Self> {
        match event {
            Event::Woken | Event::Found(_) if state.thinks => Decision::none(),
            Event::Woken => Decision::then(Effect::Look),
            Event::Found(rows) => match rows.first() {
                Some(row) => {
                    state.thinks = true;
                    Decision::then(Effect::Think(row.seq))
                }
                None => Decision::none(),
            },
            Event::Died => {
                state.thinks = false;
                Decision::then(Effect::Look)
            }
            Event::Thought(seq) => {
                (state.thinks, state.rev) = (false, state.rev + 1);
                let definition = cx.facts.node.to_owned();
                let counted =
                    Write::ContextPut { context: cx.address.clone(), rev: state.rev, fresh_after: 0, definition };
                let settled = Write::InboxSettle { seq, outcome: Outcome::Noted, reason: String::new(), at: cx.now };
                Decision { writes: vec![counted, settled], then: vec![Effect::Look], ..Decision::none() }
            }
            Event::Asked(bytes, ask) => Decision::answer(ask, vec![ANSWER; bytes]),
        }
    }

    async fn perform(effect: &Effect, world: &World<Self>) -> Option<Event> {
        match effect {
            Effect::Look => {
                let query = Query::Work { context: world.address.clone(), limit: 4 };
                match world.system.store().query(query).await {
                    Ok(Rows::Work(rows)) => Some(Event::Found(rows.waiting)),
                    _ => None,
                }
            }
            Effect::Think(seq) => {
                let ms = world.deps.outside.within(1, 60);
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Some(Event::Thought(*seq))
            }
        }
    }

    fn slow(effect: &Effect) -> Option<SlowKey> {
        match effect {
            Effect::Think(seq) => Some(SlowKey(*seq)),
            Effect::Look => None,
        }
    }

    fn is_idle(state: &State) -> bool {
        !state.thinks
    }

    fn doing(_: &State) -> String {
        String::new()
    }
}
