//! A node: the store, the tree of actors on it, and how both begin and end.

#[cfg(feature = "failpoints")]
mod clock;
mod cluster;
mod limits;
mod models;
pub(crate) mod restore;
pub(crate) mod secrets;
mod settings;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::cluster::{Member, Others, RemoteStore};
use admin::LiveLimits;
use anyhow::{Context as _, bail};
use console::{Console, Msg, Sessions};
use messages::alarms::{Alarms, Msg as AlarmsMsg};
use messages::cluster::Role;
use messages::store::{Query, Rows};
use messages::{Address, AskError, Slug};
use runtime::{Children, Clock, Far, StorePort, System, SystemParts, UnitClaimer};
use store::{ClusterNode, OpenOptions, StoreHandle, StoreLock};
use workspaces::{Layout, LayoutError};

use cluster::{Declared, Joining, ProgramHands};
pub(crate) use cluster::{credentials, versions};
pub(crate) use settings::{Settings, absolute, alarm_limits, load, mounts, notes_folder};

/// The program's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The workspace that every node has.
pub(crate) const HOME: &str = "home";
/// How long the actors may take to stop.
const SHUTDOWN_MAX: Duration = Duration::from_secs(7);
/// Looks at what is unfinished before a stop, so far apart, at so many addresses: two seconds as long as a reply is being
/// sent, a third of one else.
const SETTLE_LOOKS_MAX: u32 = 66;
const SETTLE_LOOKS_MIN: u32 = 10;
const SETTLE_BETWEEN: Duration = Duration::from_millis(30);
const SETTLE_ADDRESSES_MAX: u32 = 256;
/// How long giving units away may take.
const LEAVE_MAX: Duration = Duration::from_secs(3);
/// How long the console may take to listen.
const LISTEN_MAX: Duration = Duration::from_secs(10);

/// How long an actor may take to say that it lives.
const ALIVE_MAX: Duration = Duration::from_secs(5);

/// Threads for the actors: as many as there are processors, between 2 and 8.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8)
}

/// Where the node keeps what is its own.
pub(crate) fn own_folder(data: &Path) -> PathBuf {
    data.join("agent-runtime")
}

/// Search indexes of a node of a cluster: the folder of workspaces may be other nodes', too.
fn indexes(own: &Path) -> PathBuf {
    own.join("index")
}

/// Where the files of a node are that is configured so.
pub(crate) fn layout(node: &config::Node, data: &Path) -> Layout {
    layout_of(data, node.is_of_a_cluster())
}

fn layout_of(data: &Path, is_of_a_cluster: bool) -> Layout {
    let layout = Layout::of_data(data);
    if is_of_a_cluster { layout.with_indexes(indexes(&own_folder(data))) } else { layout }
}

/// A running node.
pub(crate) struct Node {
    pub(crate) system: System,
    /// Where this node has it.
    store: Option<StoreHandle>,
    /// Among other nodes.
    member: Option<Arc<Member>>,
    alarms: LiveLimits,
    layout: Layout,
    /// Of the data folder, where no store has it.
    _lock: Option<StoreLock>,
}

impl Node {
    /// Opens the store, starts the tree, and is ready when the console listens. In a cluster it is ready when its links
    /// are tried: what it is to hold it is told.
    pub(crate) async fn start(settings: Settings) -> anyhow::Result<Self> {
        restore::is_over(&settings.data)?;
        let folder = own_folder(&settings.data);
        // First of all, for it makes the data folder, which must not be open to others, and says what is wrong with the disk.
        let (store, lock) = take_folder(&settings, &folder)?;
        let layout = layout_of(&settings.data, settings.cluster.is_some());
        let only = settings.cluster.as_ref().and_then(|of| of.only.clone());
        if settings.has(Role::Worker) {
            // Where workspaces are named they are made by people: a disk that is not mounted yet has none.
            if only.is_none() {
                make_home(&layout, settings.cluster.is_some())?;
            }
            // Where they are not below the workspaces.
            make_private(&indexes(&folder))?;
        }
        let clock = clock()?;
        let incarnation = cluster::incarnation(clock.now())?;
        let declared = Declared::new(layout.clone(), only);
        let joining = match &settings.cluster {
            Some(of) => Some(Joining::new(&settings.name, of, &declared, incarnation)?),
            None => None,
        };
        let port = port(store.as_ref(), joining.as_ref())?;
        let generation =
            store.as_ref().map(|_| store::backup::facts(&folder)).transpose()?.map(|facts| facts.generation);
        // Behind the store's lock: a second node on this folder hears of the first one, not of its port.
        let door = settings.listen.map(listen).transpose()?;
        let of = settings.cluster.as_ref().map(|of| cluster::identity(&settings.name, of, &folder)).transpose()?;
        let claimer: Arc<dyn UnitClaimer> = Arc::new(Locks { layout: layout.clone(), of });
        let begin = match (&joining, &settings.cluster) {
            (Some(joining), Some(of)) => {
                let hands = ProgramHands::new(claimer.clone(), declared);
                Some(joining.begin((&settings.name, &folder), of, &port, hands).await?)
            }
            _ => None,
        };
        let parts = SystemParts {
            node: settings.name.clone(),
            incarnation: incarnation.to_string(),
            store: port,
            clock,
            claimer,
            far: joining.as_ref().map(|joining| Arc::new(Others(joining.member.clone())) as Arc<dyn Far>),
            options: settings.options,
        };
        let alarms: LiveLimits = Arc::new(Mutex::new(settings.alarms.clone()));
        let member = joining.map(|joining| joining.member);
        let plan = tree::Plan {
            settings,
            layout,
            sessions: Sessions::new(),
            store: store.clone(),
            member: member.clone().zip(begin),
            door,
            alarms: alarms.clone(),
            reports: Arc::default(),
            generation,
        };
        let system = System::new(parts, tree::kinds(&plan));
        let node = Self { system, store, member, alarms, layout: plan.layout.clone(), _lock: lock };
        node.begin(&plan).await?;
        Ok(node)
    }

