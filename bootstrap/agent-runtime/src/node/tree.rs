//! The supervision tree, in one place. `docs/architecture.md` draws it, and a test compares both.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use admin::{AdminConfig, AdminService, AlarmsService, LiveLimits, StoreStats};
use console::{ConsoleConfig, ConsoleService, Sessions};
use lane::{Lane, LaneDeps, LaneFacts};
use messages::{Address, Slug};
use models::{ModelsService, ProviderService};
use operator_http::{Door, HttpService};
use policy::Policy;
use retrieval::{IndexConfig, IndexService, WatchReport, WatcherService};
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
    pub(crate) store: StoreHandle,
    /// Where health and metrics are told.
    pub(crate) door: Option<Door>,
    /// When alarms are raised; can be changed while the node runs.
    pub(crate) alarms: LiveLimits,
    /// What a watcher can't watch is told to the index of the same workspace.
    pub(crate) reports: Arc<Mutex<HashMap<Slug, WatchReport>>>,
    /// The generation of the store.
    pub(crate) generation: i64,
}

const WORKSPACES: &str = "workspaces";
const CONNECTORS: &str = "connectors";
const LANES: &str = "connector/console/lanes";

/// The root and what it starts with, in order.
pub(crate) fn root(plan: &Plan) -> Children {
    let store = plan.store.clone();
    let models = plan.settings.models.clone();
    supervised(
        Intensity::ESCALATE,
        vec![
            service(StoreService::address(), move || Ok(StoreService::new(store.clone()))),
            Child::supervisor(Address::fixed("providers"), Restart::Permanent, providers(plan)),
            service(Address::fixed("models"), move || ModelsService::open(&models)),
            service(Address::fixed("tools"), tools(plan)),
            Child::supervisor(
                Address::fixed(WORKSPACES),
                Restart::Permanent,
                supervised(Intensity::STOP_CHILD, Vec::new()),
            ),
            // Before the door is open: who comes in first may ask about the node.
            service(Address::fixed("admin"), inspector(plan)),
            Child::supervisor(Address::fixed(CONNECTORS), Restart::Permanent, connectors(plan)),
            service(Address::fixed("timers"), || Ok(TimersService::default())),
            // A node can work without being looked at: these end nobody but themselves.
            Child::supervisor(Address::fixed("operator"), Restart::Permanent, operator(plan)),
        ],
    )
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

fn connectors(plan: &Plan) -> Children {
    let (layout, sessions) = (plan.layout.clone(), plan.sessions.clone());
    let config = ConsoleConfig {
        socket: console::socket_path(&plan.settings.data),
        node: plan.settings.name.clone(),
        lines: plan.settings.welcome.clone(),
        knows: Arc::new(move |workspace, context| layout.knows(workspace, context)),
        generation: plan.generation,
    };
    let lanes = supervised(Intensity::STOP_CHILD, Vec::new());
    supervised(
        Intensity::STOP_CHILD,
        vec![
            Child::supervisor(Address::fixed(LANES), Restart::Permanent, lanes),
            service(Address::fixed("connector/console"), move || {
                Ok(ConsoleService::open(config.clone(), sessions.clone()))
            }),
        ],
    )
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
        store: Arc::new(move || store.health().trouble().map(|trouble| format!("the store {trouble}"))),
        stats: Arc::new(move || stats(&counted)),
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
    ];
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
