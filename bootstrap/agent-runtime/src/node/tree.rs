//! The supervision tree, in one place. `docs/architecture.md` draws it, and a test compares both.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use admin::{AdminConfig, AdminService, AlarmsService, LiveLimits, StoreStats};
use cluster::{BeginOnce, ClusterService, Member, RemoteStore};
use console::{ConsoleConfig, ConsoleService, NoChat, Sessions};
use lane::{Lane, LaneDeps, LaneFacts};
use messages::cluster::Role;
use messages::store::{Query, Rows};
use messages::{Address, Slug};
use models::{ModelsService, ProviderService};
use operator_http::{Door, HttpService};
use policy::Policy;
use retention::{Retention, RetentionDeps, RetentionFacts};
use retrieval::{IndexConfig, IndexService, WatchReport, WatcherService};
use runtime::port::Store as _;
use runtime::{Child, Children, Intensity, Kind, Restart, Service, ServiceError, Strategy, TimersService};
use store::{StoreHandle, StoreService};
use tools::{ToolsConfig, ToolsService};
use workspaces::{
    Context, ContextDeps, Layout, Memory, MemoryDeps, Task, TaskDeps, WorkFacts, Workspace, WorkspaceDeps,
};

use super::{Settings, VERSION};

/// What the tree is made from.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) layout: Layout,
    pub(crate) sessions: Sessions,
    /// Where this node has it.
    pub(crate) store: Option<StoreHandle>,
    /// Among other nodes: what this one is there, and what it begins with.
    pub(crate) member: Option<(Arc<Member>, BeginOnce)>,
    /// Where health and metrics are told.
    pub(crate) door: Option<Door>,
    /// When alarms are raised; can be changed while the node runs.
    pub(crate) alarms: LiveLimits,
    /// What a watcher can't watch is told to the index of the same workspace.
    pub(crate) reports: Arc<Mutex<HashMap<Slug, WatchReport>>>,
    /// The generation of the store, where this node has it.
    pub(crate) generation: Option<i64>,
}

const WORKSPACES: &str = "workspaces";
const CONNECTORS: &str = "connectors";
const LANES: &str = "connector/console/lanes";
const CONSOLE: &str = "connector/console";
/// What who would chat there is told.
const NO_CONNECTOR: &str = "this node is no connector; chat at one that is";
/// The same where the account is another connector's, or nobody's.
const NO_ACCOUNT: &str = "this node does not have the account of the console now; `agent-runtime placement` tells which node has it, and why";
/// Where a node of a cluster answers questions about itself, unless it has the account of the console.
pub(super) const QUESTIONS: &str = "operator/console";

/// The root and what it starts with, in order.
pub(crate) fn root(plan: &Plan) -> Children {
    let (worker, connector) = (plan.settings.has(Role::Worker), plan.settings.has(Role::Connector));
    let mut list = Vec::new();
    if let Some(store) = plan.store.clone() {
        list.push(service(StoreService::address(), move || Ok(StoreService::new(store.clone()))));
    }
    if worker {
        let models = plan.settings.models.clone();
        list.push(Child::supervisor(Address::fixed("providers"), Restart::Permanent, providers(plan)));
        list.push(service(Address::fixed("models"), move || ModelsService::open(&models)));
        list.push(service(Address::fixed("tools"), tools(plan)));
        let none = supervised(Intensity::STOP_CHILD, Vec::new());
        list.push(Child::supervisor(Address::fixed(WORKSPACES), Restart::Permanent, none));
    }
    // Before the door is open: who comes in first may ask about the node.
    list.push(service(Address::fixed("admin"), inspector(plan)));
    if connector {
        list.push(Child::supervisor(Address::fixed(CONNECTORS), Restart::Permanent, connectors(plan)));
    }
    list.push(service(Address::fixed("timers"), timers(plan)));
    // A node can work without being looked at: these end nobody but themselves.
    list.push(Child::supervisor(Address::fixed("operator"), Restart::Permanent, operator(plan)));
    // Last: from now on it is given units, and others reach what is above.
    if let Some((member, begin)) = plan.member.clone() {
        list.push(service(ClusterService::address(), move || Ok(ClusterService::new(member.clone(), begin.clone()))));
    }
    supervised(Intensity::ESCALATE, list)
}

