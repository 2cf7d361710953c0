//! One node: everything that references, hosts and supervisors share.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use messages::store::Fence;
use messages::{Address, AskError, Moment, Protocol};
use ractor::ActorRef;
use tokio::sync::oneshot;

use crate::again::Again;
use crate::alarms::Alarms;
use crate::directory::{Directory, Handles};
use crate::far::{Far, Word};
use crate::feed::Feed;
use crate::gauge::Standing;
use crate::kind::Kind;
use crate::mail::{Envelope, Post};
use crate::meters::Meters;
use crate::port::{Clock, StorePort};
use crate::reference::Ref;
use crate::region::{self, Demand};
use crate::soon::Soon;
use crate::supervisor::{self, Children, Order};
use crate::units::{UnitClaimer, Units, unit_of};

/// How the runtime of a node behaves.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Send every local message through its wire form, as between nodes.
    pub force_wire_form: bool,
    /// An entity that has been idle for so long stops; its address still works.
    pub passivate_after: Duration,
    /// Messages that wait in one mailbox; one more is refused with `Busy`.
    pub mailbox_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { force_wire_form: false, passivate_after: Duration::from_secs(600), mailbox_max: 1_024 }
    }
}

/// What a node is made of.
pub struct SystemParts {
    /// The node's name.
    pub node: String,
    /// This start of it: anything that no other start has.
    pub incarnation: String,
    /// The store.
    pub store: StorePort,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Takes hold of units on this host.
    pub claimer: Arc<dyn UnitClaimer>,
    /// The other nodes of a cluster; `None` where a node stands alone.
    pub far: Option<Arc<dyn Far>>,
    /// Behaviour.
    pub options: Options,
}

/// A running node. Cheap to clone.
#[derive(Clone)]
pub struct System(Arc<Inner>);

struct Inner {
    parts: SystemParts,
    directory: Directory,
    kinds: Vec<Kind>,
    units: Units,
    feed: Feed,
    region: OnceLock<ActorRef<Envelope<Demand>>>,
    root: OnceLock<ActorRef<Envelope<Order>>>,
    opening: Mutex<HashSet<Address>>,
    soon: Soon,
    again: Again,
    alarms: Alarms,
    meters: Meters,
    ended: tokio::sync::watch::Sender<Option<String>>,
    stopping: AtomicBool,
    draining: AtomicBool,
    started: Instant,
}

impl System {
    /// A node that serves `kinds` on demand. Nothing runs before [`System::start`].
    #[must_use]
    pub fn new(parts: SystemParts, kinds: Vec<Kind>) -> Self {
        Self(Arc::new(Inner {
            parts,
            directory: Directory::default(),
            kinds,
            units: Units::default(),
            feed: Feed::default(),
            region: OnceLock::new(),
            root: OnceLock::new(),
            opening: Mutex::default(),
            soon: Soon::default(),
            again: Again::default(),
            alarms: Alarms::default(),
            meters: Meters::default(),
            ended: tokio::sync::watch::Sender::new(None),
            stopping: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            started: crate::gauge::now(),
        }))
    }

    /// Starts the region and the root of the supervision tree, `node`.
    ///
    /// # Errors
    /// Words, when it was started before or the root can't be spawned.
    pub async fn start(&self, root: Children) -> Result<(), String> {
        let region = region::spawn(self.clone()).await?;
        self.0.region.set(region).map_err(|_| "the node has been started before")?;
        let order = supervisor::spawn_root(self.clone(), Address::fixed("node"), root).await?;
        self.0.root.set(order).map_err(|_| "the node has been started before".to_owned())
    }

    /// Whoever serves an address, by its protocol.
    #[must_use]
    pub fn to<P: Protocol>(&self, address: &Address) -> Ref<P> {
        Ref::new(self.clone(), address.clone())
    }

    /// Wakes whoever serves an address, opening it if need be. See [`Ref::wake`].
    pub fn wake(&self, address: &Address) {
        if let Some(far) = self.far_of(address) {
            return far.tell(address, Word::Wake);
        }
        match self.0.directory.get(address) {
            Some(entry) => {
                if let Some(post) = entry.handles.and_then(|handles| handles.post) {
                    post.wake();
                }
            }
            None => self.demand(address),
        }
    }

