//! A node as a member of its cluster: what it holds, whom it reaches, and what it is told.

mod certificates;
mod declare;
mod driver;
mod executor;
mod far;
#[cfg(feature = "failpoints")]
mod holds_on;
mod inbox;
mod lanes;
mod people;
mod previews;
mod reign;
mod service;
mod stale;
mod store;
mod view;
mod waits;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use messages::cluster::{Holds, NodeFacts, Place, Role, ToHub, ToNode, Unit, Version};
use messages::envelope::{Head, Kind};
use messages::membership::{ClusterView, Msg};
use messages::{Address, AskError, Slug, Trace};
use placement::{Holder, Monotonic, Table};
use runtime::{BoxFuture, System};
use tokio::sync::mpsc;

pub use far::Others;
use previews::Previews;
pub use reign::Reign;
pub use service::{Begin, BeginOnce, ClusterService};
pub use store::RemoteStore;

use crate::clock::LeaseClock;
use crate::cluster::Cluster;
use crate::links::Link;

/// What waits for the loop of a member; one more is refused, and said again by whoever said it.
const EVENTS_MAX: usize = 4_096;
/// How long what members tell each other may be under way. They say it again each second.
const TELL_MS_MAX: u32 = 2_000;

/// What the loop hears.
#[derive(Debug)]
pub(crate) enum Event {
    /// By a link, from the node at its other end.
    Heard { node: String, link: u64, message: Msg },
    /// A unit that was to be opened is open, or can't be.
    Opened { unit: Unit, epoch: u64, is_open: bool },
    /// A unit that was to finish has finished.
    Finished { unit: Unit, epoch: u64 },
    /// A commit was refused as stale.
    Fenced { unit: Unit, epoch: u64 },
    /// Give all units away, or take some again.
    Drain(bool),
    /// The workspaces whose files this node has are others than before.
    Declares(Holds),
    /// For what a unit waits, at the hub.
    Waits(Unit, tokio::sync::oneshot::Sender<Option<String>>),
    /// A chat of another node looks on at this answer.
    Follow(Trace),
    /// A unit's row was written, or was not.
    Row(placement::hub::Event),
    /// How the cluster stands, for people.
    Describe(tokio::sync::oneshot::Sender<ClusterView>),
    /// The node stops: close all, say goodbye, and tell when it is done.
    Goodbye(tokio::sync::oneshot::Sender<()>),
}

/// Opens and closes what a unit is made of. The program's part: it knows the actors.
pub trait Hands: Send + Sync + 'static {
    /// The unit is this node's: what it needs on this host is taken. What an earlier epoch of it has left is ended first. Its
    /// actors may not be opened yet.
    ///
    /// # Errors
    /// One sentence: who has it on this host, or what is missing. It is asked again.
    fn open(&self, system: &System, unit: &Address) -> BoxFuture<Result<(), String>>;
    /// It was opened: its actors are woken, those whose rows wait too. Also after a time without a lease.
    fn begin(&self, system: &System, unit: &Address) -> BoxFuture<()>;
    /// The workspaces whose files this node has and is to hold, in order. Reads a folder.
    ///
    /// # Errors
    /// One sentence: the folder can't be read.
    fn workspaces(&self) -> BoxFuture<Result<Vec<Slug>, String>>;
    /// Nothing of the unit runs any more when this is done.
    fn close(&self, system: &System, unit: &Address) -> BoxFuture<()>;
}

/// What a member knows, shared by its loop, the runtime and its links.
pub struct Member {
    /// All but the workspaces is as it began.
    facts: NodeFacts,
    holds: Mutex<Holds>,
    clock: Arc<dyn LeaseClock>,
    holder: Mutex<Holder>,
    table: Mutex<Table>,
    /// Commits that were refused as stale.
    refused: Mutex<stale::AllRefused>,
    #[cfg(feature = "failpoints")]
    holds_on: holds_on::HoldsOn,
    events: mpsc::Sender<Event>,
    heard: Mutex<Option<mpsc::Receiver<Event>>>,
    /// Who looks on at answers, of other nodes'.
    previews: Previews,
    links: OnceLock<Arc<Cluster>>,
    system: OnceLock<System>,
}