fn timers(plan: &Plan) -> impl Fn() -> Result<TimersService, ServiceError> + Send + Sync + 'static {
    let has_store = plan.store.is_some();
    move || Ok(if has_store { TimersService::default() } else { TimersService::without_store() })
}

fn providers(plan: &Plan) -> Children {
    let table = &plan.settings.models.table;
    let each = plan.settings.models.providers.iter().map(|config| {
        let (config, table) = (config.clone(), table.clone());
        let address = Address::fixed("models").child(&config.name);
        service(address, move || ProviderService::open(&config, &table))
    });
    supervised(Intensity::STOP_CHILD, each.collect())
}

fn tools(plan: &Plan) -> impl Fn() -> Result<ToolsService, ServiceError> + Send + Sync + 'static {
    let config =
        ToolsConfig { workspaces: plan.layout.workspaces().to_path_buf(), mounts: plan.settings.mounts.clone() };
    move || ToolsService::open(config.clone())
}

/// Alone, the console is there from the start; in a cluster, when this node is given it.
fn connectors(plan: &Plan) -> Children {
    let console = Address::fixed(CONSOLE);
    let list = match plan.member {
        Some(_) => Vec::new(),
        None => vec![lanes(), self::console(plan, &console)],
    };
    supervised(Intensity::STOP_CHILD, list)
}

fn lanes() -> Child {
    Child::supervisor(Address::fixed(LANES), Restart::Permanent, supervised(Intensity::STOP_CHILD, Vec::new()))
}

fn console(plan: &Plan, address: &Address) -> Child {
    let (plan, address) = (plan.clone(), address.clone());
    Child::service(address.clone(), Restart::Permanent, move || {
        let plan = plan.clone();
        let address = address.clone();
        Box::pin(async move { open_console(&plan, &address).await })
    })
}

fn no_chat(plan: &Plan, address: &Address) -> Option<NoChat> {
    if !plan.settings.has(Role::Connector) {
        return Some(NoChat::Ever(NO_CONNECTOR.to_owned()));
    }
    (address.as_str() == QUESTIONS).then(|| NoChat::Now(NO_ACCOUNT.to_owned()))
}

async fn open_console(plan: &Plan, address: &Address) -> Result<ConsoleService, ServiceError> {
    let generation = match (plan.generation, &plan.member) {
        (Some(generation), _) => generation,
        // Nothing is delivered here.
        _ if address.as_str() == QUESTIONS => 0,
        (None, Some((member, _))) => match RemoteStore(member.clone()).query(Query::Generation).await {
            Ok(Rows::Generation(generation)) => generation,
            Ok(_) => return Err(ServiceError::new("the hub does not say which generation its store is of")),
            Err(error) => return Err(ServiceError::new(error)),
        },
        (None, None) => return Err(ServiceError::new("there is no store")),
    };
    let (layout, member) = (plan.layout.clone(), plan.member.as_ref().map(|(member, _)| member.clone()));
    let answers_alone = address.as_str() == QUESTIONS;
    let config = ConsoleConfig {
        socket: console::socket_path(&plan.settings.data),
        node: plan.settings.name.clone(),
        lines: plan.settings.welcome.clone(),
        refuses: no_chat(plan, address),
        knows: Arc::new(move |workspace, context| {
            // Of the node itself it can be asked whatever workspaces it has.
            if answers_alone {
                return Ok(());
            }
            // What is in another node's workspace is not known here.
            let is_elsewhere = !layout.workspace_file(workspace).is_file()
                && member.as_ref().is_some_and(|member| member.knows(workspace));
            if is_elsewhere { Ok(()) } else { layout.knows(workspace, context) }
        }),
        generation,
    };
    Ok(ConsoleService::open(config, plan.sessions.clone()))
}

