//! A workspace: its name, its contexts, what is wrong with its files; the slots of its tasks, and their record files.

pub(crate) mod core;
mod records;

use std::sync::Arc;

use fail::fail_point;
use messages::store::{Owner, Query, Rows};
use messages::workspace::{Msg, Reply};
use messages::{Address, Moment, Slug};
use runtime::{AskId, Cx, Decision, Entity, SlowKey, World};

use self::core::{Effect, Event, Look, State};
use crate::definition::WorkspaceDefinition;
use crate::{Layout, WorkFacts, context};

/// Contexts of one page.
const CONTEXTS_MAX: usize = 1_000;
/// Records are written beside the mailbox, one batch at a time.
const RECORDS: SlowKey = SlowKey(0);

/// What a workspace performs with.
pub struct WorkspaceDeps {
    layout: Layout,
}

impl WorkspaceDeps {
    /// With the files of `layout`.
    #[must_use]
    pub fn new(layout: Layout) -> Arc<Self> {
        Arc::new(Self { layout })
    }
}

/// The entity of addresses `ws/<workspace>/workspace`.
#[derive(Debug)]
pub struct Workspace;

impl Entity for Workspace {
    type Proto = messages::workspace::Workspace;
    type Deps = WorkspaceDeps;
    type Facts = WorkFacts;
    type State = State;
    type Event = Event;
    type Effect = Effect;

    const OWNER: Owner = Owner::Workspace;

    fn rows(address: &Address) -> Query {
        // All that it decides on it reads when it is woken; what it opens from is nothing, so the cheapest row is asked for.
        Query::Unit { unit: address.clone() }
    }

    fn open(address: &Address, _: Rows, _: Moment) -> Result<(State, Vec<Effect>), String> {
        let workspace = address.workspace_of().ok_or("its address names no workspace")?;
        Ok(State::open(workspace))
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
        Event::Recorded { written: Vec::new(), problem: Some(why.to_owned()) }
    }

    fn decide(state: &mut State, event: Event, cx: &Cx<'_, WorkFacts>) -> Decision<Self> {
        state.decide(event, cx)
    }

    async fn perform(effect: &Effect, world: &World<Self>) -> Option<Event> {
        let layout = &world.deps.layout;
        match effect {
            Effect::ReadQueue(query) => match world.system.store().query(query.clone()).await {
                Ok(Rows::Queue(rows)) => Some(Event::Queue(Box::new(rows))),
                // The sweep wakes it again.
                _ => None,
            },
            Effect::Wake(at) => {
                world.system.wake(at);
                None
            }
            Effect::Record(workspace) => {
                fail_point!("workspace.before_record");
                let (written, problem) = records::write(world, workspace).await;
                Some(Event::Recorded { written, problem })
            }
            Effect::Look(ask, workspace) => Some(Event::Looked(*ask, look(layout, workspace))),
            Effect::List { ask, workspace, after, limit } => {
                let limit = (*limit as usize).min(CONTEXTS_MAX);
                Some(Event::Listed(*ask, contexts(layout, workspace, after.as_ref(), limit)))
            }
            Effect::Alarm(id, text) => {
                world.system.alarm(id, text.clone());
                None
            }
        }
    }

    fn slow(effect: &Effect) -> Option<SlowKey> {
        matches!(effect, Effect::Record(_)).then_some(RECORDS)
    }

    fn is_idle(state: &State) -> bool {
        state.is_idle()
    }

    fn doing(state: &State) -> String {
        state.doing()
    }
}

fn look(layout: &Layout, workspace: &Slug) -> Look {
    let text = context::read_definition(&layout.workspace_file(workspace))?.ok_or("it is gone")?;
    WorkspaceDefinition::parse(&text).map_err(|e| e.to_string())
}

fn contexts(layout: &Layout, workspace: &Slug, after: Option<&Slug>, limit: usize) -> Reply {
    // A folder that can't be read is told by whoever opens a context in it.
    let all = layout.contexts(workspace).unwrap_or_else(|error| {
        tracing::warn!(%workspace, %error, "the contexts can't be listed");
        Vec::new()
    });
    let page = all.into_iter().filter(|slug| after.is_none_or(|after| slug > after));
    Reply::Contexts(page.take(limit).collect())
}
