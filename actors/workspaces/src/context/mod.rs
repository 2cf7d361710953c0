//! A context: one conversation with its prompt, its log and its limits.

mod compare;
mod core;
mod job;
mod kept;
mod log_file;
pub(crate) mod look;
mod memory;
mod mend;
mod reads;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use fail::fail_point;
use messages::context::Msg;
use messages::store::{Owner, Query, Rows};
use messages::workspace::{Msg as WorkspaceMsg, Workspace};
use messages::{Address, Moment, Slug};
use runtime::{AskId, Cx, Decision, Entity, SlowKey, World};

pub(crate) use self::core::Loaded;
use self::core::{Answer, Effect, Event, State};
use self::log_file::LogFiles;
pub(crate) use self::look::read as read_definition;
use crate::{Layout, WorkFacts, asks};

/// Log entries that a context reads when it opens.
const TAIL_ENTRIES: u32 = 40;
/// How long a workspace may take to note a broken file.
const TELL_MAX: Duration = Duration::from_secs(2);

/// What a context performs with.
pub struct ContextDeps {
    layout: Layout,
    logs: LogFiles,
}

impl ContextDeps {
    /// With the files of `layout`.
    #[must_use]
    pub fn new(layout: Layout) -> Arc<Self> {
        Arc::new(Self { logs: LogFiles::new(layout.workspaces()), layout })
    }
}

/// The entity of addresses `ws/<workspace>/context/<slug>`.
#[derive(Debug)]
pub struct Context;

impl Entity for Context {
    type Proto = messages::context::Context;
    type Deps = ContextDeps;
    type Facts = WorkFacts;
    type State = State;
    type Event = Event;
    type Effect = Effect;

    const OWNER: Owner = Owner::Context;

    fn rows(address: &Address) -> Query {
        Query::Context { context: address.clone(), tail: TAIL_ENTRIES }
    }

    fn open(address: &Address, rows: Rows, _: Moment) -> Result<(State, Vec<Effect>), String> {
        let workspace = address.workspace_of().ok_or("its address names no workspace")?;
        let slug = Slug::parse(address.leaf()).map_err(|e| e.to_string())?;
        match rows {
            Rows::Context(rows) => Ok(State::open((workspace, slug), *rows)),
            _ => Err("the store answered with other rows than a context's".to_owned()),
        }
    }

    fn woken() -> Event {
        Event::Woken
    }

    fn due(name: &str) -> Event {
        Event::Due(name.to_owned())
    }

    fn heard(msg: Msg, ask: AskId) -> Event {
        match msg {
            Msg::Describe => Event::Describe(ask),
        }
    }

    fn slow_died(key: SlowKey, why: &str) -> Event {
        let text = format!("This failed inside the runtime ({why}). It was not done; say it again, or look at `/why`.");
        Event::Ran { seq: key.0, answer: Answer { text, sources: Vec::new(), failed: true } }
    }

    fn decide(state: &mut State, event: Event, cx: &Cx<'_, WorkFacts>) -> Decision<Self> {
        state.decide(event, cx)
    }

    async fn perform(effect: &Effect, world: &World<Self>) -> Option<Event> {
        let deps = &world.deps;
        match effect {
            Effect::Look { seen } => {
                look::look(&deps.layout, &world.address, *seen).map(|loaded| Event::Loaded(Box::new(loaded)))
            }
            Effect::ReadWork { limit } => {
                let work = Query::Work { context: world.address.clone(), limit: *limit };
                match world.system.store().query(work).await {
                    Ok(Rows::Work(rows)) => Some(Event::Work(Box::new(rows))),
                    // The sweep wakes it again.
                    _ => None,
                }
            }
            Effect::ReadMemory => {
                match world.system.store().query(Query::Memory { context: world.address.clone() }).await {
                    Ok(Rows::Memory(rows)) => Some(Event::Memory(rows)),
                    // The next turn looks again.
                    _ => None,
                }
            }
            Effect::ThenDescribe(ask) => Some(Event::DescribedAfterLook(*ask)),
            Effect::Run(job) => {
                fail_point!("context.before_run");
                let answer = job::run(job, world).await;
                fail_point!("context.after_run");
                Some(Event::Ran { seq: job.seq, answer })
            }
            Effect::Resume => Some(Event::Resume),
            Effect::Ask(seq, ask) => {
                fail_point!("context.before_ask");
                let end = asks::model(&world.system, ask).await;
                fail_point!("context.after_ask");
                Some(Event::StepEnded(*seq, Box::new(end)))
            }
            Effect::Use(seq, of) => {
                fail_point!("context.before_tool");
                let end = asks::tool(&world.system, of).await;
                fail_point!("context.after_tool");
                Some(Event::StepEnded(*seq, Box::new(end)))
            }
            Effect::Wake(at) => {
                world.system.wake(at);
                None
            }
            Effect::CloseFeed(trace) => {
                world.system.feed().close(trace);
                None
            }
            Effect::TellBroken(problem) => {
                tell_broken(world, problem.clone()).await;
                None
            }
            Effect::WriteLog { .. }
            | Effect::RecoverLog(_)
            | Effect::MendLog(_)
            | Effect::ProveLog { .. }
            | Effect::SyncLog(_)
            | Effect::Erase { .. } => mend::perform(effect, world).await,
        }
    }

    fn slow(effect: &Effect) -> Option<SlowKey> {
        match effect {
            Effect::Run(job) => Some(State::key(job.seq)),
            Effect::Ask(seq, _) | Effect::Use(seq, _) => Some(State::key(*seq)),
            _ => None,
        }
    }

    fn is_idle(state: &State) -> bool {
        state.is_idle()
    }

    fn doing(state: &State) -> String {
        state.doing()
    }
}

async fn tell_broken(world: &World<Context>, problem: Option<String>) {
    if let Some(problem) = &problem {
        tracing::warn!(context = %world.address, problem, "broken file; the last good version stays in force");
    }
    let Some(workspace) = world.address.workspace_of() else { return };
    let path = format!("contexts/{}/context.md", world.address.leaf());
    let at = Address::workspace(&workspace).child("workspace");
    let told = world.system.to::<Workspace>(&at).ask(WorkspaceMsg::Broken { path, problem }, TELL_MAX).await;
    if let Err(error) = told {
        tracing::debug!(context = %world.address, %error, "its workspace could not be told");
    }
}