fn inspector(plan: &Plan) -> impl Fn() -> Result<AdminService, ServiceError> + Send + Sync + 'static {
    let config = inspected(plan);
    move || Ok(AdminService::new(config.clone()))
}

fn inspected(plan: &Plan) -> AdminConfig {
    let (store, counted) = (plan.store.clone(), plan.store.clone());
    AdminConfig {
        version: VERSION.to_owned(),
        data: plan.settings.data.display().to_string(),
        offers: Arc::new(plan.settings.models.offers()),
        store: Arc::new(move || {
            let trouble = store.as_ref().and_then(|store| store.health().trouble());
            trouble.map(|trouble| format!("the store {trouble}"))
        }),
        stats: Arc::new(move || counted.as_ref().map(stats).unwrap_or_default()),
        http: plan.door.as_ref().map(|door| format!("http://{}", door.address())).unwrap_or_default(),
    }
}

fn stats(store: &StoreHandle) -> StoreStats {
    let (health, stats) = (store.health(), store.stats());
    StoreStats {
        latency_us: stats.latency_us,
        group: stats.group,
        commits_waiting: health.queue as u64,
        queries_waiting: health.queries as u64,
    }
}

/// Who looks at the node, and who tells it to whoever operates it.
fn operator(plan: &Plan) -> Children {
    let (config, alarms) = (inspected(plan), plan.alarms.clone());
    let mut list =
        vec![service(AlarmsService::address(), move || Ok(AlarmsService::new(config.clone(), alarms.clone())))];
    if let Some(door) = plan.door.clone() {
        list.push(service(HttpService::address(), move || Ok(HttpService::new(door.clone()))));
    }
    if plan.member.is_some() {
        list.push(console(plan, &Address::fixed(QUESTIONS)));
    }
    supervised(Intensity::STOP_CHILD, list)
}

/// What opens on demand, by address.
pub(crate) fn kinds(plan: &Plan) -> Vec<Kind> {
    let facts = Arc::new(WorkFacts {
        policy: Policy::built_in(),
        account: crate::account::name(),
        offers: Arc::new(plan.settings.models.offers()),
        tools: Arc::new(tools::registry()),
        limits: plan.settings.limits,
    });
    let under =
        |part: &'static str| move |address: &Address| Some(Address::workspace(&address.workspace_of()?).child(part));
    let sessions = plan.sessions.clone();
    let ready =
        move |address: &Address| address.chat_of_lane().is_some_and(|chat| lane::Sink::is_ready(&sessions, &chat));
    let mut kinds = vec![
        Kind::entity::<Context>(
            "ws/*/context/*",
            under("contexts"),
            ContextDeps::new(plan.layout.clone()),
            facts.clone(),
        ),
        Kind::entity::<Memory>("ws/*/memory/*", under("memories"), MemoryDeps::new(plan.layout.clone()), facts.clone()),
        Kind::entity::<Task>("ws/*/task/*", under("tasks"), TaskDeps::new(plan.layout.clone()), facts.clone()),
        Kind::entity::<Workspace>(
            "ws/*/workspace",
            |address| Some(Address::workspace(&address.workspace_of()?)),
            WorkspaceDeps::new(plan.layout.clone()),
            facts,
        ),
        Kind::entity::<Lane>(
            "connector/*/chat/**",
            |_| Some(Address::fixed(LANES)),
            Arc::new(LaneDeps { sink: Arc::new(plan.sessions.clone()) }),
            Arc::new(lane_facts()),
        )
        .swept_if(ready),
        retention(plan),
    ];
    let (console, at) = (plan.clone(), |_: &Address| Some(Address::fixed(CONNECTORS)));
    kinds.push(Kind::child(LANES, at, |_| lanes()));
    kinds.push(Kind::child(CONSOLE, at, move |address| self::console(&console, address)));
    let (console, at) = (plan.clone(), |_: &Address| Some(Address::fixed("operator")));
    kinds.push(Kind::child(QUESTIONS, at, move |address| self::console(&console, address)));
    kinds.push(Kind::supervisor("ws/*", |_| Some(Address::fixed(WORKSPACES)), of_workspace(plan.clone(), workspace)));
    for (of, pattern) in Part::ALL {
        let spec = move |plan: &Plan, address: &Address, id: &Slug| part(plan, of, address, id);
        let parent = |address: &Address| Some(Address::workspace(&address.workspace_of()?));
        let plan = plan.clone();
        kinds.push(Kind::child(pattern, parent, move |address| match address.workspace_of() {
            Some(id) => spec(&plan, address, &id),
            None => {
                Child::supervisor(address.clone(), Restart::Temporary, supervised(Intensity::STOP_CHILD, Vec::new()))
            }
        }));
    }
    kinds
}

