//! What a context keeps of its conversation: `memory.md`, of which this actor is the only writer among actors.
//!
//! ```text
//!   context ──wake──► what is not in memory passes its limit ──► a part of the log is fixed (row) ──► one model call (journal)
//!      ──► the answer is read strictly ──► memory.md, entry by entry ──► the row: up to here it is in memory
//!
//!   a message is erased (row) ──► entries that cite it are taken out; a compaction under way is given up
//! ```

mod answer;
mod core;

pub(crate) mod file;
mod gather;
mod part;
pub(crate) mod view;

pub(crate) use self::core::readers;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use fail::fail_point;
use markdown::memory::{Edited, edit, parse};
use messages::memory::Msg;
use messages::store::{Owner, Query, Rows};
use messages::{Address, InboundId, Moment, Slug};
use runtime::{AskId, Cx, Decision, Entity, SlowKey, World};

use self::answer::Changes;
use self::core::{Effect, Event, Forgot, State};
use crate::context::look;
use crate::{Layout, WorkFacts, asks};

/// The one slow effect of a memory: its question.
const ASK: SlowKey = SlowKey(0);
/// Events that are asked about in one query.
const IDS_MAX: usize = 256;

/// What a memory performs with.
pub struct MemoryDeps {
    layout: Layout,
}

impl MemoryDeps {
    /// With the files of `layout`.
    #[must_use]
    pub fn new(layout: Layout) -> Arc<Self> {
        Arc::new(Self { layout })
    }
}

/// The entity of addresses `ws/<workspace>/memory/<slug>`.
#[derive(Debug)]
pub struct Memory;

impl Entity for Memory {
    type Proto = messages::memory::Memory;
    type Deps = MemoryDeps;
    type Facts = WorkFacts;
    type State = State;
    type Event = Event;
    type Effect = Effect;

    const OWNER: Owner = Owner::Memory;

    fn rows(address: &Address) -> Query {
        // One that is no memory's has no rows, and is refused when it opens.
        let context = names(address).map(|(workspace, slug)| Address::context(&workspace, &slug));
        Query::Memory { context: context.unwrap_or_else(|| address.clone()) }
    }

    fn open(address: &Address, rows: Rows, _: Moment) -> Result<(State, Vec<Effect>), String> {
        let names = names(address).ok_or("its address names no context")?;
        match rows {
            Rows::Memory(rows) => Ok(State::open(names, *rows)),
            _ => Err("the store answered with other rows than a memory's".to_owned()),
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
            Effect::Look { context, seen } => {
                look::look(&world.deps.layout, context, *seen).map(|loaded| Event::Looked(Box::new(loaded)))
            }
            Effect::Read => match world.system.store().query(Self::rows(&world.address)).await {
                Ok(Rows::Memory(rows)) => Some(Event::Read(rows)),
                // The sweep wakes it again where something is under way, the next turn otherwise.
                _ => None,
            },
            Effect::Gather(wanted) => Some(Event::Gathered(gather::gather(wanted, world).await.map(Box::new))),
            Effect::Ask(ask) => {
                fail_point!("memory.before_ask");
                let end = asks::model(&world.system, ask).await;
                fail_point!("memory.after_ask");
                Some(Event::StepEnded(Box::new(end)))
            }
            Effect::Apply(changes) => {
                fail_point!("memory.before_write");
                let applied = apply(changes.clone(), world).await;
                fail_point!("memory.written");
                Some(Event::Applied(applied))
            }
            Effect::Sweep { erasures } => {
                fail_point!("memory.before_sweep");
                let removed = sweep(world).await;
                fail_point!("memory.swept");
                Some(Event::Swept { erasures: *erasures, removed })
            }
            Effect::Forget { ask, entry, by } => {
                let forgot = forget(entry.clone(), world).await;
                Some(Event::Forgot { ask: *ask, by: by.clone(), forgot })
            }
            Effect::Alarm(told) => {
                world.system.alarm(&format!("memory:{}", world.address), told.clone());
                None
            }
        }
    }

    fn slow(effect: &Effect) -> Option<SlowKey> {
        matches!(effect, Effect::Ask(_)).then_some(ASK)
    }

    fn is_idle(state: &State) -> bool {
        state.is_idle()
    }

    fn doing(state: &State) -> String {
        state.doing()
    }
}

/// The workspace and the context of a memory's address.
fn names(address: &Address) -> Option<(Slug, Slug)> {
    Some((address.workspace_of()?, Slug::parse(address.leaf()).ok()?))
}

/// The folder that holds the file.
fn folder(world: &World<Memory>) -> Result<PathBuf, String> {
    let workspace = world.address.workspace_of().ok_or("its address names no workspace")?;
    Ok(world.deps.layout.context_folder(&workspace, world.address.leaf()))
}

/// Changes the file beside the runtime's threads.
async fn change<T: Send + 'static>(
    world: &World<Memory>,
    with: impl FnMut(&str) -> (String, T) + Send + 'static,
) -> Result<T, String> {
    let (folder, world) = (folder(world)?, world.clone());
    let changed = tokio::task::spawn_blocking(move || {
        world.may_act()?;
        file::change(&folder, with)
    });
    changed.await.map_err(|e| e.to_string())?
}

async fn apply(changes: Changes, world: &World<Memory>) -> Result<Edited, String> {
    change(world, move |text| {
        let edited = changes.on(text);
        (edited.text.clone(), edited)
    })
    .await
}

/// Takes out all entries that cite an event whose words were erased; tells how many.
async fn sweep(world: &World<Memory>) -> Result<usize, String> {
    let cited: BTreeSet<String> =
        change(world, |text| (text.to_owned(), parse(text).entries.into_iter().flat_map(|e| e.of).collect())).await?;
    let cited: Vec<InboundId> = cited.into_iter().map(InboundId::from_row).collect();
    let erased = gather::erased(&cited, world).await?;
    let erased: BTreeSet<String> = erased.iter().map(ToString::to_string).collect();
    let removed = change(world, move |text| {
        let edited = edit(text, |entry| entry.of.iter().any(|id| erased.contains(id)), &[]);
        (edited.text, edited.removed)
    });
    let removed = removed.await?;
    // Also when nothing was removed now: an end of the process may have come between.
    out_of_index(world).await?;
    Ok(removed)
}

/// What the index has of the file goes now, and not when it is searched next.
async fn out_of_index(world: &World<Memory>) -> Result<(), String> {
    let (workspace, context) = names(&world.address).ok_or("its address names no context")?;
    asks::forget(&world.system, &workspace, &format!("contexts/{context}/memory.md"), None).await
}

async fn forget(begin: String, world: &World<Memory>) -> Result<Forgot, String> {
    let forgot = change(world, move |text| {
        let found: BTreeSet<(String, String)> =
            parse(text).entries.into_iter().filter(|e| e.id.starts_with(&begin)).map(|e| (e.id, e.text)).collect();
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (None, _) => (text.to_owned(), Forgot::Unknown(begin.clone())),
            (Some(_), Some(_)) => (text.to_owned(), Forgot::Ambiguous(begin.clone())),
            (Some((id, words)), None) => (edit(text, |entry| entry.id == id, &[]).text, Forgot::Entry { id, words }),
        }
    });
    let forgot = forgot.await?;
    if let Err(why) = out_of_index(world).await {
        tracing::warn!(memory = %world.address, why, "the index follows when it is searched next");
    }
    Ok(forgot)
}