    async fn begin(&self, plan: &tree::Plan) -> anyhow::Result<()> {
        let root = tree::root(plan);
        if self.member.is_some() {
            self.system.start(root).await.map_err(anyhow::Error::msg)?;
        } else {
            self.begin_alone(plan, root).await?;
        }
        if self.store.is_some() {
            self.warn_of_chat(&plan.settings.alarms);
            self.system.wake(&messages::retention::address());
        }
        Ok(())
    }

    async fn begin_alone(&self, plan: &tree::Plan, root: Children) -> anyhow::Result<()> {
        let unit = Address::parse("connector/console").context("the console's own address")?;
        let claimed = self.system.claim(&unit).await;
        claimed.map_err(anyhow::Error::msg).context("the console's unit can't be claimed")?;
        self.system.start(root).await.map_err(anyhow::Error::msg)?;
        self.listens().await?;
        self.open_workspaces(&plan.layout);
        Ok(())
    }

    async fn listens(&self) -> anyhow::Result<()> {
        let console = Address::parse("connector/console").context("the console's own address")?;
        match self.system.to::<Console>(&console).ask(Msg::Describe, LISTEN_MAX).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let said =
                    self.system.actors().into_iter().find(|a| a.address == console.as_str()).map(|a| a.last_error);
                bail!("the console does not listen: {}", said.filter(|s| !s.is_empty()).unwrap_or(error.to_string()))
            }
        }
    }

    /// The workspace is this node's to work in.
    pub(crate) async fn holds(&self, workspace: &Slug) -> anyhow::Result<()> {
        let claimed = self.system.claim(&Address::workspace(workspace)).await;
        claimed.map_err(anyhow::Error::msg).with_context(|| format!("the workspace `{workspace}` can't be opened"))
    }

    /// Workspaces open at the start, so that their files are watched and their indexes fresh.
    fn open_workspaces(&self, layout: &Layout) {
        match layout.list() {
            Ok(all) => all.iter().for_each(|workspace| {
                self.system.wake(&Address::index(workspace));
                self.system.wake(&Address::of_workspace(workspace));
            }),
            Err(error) => tracing::warn!(%error, "workspaces are opened when they are first used"),
        }
    }

    /// From now on alarms are raised by these limits.
    pub(crate) fn limit_alarms(&self, limits: admin::AlarmLimits) {
        self.warn_of_chat(&limits);
        *self.alarms.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// Says that nobody can attach to the chat that is to be told; what is told waits until it is there.
    fn warn_of_chat(&self, limits: &admin::AlarmLimits) {
        let told = limits.tell.as_ref().map(|to| &to.context);
        let slugs = told.and_then(|context| Some((context.workspace_of()?, Slug::parse(context.leaf()).ok()?)));
        if let Some(Err(why)) = slugs.map(|(workspace, context)| self.layout.knows(&workspace, &context)) {
            tracing::warn!("alarms.tell: {why}");
        }
    }

    /// The tree stands and mailboxes are worked on.
    pub(crate) async fn is_alive(&self) -> bool {
        let asked = self.system.to::<Alarms>(&Address::fixed("alarms")).ask(AlarmsMsg::Alive, ALIVE_MAX).await;
        self.system.stands().is_ok() && !matches!(asked, Err(AskError::Timeout(_)))
    }

    /// Stops in good order: nothing new is accepted, replies that are being sent get their end. What is under way is found again at the next start.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.system.drain();
        self.settle().await;
        if let Some(member) = &self.member {
            member.leave(LEAVE_MAX).await;
        }
        self.system.shutdown(SHUTDOWN_MAX).await;
        let Some(store) = self.store else { return Ok(()) };
        tokio::task::spawn_blocking(move || store.close()).await.context("closing the store")??;
        Ok(())
    }
}