/// Who says whose words are to be erased.
fn retention(plan: &Plan) -> Kind {
    Kind::entity::<Retention>(
        "retention",
        |_| Some(Address::fixed("operator")),
        RetentionDeps::new(super::own_folder(&plan.settings.data)),
        Arc::new(RetentionFacts {
            policy: plan.settings.retention,
            account: format!("console:{}", crate::account::name()),
        }),
    )
}

fn of_workspace(plan: Plan, make: fn(&Plan, &Slug) -> Children) -> impl Fn(&Address) -> Children + Send + Sync {
    move |address| match address.workspace_of() {
        Some(id) => make(&plan, &id),
        None => supervised(Intensity::STOP_CHILD, Vec::new()),
    }
}

/// For a test that must be able to fail, a test build can leave out the mark before a send.
fn lane_facts() -> LaneFacts {
    LaneFacts {
        #[cfg(feature = "failpoints")]
        without_marks: std::env::var_os("AGENT_RUNTIME_TEST_WITHOUT_MARKS").is_some(),
    }
}

/// The parts of a workspace, all started with it, in this order. Its own actor is an entity and opens when it is asked for.
#[derive(Debug, Clone, Copy)]
enum Part {
    Index,
    Watcher,
    Contexts,
    Memories,
    Tasks,
}

impl Part {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Index, "ws/*/index"),
        (Self::Watcher, "ws/*/watcher"),
        (Self::Contexts, "ws/*/contexts"),
        (Self::Memories, "ws/*/memories"),
        (Self::Tasks, "ws/*/tasks"),
    ];
}

fn workspace(plan: &Plan, id: &Slug) -> Children {
    let at = Address::workspace(id);
    let parts =
        Part::ALL.iter().map(|(of, pattern)| part(plan, *of, &at.child(pattern.trim_start_matches("ws/*/")), id));
    supervised(Intensity::STOP_CHILD, parts.collect())
}

fn part(plan: &Plan, part: Part, address: &Address, id: &Slug) -> Child {
    match part {
        Part::Index => {
            let config = index_config(plan, id);
            service(address.clone(), move || IndexService::open(config.clone()))
        }
        Part::Watcher => {
            let config = index_config(plan, id);
            service(address.clone(), move || WatcherService::open(config.clone()))
        }
        Part::Contexts | Part::Memories | Part::Tasks => {
            Child::supervisor(address.clone(), Restart::Permanent, supervised(Intensity::STOP_CHILD, Vec::new()))
        }
    }
}

fn index_config(plan: &Plan, id: &Slug) -> IndexConfig {
    let mut reports = plan.reports.lock().unwrap_or_else(PoisonError::into_inner);
    IndexConfig {
        workspace_folder: plan.layout.folder(id),
        index_folder: plan.layout.index_folder(id),
        mounts: plan.settings.mounts.get(id.as_str()).cloned().unwrap_or_default(),
        poll: plan.settings.polled.contains(id.as_str()),
        watch: reports.entry(id.clone()).or_default().clone(),
    }
}

fn supervised(intensity: Intensity, list: Vec<Child>) -> Children {
    Children { strategy: Strategy::OneForOne, intensity, list }
}

fn service<S: Service>(address: Address, open: impl Fn() -> Result<S, ServiceError> + Send + Sync + 'static) -> Child {
    Child::service(address, Restart::Permanent, move || {
        let opened = open();
        Box::pin(async move { opened })
    })
}