impl Member {
    /// A member that has not begun yet: what runs on this node is made with it.
    #[must_use]
    pub fn new(facts: NodeFacts, clock: Arc<dyn LeaseClock>) -> Arc<Self> {
        let (events, heard) = mpsc::channel(EVENTS_MAX);
        let holder = Holder::new(facts.node.clone(), facts.incarnation, clock.now());
        Arc::new(Self {
            holds: Mutex::new(facts.holds.clone()),
            facts,
            clock,
            holder: Mutex::new(holder),
            table: Mutex::new(Table::new()),
            refused: Mutex::default(),
            #[cfg(feature = "failpoints")]
            holds_on: holds_on::HoldsOn::default(),
            events,
            heard: Mutex::new(Some(heard)),
            previews: Previews::default(),
            links: OnceLock::new(),
            system: OnceLock::new(),
        })
    }

    /// The node has the store.
    #[must_use]
    pub fn is_hub(&self) -> bool {
        self.facts.roles.has(Role::Hub)
    }

    /// Whether a workspace is there, held by a node or waiting for its host; as far as this node was told.
    #[must_use]
    pub fn knows(&self, workspace: &Slug) -> bool {
        let table = self.table();
        table.version() == Version::default() || *table.place(&Unit::workspace(workspace)) != Place::Gone
    }

    /// What this node is there, with the workspaces that it has now.
    fn facts(&self) -> NodeFacts {
        let holds = self.holds().clone();
        NodeFacts { holds, ..self.facts.clone() }
    }

    fn now(&self) -> Monotonic {
        self.clock.now()
    }

    fn holds(&self) -> MutexGuard<'_, Holds> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holder(&self) -> MutexGuard<'_, Holder> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The link to the hub, from a node that is none.
    fn hub(&self) -> Option<Arc<Link>> {
        let up = self.links.get()?.up();
        up.values().find(|link| link.peer().roles.has(Role::Hub)).cloned()
    }

    /// The link by which an address is reached that is not served here.
    fn towards(&self, unit: &Unit) -> Result<Arc<Link>, AskError> {
        if !self.is_hub() {
            return self.hub().ok_or_else(|| away("the hub", "its link is down"));
        }
        let holder = self.table().holder(unit).map(|(node, _)| node.to_string());
        let node = holder.ok_or_else(|| away(&unit.to_string(), "no node holds it now"))?;
        let link = self.links.get().and_then(|links| links.link(&node));
        link.ok_or_else(|| away(&unit.to_string(), &format!("the link to `{node}`, which holds it, is down")))
    }

    /// Says goodbye to the hub, and waits until it was heard, or cannot be.
    async fn say_goodbye(&self) {
        let Some(hub) = self.hub() else { return };
        if let Some((head, body)) = packed(&Msg::ToHub(ToHub::Goodbye)) {
            drop(hub.ask(head, &body).await);
        }
    }

    /// Says something to the hub, this node or another. May be lost.
    fn say_to_hub(&self, message: ToHub) {
        if let Some(link) = self.hub() {
            tell(&link, &Msg::ToHub(message));
        }
    }
}

/// Nothing was sent; another try makes sense.
fn away(what: &str, why: &str) -> AskError {
    AskError::Busy { what: format!("{what} is not reached: {why}"), retry_after: std::time::Duration::from_millis(200) }
}

/// Puts a message for the other node's member on a link, behind all that was said before. Lost, it is made up for by the
/// next renewal.
fn tell(link: &Link, message: &Msg) {
    is_told(link, message);
}

/// The same; whether there was room for it.
fn is_told(link: &Link, message: &Msg) -> bool {
    packed(message).is_some_and(|(head, body)| link.send(head, &body).is_ok())
}

/// A message for the other node's member, as a link takes it.
fn packed(message: &Msg) -> Option<(Head, Vec<u8>)> {
    let body = postcard::to_stdvec(message).ok()?;
    Some((head(&Address::fixed("cluster"), Kind::Ask, TELL_MS_MAX), body))
}

fn tell_node(link: &Link, message: ToNode) {
    tell(link, &Msg::ToNode(message));
}

fn head(to: &Address, kind: Kind, deadline_ms: u32) -> Head {
    Head { token: [0; 16], to: to.clone(), from: None, trace: None, deadline_ms, kind, whole: None }
}
