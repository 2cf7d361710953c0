//! The shell of retention: reads rows and the clock, writes archives, removes old copies.

use std::path::PathBuf;
use std::sync::Arc;

use messages::retention::{Msg, Reply};
use messages::store::{Owner, Person, Query, Rows};
use messages::{Address, Moment, Slug};
use runtime::{AskId, Cx, Decision, Entity, SlowKey, World};

use crate::core::{Effect, Event, RetentionFacts, State, before};
use crate::{archive, clean};

/// What retention performs with.
pub struct RetentionDeps {
    folder: PathBuf,
}

impl RetentionDeps {
    /// With the node's own folder: `<data>/agent-runtime`.
    #[must_use]
    pub fn new(folder: PathBuf) -> Arc<Self> {
        Arc::new(Self { folder })
    }
}

/// The entity at `retention`.
#[derive(Debug)]
pub struct Retention;

impl Entity for Retention {
    type Proto = messages::retention::Retention;
    type Deps = RetentionDeps;
    type Facts = RetentionFacts;
    type State = State;
    type Event = Event;
    type Effect = Effect;

    const OWNER: Owner = Owner::Retention;

    fn rows(_: &Address) -> Query {
        Query::Retention { events_before: None, audit_before: None }
    }

    fn open(_: &Address, rows: Rows, _: Moment) -> Result<(State, Vec<Effect>), String> {
        match rows {
            // All that is under way follows from the rows that the first look reads.
            Rows::Retention(_) => Ok((State::default(), vec![Effect::Look])),
            other => Err(format!("expected what is to be erased, got {other:?}")),
        }
    }

    fn woken() -> Event {
        Event::Woken
    }

    fn due(_: &str) -> Event {
        Event::Woken
    }

    fn heard(msg: Msg, ask: AskId) -> Event {
        Event::Heard(msg, ask)
    }

    fn slow_died(_: SlowKey, _: &str) -> Event {
        Event::Woken
    }

    fn decide(state: &mut State, event: Event, cx: &Cx<'_, RetentionFacts>) -> Decision<Self> {
        state.decide(event, cx)
    }

    async fn perform(effect: &Effect, world: &World<Self>) -> Option<Event> {
        let policy = world.facts.policy;
        let now = world.system.now();
        let (events_before, audit_before) = (before(policy.messages_days, now), before(policy.audit_days, now));
        match effect {
            Effect::Look => {
                let clock_alarm = world.system.alarms_by_id().iter().any(|(id, _)| id == "clock");
                match world.system.store().query(Query::Retention { events_before, audit_before }).await {
                    Ok(Rows::Retention(rows)) => Some(Event::Looked { rows, clock_alarm }),
                    // Its date, or the sweep, wakes it again.
                    _ => None,
                }
            }
            Effect::Archive(cut) => {
                let file = archive::write(&world.deps.folder, cut, world.system.store()).await;
                Some(Event::Archived { cut: cut.clone(), file })
            }
            Effect::Clean(None) => {
                if let Err(why) = clean::copies(&world.deps.folder, events_before) {
                    tracing::warn!(why, "an old copy of the store can't be removed");
                }
                None
            }
            Effect::Clean(Some(forget)) => {
                let done = clean::copies(&world.deps.folder, Some(Moment(i64::MAX)));
                let done = done.and_then(|()| clean::history(&world.deps.folder));
                Some(Event::Cleaned { forget: forget.clone(), done })
            }
            Effect::CountPast(ask) => {
                match world.system.store().query(Query::PastTime { events_before, audit_before }).await {
                    Ok(Rows::PastTime(events, audit)) => Some(Event::Past { ask: *ask, events, audit }),
                    other => Some(refused(*ask, other)),
                }
            }
            Effect::CountWords(ask, person, workspace, after) => {
                let query = Query::WordsOf { person: person.clone(), workspace: workspace.clone(), after: *after };
                Some(match world.system.store().query(query).await {
                    Ok(Rows::WordsOf(words, more)) => Event::Answer(*ask, Reply::Counted(words, more)),
                    other => refused(*ask, other),
                })
            }
            Effect::FindForget(ask, person, workspace) => Some(find(*ask, person, workspace.as_ref(), world).await),
            Effect::ReadForget(ask, id) => {
                Some(match world.system.store().query(Query::Forgetting { id: *id }).await {
                    Ok(Rows::Forgetting(row, behind)) => Event::Answer(*ask, Reply::Stands(row, behind)),
                    other => refused(*ask, other),
                })
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

async fn find(ask: AskId, person: &Person, workspace: Option<&Slug>, world: &World<Retention>) -> Event {
    match world.system.store().query(Retention::rows(&world.address)).await {
        Ok(Rows::Retention(rows)) => {
            let is_it =
                |row: &&messages::store::ForgetRow| row.person == *person && row.workspace.as_ref() == workspace;
            let found = rows.forgets.iter().find(is_it).map(|row| Reply::Begun(row.id));
            let busy = || Reply::Refused("too many people are being forgotten; wait until some are".to_owned());
            Event::Answer(ask, found.unwrap_or_else(busy))
        }
        other => refused(ask, other),
    }
}

fn refused(ask: AskId, answered: Result<Rows, messages::store::QueryError>) -> Event {
    let why = match answered {
        Err(error) => error.to_string(),
        Ok(_) => "the store answered with other rows than were asked for".to_owned(),
    };
    Event::Answer(ask, Reply::Refused(why))
}