impl Node {
    /// Lets what has just been delivered be recorded as such. What can't end by itself now, such as a turn that runs or a
    /// reply that nobody is there to take, is not waited for longer.
    async fn settle(&self) {
        for look in 0..SETTLE_LOOKS_MAX {
            if look >= SETTLE_LOOKS_MIN && !self.is_sending().await {
                return;
            }
            let query = Query::Unfinished { after: None, limit: SETTLE_ADDRESSES_MAX };
            let Ok(Rows::Addresses(unfinished)) = self.system.store().query(query).await else { return };
            if unfinished.is_empty() {
                return;
            }
            unfinished.iter().for_each(|address| self.system.wake(address));
            tokio::time::sleep(SETTLE_BETWEEN).await;
        }
    }
}

impl Node {
    async fn is_sending(&self) -> bool {
        let counted = self.system.store().query(Query::Counts).await;
        matches!(counted, Ok(Rows::Counts(counts)) if counts.sending > 0)
    }
}

/// The store, on a node that has it.
/// The folder is this process's alone: with the store, or without one by its lock.
fn take_folder(settings: &Settings, folder: &Path) -> anyhow::Result<(Option<StoreHandle>, Option<StoreLock>)> {
    if settings.has(Role::Hub) {
        return Ok((Some(store::open(folder, &OpenOptions::new(VERSION))?), None));
    }
    make_private(folder).with_context(|| format!("{} can't be made; use another --data", settings.data.display()))?;
    Ok((None, Some(store::lock_store(folder)?)))
}

/// The store as actors hold it: this node's, or the hub's.
fn port(store: Option<&StoreHandle>, joining: Option<&Joining>) -> anyhow::Result<StorePort> {
    match (store, joining) {
        (Some(store), _) => Ok(Arc::new(store.clone())),
        (None, Some(joining)) => Ok(Arc::new(RemoteStore(joining.member.clone()))),
        (None, None) => bail!("a node without a store belongs to a cluster"),
    }
}

/// A folder that only this account can open.
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Takes the port of the operator's address.
fn listen(address: std::net::SocketAddr) -> anyhow::Result<operator_http::Door> {
    let door = operator_http::bind(address).map_err(anyhow::Error::msg)?;
    if !address.ip().is_loopback() {
        tracing::warn!(address = %door.address(), "health and metrics can be read by whoever reaches this address");
    }
    Ok(door)
}

/// Where the time comes from; a test build can shift it.
fn clock() -> anyhow::Result<Arc<dyn Clock>> {
    #[cfg(feature = "failpoints")]
    return clock::from_env();
    #[cfg(not(feature = "failpoints"))]
    Ok(Arc::new(runtime::SystemClock))
}

/// Among other nodes the first workspaces of a host may be others: a second `home` would be taken for the first.
fn make_home(layout: &Layout, is_among_others: bool) -> anyhow::Result<()> {
    if is_among_others && !layout.list()?.is_empty() {
        return Ok(());
    }
    let home = Slug::parse(HOME)?;
    if layout.workspace_file(&home).is_file() {
        return Ok(());
    }
    match layout.create_workspace(&home, "Home", None) {
        // Another node on the same folder was faster.
        Ok(_) | Err(LayoutError::Exists { .. }) => Ok(()),
        Err(error) => Err(error).context("the first workspace can't be made"),
    }
}

/// Locks on the folders of workspaces.
struct Locks {
    layout: Layout,
    /// In a cluster.
    of: Option<ClusterNode>,
}

impl UnitClaimer for Locks {
    fn hold(&self, unit: &Address) -> Result<Box<dyn Send + Sync>, String> {
        let Some(workspace) = unit.workspace_of() else { return Ok(Box::new(())) };
        let folder = self.layout.folder(&workspace);
        if !self.layout.workspace_file(&workspace).is_file() {
            let folder = folder.display();
            return Err(format!(
                "{folder} has no workspace.md; make the workspace with `agent-runtime workspace create {workspace}`"
            ));
        }
        let lock = store::lock_workspace(&folder, self.of.as_ref()).map_err(|e| e.to_string())?;
        Ok(Box::new(lock))
    }
}