    /// Wakes whoever serves an address within [`SOON`](crate::soon::SOON), together with others: for work that may as
    /// well ride along with what comes next.
    pub fn wake_soon(&self, address: &Address) {
        if self.0.soon.add(address) {
            let system = self.clone();
            tokio::task::spawn(async move {
                tokio::time::sleep(crate::soon::SOON).await;
                for address in system.0.soon.take() {
                    system.wake(&address);
                }
            });
        }
    }

    /// Tells an entity that one of its dates has come, opening it if need be.
    pub(crate) async fn due(&self, address: &Address, name: &str) {
        if let Some(far) = self.far_of(address) {
            return far.tell(address, Word::Due(name.to_owned()));
        }
        if let Ok(post) = self.post(address).await {
            post.due(name);
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &StorePort {
        &self.0.parts.store
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.parts.clock
    }

    /// The time by the node's clock.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.0.parts.clock.now()
    }

    /// Previews of answers.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.0.feed
    }

    /// How the runtime behaves.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.parts.options
    }

    /// The node's name.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.0.parts.node
    }

    /// How long the node has run.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    pub(crate) fn far(&self) -> Option<&Arc<dyn Far>> {
        self.0.parts.far.as_ref()
    }

    /// The fence that commits for an address carry; `None` where it belongs to no unit, or the unit is not held.
    #[must_use]
    pub fn fence(&self, address: &Address) -> Option<Fence> {
        match self.far() {
            Some(far) => far.fence(&unit_of(address)?).ok(),
            None => self.0.units.fence(address),
        }
    }

    /// Takes the unit of an address with the next epoch, unless this node holds it. In a cluster units are assigned, and
    /// this says whether it is.
    ///
    /// # Errors
    /// Words: who holds it, or why the store refuses.
    pub async fn claim(&self, address: &Address) -> Result<(), String> {
        if let Some(far) = self.far() {
            return unit_of(address).map_or(Ok(()), |unit| far.may_begin(&unit));
        }
        let parts = &self.0.parts;
        let holder = (parts.node.as_str(), parts.incarnation.as_str());
        self.0.units.claim(address, &*parts.claimer, &parts.store, holder).await
    }

    /// Shows what an actor is doing.
    pub fn doing(&self, address: &Address, what: &str) {
        if let Some(entry) = self.0.directory.get(address) {
            entry.gauge.doing(what);
        }
    }

    /// Raises (`Some`) or clears (`None`) an alarm; each is told once in the log when it changes.
    pub fn alarm(&self, id: &str, text: Option<String>) {
        self.0.alarms.set(id, text);
    }

    /// What is wrong now.
    #[must_use]
    pub fn alarms(&self) -> Vec<String> {
        self.0.alarms.list().into_iter().map(|(_, text)| text).collect()
    }

    /// The same, each with its id.
    #[must_use]
    pub fn alarms_by_id(&self) -> Vec<(String, String)> {
        self.0.alarms.list()
    }

    /// What is tried again before its time.
    #[must_use]
    pub fn again(&self) -> &Again {
        &self.0.again
    }

    /// What actors count of their work.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.0.meters
    }

    /// From now on nothing new is accepted from outside: the node is about to stop.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::SeqCst);
    }

    /// The node is about to stop; see [`System::drain`].
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::SeqCst)
    }

    /// How many actors live.
    #[must_use]
    pub fn actors_len(&self) -> usize {
        self.0.directory.len()
    }

    /// Opens an actor again that was stopped after failing too often.
    ///
    /// # Errors
    /// Words, when there is no such actor or it is not stopped.
    pub async fn restart(&self, address: &Address) -> Result<(), String> {
        let entry = self.0.directory.get(address).ok_or_else(|| format!("no actor lives at {address}"))?;
        if entry.gauge.standing() != Standing::Stopped {
            return Err(format!(
                "{address} is {}; only a stopped one can be restarted",
                entry.gauge.standing().as_str()
            ));
        }
        let parent = entry.parent.ok_or("the root can't be restarted; stop the process")?;
        let order = self.supervisor(&parent).ok_or_else(|| format!("its supervisor {parent} is not there"))?;
        let (sender, receiver) = oneshot::channel();
        let order = order.send_message(Envelope { mail: Order::Allow(address.clone(), sender), ticket: None });
        order.map_err(|e| e.to_string())?;
        receiver.await.map_err(|e| e.to_string())?
    }

    /// Ends when the root has given up or was stopped, with the reason.
    pub async fn ended(&self) -> String {
        let mut ended = self.0.ended.subscribe();
        match ended.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => "the node is gone".to_owned(),
        }
    }

    /// Stops all actors in good order, children before parents, the youngest branch first, so that what others stand on
    /// (the store) goes last; at most `within` in all.
    pub async fn shutdown(&self, within: Duration) {
        self.0.stopping.store(true, Ordering::SeqCst);
        let stop = async {
            for (address, _) in self.tree(|a, b| a.1.born.cmp(&b.1.born)).into_iter().rev() {
                let handles = self.0.directory.get(&address).and_then(|entry| entry.handles);
                if let Some(handles) = handles {
                    drop(handles.cell.stop_and_wait(Some("shutdown".into()), None).await);
                }
            }
        };
        if tokio::time::timeout(within, stop).await.is_err() {
            tracing::warn!("not all actors stopped within {within:?}; what they left is found again at the next start");
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::SeqCst)
    }

    /// Why the root has ended; `None` while it stands.
    pub(crate) fn end(&self) -> Option<String> {
        self.0.ended.borrow().clone()
    }

    pub(crate) fn has_ended(&self, reason: String) {
        // The first reason is the cause; what follows is its consequence.
        self.0.ended.send_if_modified(|ended| ended.is_none() && ended.replace(reason).is_none());
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.0.directory
    }

    pub(crate) fn kind_of(&self, address: &Address) -> Option<&Kind> {
        self.0.kinds.iter().find(|kind| kind.serves(address))
    }

    pub(crate) fn supervisor(&self, address: &Address) -> Option<ActorRef<Envelope<Order>>> {
        self.0.directory.get(address)?.handles?.supervisor
    }

    /// The mailbox of an address, opened if need be.
    pub(crate) async fn post(&self, address: &Address) -> Result<Arc<dyn Post>, AskError> {
        if self.0.directory.get(address).is_none() {
            let region = self.0.region.get().ok_or(AskError::NotOwner)?;
            let (sender, receiver) = oneshot::channel();
            let demand = Demand::Open { address: address.clone(), answer: sender };
            region.send_message(Envelope { mail: demand, ticket: None }).map_err(|_| AskError::NodeLost)?;
            receiver.await.map_err(|_| AskError::NodeLost)??;
        }
        let Some(entry) = self.0.directory.get(address) else {
            return Err(AskError::Busy { what: "it has just ended".into(), retry_after: Duration::from_millis(10) });
        };
        match entry.handles {
            Some(Handles { post: Some(post), .. }) => Ok(post),
            Some(_) => Err(AskError::NoSuchAddress(format!("{address} is a supervisor"))),
            None if entry.gauge.standing() == Standing::Stopped => Err(AskError::Failed(format!(
                "{address} was stopped after failing too often ({}); `agent-runtime actors restart {address}` opens it again",
                entry.gauge.last_error()
            ))),
            None => Err(AskError::Busy { what: "it is restarting".into(), retry_after: Duration::from_millis(100) }),
        }
    }

    /// Opens an address to wake it, once however often it is wanted meanwhile.
    fn demand(&self, address: &Address) {
        let mut opening = self.0.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(region) = self.0.region.get()
            && opening.insert(address.clone())
            && region.send_message(Envelope { mail: Demand::Wake(address.clone()), ticket: None }).is_err()
        {
            opening.remove(address);
        }
    }

    /// The demand is being met: another wake asks anew.
    pub(crate) fn demanded(&self, address: &Address) {
        self.0.opening.lock().unwrap_or_else(PoisonError::into_inner).remove(address);
    }
}
