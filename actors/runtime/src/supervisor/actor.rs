//! The shell of a supervisor: opens and closes actors as its core says.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

use messages::Address;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::closing::Closing;
use super::core::{Action, Core, How};
use super::spec::{Child, Children, SUPERVISOR, Start};
use crate::directory::Handles;
use crate::gauge::{Standing, now};
use crate::mail::Envelope;
use crate::system::System;

/// How long a child may take to stop when a sibling's failure closes it, or its supervisor stops.
const CLOSE_MAX: Duration = Duration::from_secs(10);
/// The reason by which a child says that it wants to be opened from its rows again.
pub(crate) const REOPEN: &str = "reopen: ";

/// What a supervisor is told.
pub(crate) enum Order {
    /// Take on one more child and open it.
    Open(Box<Child>, oneshot::Sender<Result<(), String>>),
    /// The wait before a restart is over; the number says which wait.
    Due(Address, u64),
    /// A person lets a stopped child be opened again.
    Allow(Address, oneshot::Sender<Result<(), String>>),
    /// End a child, and forget it until it is taken on again.
    Close(Address, oneshot::Sender<()>),
}

impl Order {
    /// Whom it is about.
    fn child(&self) -> &Address {
        match self {
            Self::Open(child, _) => &child.address,
            Self::Due(address, _) | Self::Allow(address, _) | Self::Close(address, _) => address,
        }
    }
}

pub(super) struct Supervisor {
    system: System,
    address: Address,
    started: Instant,
    is_root: bool,
}

pub(super) struct State {
    pub(super) core: Core,
    specs: HashMap<Address, Child>,
    alive: HashMap<ActorId, Address>,
    pub(super) closing: HashMap<Address, Closing>,
    /// Children that wait to be opened again, and for which of their waits: a later one takes its place.
    waiting: HashMap<Address, u64>,
    waits: u64,
}

/// Spawns the root of the tree; when it gives up the system has ended.
pub(crate) async fn spawn_root(
    system: System,
    address: Address,
    children: Children,
) -> Result<ActorRef<Envelope<Order>>, String> {
    system.directory().announce(&address, SUPERVISOR, None);
    let root = Supervisor { system: system.clone(), address: address.clone(), started: now(), is_root: true };
    let (order, _) = Actor::spawn(None, root, children).await.map_err(|e| e.to_string())?;
    let handles = Handles { cell: order.get_cell(), post: None, supervisor: Some(order.clone()) };
    system.directory().opened(&address, handles);
    Ok(order)
}

/// Spawns a supervisor below another.
pub(crate) async fn spawn_child(
    system: System,
    address: Address,
    children: Children,
    above: ActorCell,
) -> Result<Handles, String> {
    let supervisor = Supervisor { system, address, started: now(), is_root: false };
    let (order, _) = Actor::spawn_linked(None, supervisor, children, above).await.map_err(|e| e.to_string())?;
    Ok(Handles { cell: order.get_cell(), post: None, supervisor: Some(order) })
}

impl Actor for Supervisor {
    type Msg = Envelope<Order>;
    type State = State;
    type Arguments = Children;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, children: Children) -> Result<State, ActorProcessingErr> {
        let core = Core::new(children.strategy, children.intensity);
        let mut state = State {
            core,
            specs: HashMap::new(),
            alive: HashMap::new(),
            closing: HashMap::new(),
            waiting: HashMap::new(),
            waits: 0,
        };
        for child in children.list {
            self.add(&myself, &mut state, child).await?;
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        self.follow(&myself, state, message.mail).await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let (cell, how) = match event {
            SupervisionEvent::ActorTerminated(cell, _, reason) => (cell, how_it_ended(reason)),
            SupervisionEvent::ActorFailed(cell, error) => (cell, How::Failed(error.to_string())),
            _ => return Ok(()),
        };
        let Some(address) = state.alive.get(&cell.get_id()).cloned() else {
            return Ok(());
        };
        if self.system.is_stopping() {
            state.alive.remove(&cell.get_id());
            self.system.directory().closed(&address, cell.get_id());
            return Ok(());
        }
        if state.closing.contains_key(&address) {
            self.ended(state, &address, cell.get_id(), How::Normal);
            return self.closed(&myself, state, &address).await;
        }
        self.note(&address, &how);
        let actions = self.ended(state, &address, cell.get_id(), how);
        self.act(&myself, state, actions).await
    }

    async fn post_stop(&self, _: ActorRef<Self::Msg>, state: &mut State) -> Result<(), ActorProcessingErr> {
        self.end_children(state).await;
        if self.is_root {
            self.system.has_ended("stopped".into());
        }
        Ok(())
    }
}

