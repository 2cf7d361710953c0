//! The shell of a lane: reads its rows, sends by its connector's sink.

use std::sync::Arc;

use fail::fail_point;
use messages::lane::Msg;
use messages::store::{Owner, Query, Rows};
use messages::turn::Chat;
use messages::{Address, Moment};
use runtime::{AskId, Cx, Decision, Entity, SlowKey, World};

use crate::core::{Effect, Event, LaneFacts, State};
use crate::port::{MaySend, Sink};

/// What a lane performs with.
pub struct LaneDeps {
    /// The way out.
    pub sink: Arc<dyn Sink>,
}

/// The entity of addresses `connector/<connector>/chat/<chat>`.
#[derive(Debug)]
pub struct Lane;

/// The lane's chat. Only lanes' addresses are registered for this entity; any other has a chat without replies.
fn chat_of(address: &Address) -> Chat {
    address.chat_of_lane().unwrap_or_else(|| Chat { connector: String::new(), chat: String::new() })
}

impl Entity for Lane {
    type Proto = messages::lane::Lane;
    type Deps = LaneDeps;
    type Facts = LaneFacts;
    type State = State;
    type Event = Event;
    type Effect = Effect;

    const OWNER: Owner = Owner::Connector;

    fn rows(address: &Address) -> Query {
        Query::Lane { chat: chat_of(address) }
    }

    fn open(_: &Address, rows: Rows, _: Moment) -> Result<(State, Vec<Effect>), String> {
        match rows {
            Rows::Outbox(rows) => Ok(State::open(rows)),
            other => Err(format!("expected outbox rows, got {other:?}")),
        }
    }

    fn woken() -> Event {
        Event::Woken
    }

    fn due(_: &str) -> Event {
        Event::Woken
    }

    fn heard(msg: Msg, ask: AskId) -> Event {
        match msg {
            Msg::Describe => Event::Describe(ask),
        }
    }

    fn slow_died(_: SlowKey, _: &str) -> Event {
        Event::Woken
    }

    fn decide(state: &mut State, event: Event, cx: &Cx<'_, LaneFacts>) -> Decision<Self> {
        state.decide(event, cx)
    }

    async fn perform(effect: &Effect, world: &World<Self>) -> Option<Event> {
        match effect {
            Effect::Read => {
                let chat = chat_of(&world.address);
                let ready = world.deps.sink.is_ready(&chat);
                match world.system.store().query(Query::Lane { chat }).await {
                    Ok(Rows::Outbox(rows)) => Some(Event::Read { rows, ready }),
                    // The sweep wakes it again.
                    _ => None,
                }
            }
            Effect::Find(row) => {
                let found = world.deps.sink.find((**row).clone()).await;
                Some(Event::Found { row: row.clone(), found })
            }
            Effect::Send(row) => {
                fail_point!("lane.before_send");
                let of = world.clone();
                let may_send = MaySend::by(move || of.may_act().is_ok());
                let sending = world.deps.sink.send((**row).clone(), may_send).await;
                tracing::debug!(actor = %world.address, trace = %row.trace, inbound = %row.inbound, reply = row.id, ?sending, "sent");
                fail_point!("lane.after_send");
                Some(Event::Ended { row: row.clone(), sending })
            }
            Effect::Tell(context) => {
                // Not at once: under load the context's next commit settles it, too.
                world.system.wake_soon(context);
                None
            }
        }
    }

    fn slow(_: &Effect) -> Option<SlowKey> {
        None
    }

    fn is_idle(state: &State) -> bool {
        state.is_idle()
    }

    fn doing(state: &State) -> String {
        state.doing()
    }
}