/// Stops an actor; one that does not stop in time is killed.
async fn end(cell: ActorCell) {
    if cell.stop_and_wait(None, Some(CLOSE_MAX)).await.is_err() {
        drop(cell.kill_and_wait(Some(CLOSE_MAX)).await);
    }
}

/// The alarm of an actor that failed too often.
fn stopped(address: &Address) -> String {
    format!("stopped:{address}")
}

fn how_it_ended(reason: Option<String>) -> How {
    match reason {
        None => How::Normal,
        Some(reason) => match reason.strip_prefix(REOPEN) {
            Some(why) => How::Reopen(why.to_owned()),
            None if reason == "actor_task_cancelled" || reason.contains("killed") => How::Failed(reason),
            None => How::Normal,
        },
    }
}

impl Supervisor {
    pub(super) async fn follow(
        &self,
        myself: &ActorRef<Envelope<Order>>,
        state: &mut State,
        order: Order,
    ) -> Result<(), ActorProcessingErr> {
        if let Some(closing) = state.closing.get_mut(order.child()) {
            closing.then(order);
            return Ok(());
        }
        match order {
            Order::Open(child, answer) => {
                let opened = self.add(myself, state, *child).await.map_err(|e| e.to_string());
                drop(answer.send(opened));
            }
            Order::Due(address, wait) => {
                if state.waiting.get(&address) == Some(&wait) {
                    self.open(myself, state, &address).await;
                }
            }
            Order::Allow(address, answer) => {
                let actions = state.core.allow(&address);
                let known = if actions.is_empty() { Err(format!("{address} is not stopped")) } else { Ok(()) };
                self.act(myself, state, actions).await?;
                drop(answer.send(known));
            }
            Order::Close(address, answer) => {
                let cell = self.cell(&address);
                state.closing.insert(address.clone(), Closing::new(answer));
                match cell {
                    Some(cell) => drop(tokio::spawn(end(cell))),
                    None => self.closed(myself, state, &address).await?,
                }
            }
        }
        Ok(())
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn note(&self, address: &Address, how: &How) {
        let Some(entry) = self.system.directory().get(address) else {
            return;
        };
        match how {
            How::Normal => {}
            How::Reopen(why) => {
                entry.gauge.failed(why);
                tracing::debug!(actor = %address, why, "opens its rows again");
            }
            How::Failed(why) => {
                entry.gauge.count_restart(why);
                self.system.meters().add(messages::meter::ACTOR_RESTARTS, entry.kind, 1);
                tracing::error!(actor = %address, error = why, "failed");
            }
        }
    }

    async fn add(
        &self,
        myself: &ActorRef<Envelope<Order>>,
        state: &mut State,
        child: Child,
    ) -> Result<(), ActorProcessingErr> {
        let address = child.address.clone();
        if !state.core.add(&address, child.restart, self.elapsed_ms()) {
            return Ok(());
        }
        self.system.directory().announce(&address, child.kind, Some(self.address.clone()));
        state.specs.insert(address.clone(), child);
        self.open(myself, state, &address).await;
        Ok(())
    }

    async fn open(&self, myself: &ActorRef<Envelope<Order>>, state: &mut State, address: &Address) {
        state.waiting.remove(address);
        let Some(child) = state.specs.get(address).filter(|_| !state.core.is_open(address)) else {
            return;
        };
        let gauge = self.system.directory().announce(address, child.kind, Some(self.address.clone()));
        gauge.stand(Standing::Running);
        self.system.alarm(&stopped(address), None);
        let start = Start { system: self.system.clone(), gauge, supervisor: myself.get_cell() };
        state.core.opened(address, self.elapsed_ms());
        match (child.open)(start).await {
            Ok(handles) => {
                state.alive.insert(handles.cell.get_id(), address.clone());
                self.system.directory().opened(address, handles);
            }
            Err(error) => {
                let how = How::Failed(error);
                self.note(address, &how);
                let actions = state.core.ended(address, how, self.elapsed_ms(), 0);
                // A spawn that fails is not tried again within this call: `act` only sets timers for it.
                for action in actions {
                    self.act_later(myself, state, action);
                }
            }
        }
    }

    async fn act(
        &self,
        myself: &ActorRef<Envelope<Order>>,
        state: &mut State,
        actions: Vec<Action>,
    ) -> Result<(), ActorProcessingErr> {
        for action in actions {
            match action {
                Action::Close(address) => {
                    self.close(state, &address).await;
                    self.closed(myself, state, &address).await?;
                }
                Action::Open { address, after_ms: 0 } => self.open(myself, state, &address).await,
                Action::GiveUp(why) => {
                    tracing::error!(supervisor = %self.address, why, "gives up");
                    if self.is_root {
                        self.system.has_ended(why.clone());
                    }
                    return Err(why.into());
                }
                later => self.act_later(myself, state, later),
            }
        }
        Ok(())
    }

    fn cell(&self, address: &Address) -> Option<ActorCell> {
        self.system.directory().get(address).and_then(|entry| entry.handles).map(|handles| handles.cell)
    }

    /// Ends a child and waits for it: two must never live at one address.
    async fn close(&self, state: &mut State, address: &Address) {
        let Some(cell) = self.cell(address) else { return };
        end(cell.clone()).await;
        self.ended(state, address, cell.get_id(), How::Normal);
    }

    /// Ends all children beside each other, and waits: who was told that a supervisor has ended may give what they wrote to
    /// somebody else.
    async fn end_children(&self, state: &State) {
        let mut ends = JoinSet::new();
        for (id, address) in &state.alive {
            let entry = self.system.directory().get(address);
            let handles = entry.and_then(|entry| entry.handles).filter(|handles| handles.cell.get_id() == *id);
            let Some(Handles { cell, .. }) = handles else { continue };
            // It ends its own first. Any other ends where it waits: what it has not committed has not happened.
            let is_supervisor = state.specs.get(address).is_some_and(|child| child.kind == SUPERVISOR);
            ends.spawn(async move {
                if is_supervisor {
                    end(cell).await;
                } else {
                    drop(cell.kill_and_wait(Some(CLOSE_MAX)).await);
                }
            });
        }
        while ends.join_next().await.is_some() {}
    }

    /// A child's end is noted in the directory and in the core, which says what follows.
    fn ended(&self, state: &mut State, address: &Address, id: ActorId, how: How) -> Vec<Action> {
        state.alive.remove(&id);
        self.system.directory().closed(address, id);
        if state.specs.get(address).is_some_and(|child| child.kind == SUPERVISOR) {
            self.system.directory().remove_below(address);
        }
        state.core.ended(address, how, self.elapsed_ms(), RandomState::new().build_hasher().finish())
    }

    pub(super) fn act_later(&self, myself: &ActorRef<Envelope<Order>>, state: &mut State, action: Action) {
        match action {
            Action::Open { address, after_ms } => {
                if let Some(entry) = self.system.directory().get(&address) {
                    entry.gauge.stand(Standing::Restarting);
                }
                state.waits += 1;
                let wait = state.waits;
                state.waiting.insert(address.clone(), wait);
                let order = move || Envelope { mail: Order::Due(address, wait), ticket: None };
                drop(myself.send_after(Duration::from_millis(after_ms), order));
            }
            Action::Forget(address) => {
                state.specs.remove(&address);
                self.system.directory().remove(&address);
            }
            Action::Park { address, why } => {
                if let Some(entry) = self.system.directory().get(&address) {
                    entry.gauge.stand(Standing::Stopped);
                }
                self.system.alarm(&stopped(&address), Some(why));
            }
            Action::GiveUp(why) => {
                if self.is_root {
                    self.system.has_ended(why.clone());
                }
                myself.stop(Some(why));
            }
            Action::Close(_) => {}
        }
    }
}
