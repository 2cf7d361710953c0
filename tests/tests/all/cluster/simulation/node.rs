//! One node: the real links, member and runtime, with small actors of the test above them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster::{
    Begin, Call, ClusterService, Config, Hands, LeaseClock, Member, Others, Peer, Reign, RemoteStore, Serve, Served,
    VERSIONS,
};
use messages::cluster::{Holds, Incarnation, NodeFacts, Role, Roles};
use messages::membership::{Membership, Msg};
use messages::{Address, AskError, Slug};
use runtime::testing::NoLocks;
use runtime::{
    BoxFuture, Child, Children, Intensity, Kind, Options, Restart, ServiceError, StorePort, Strategy, System,
    SystemParts,
};

use super::desk::{DESK, Desk};
use super::network::{HUB, SimClock, SimNet, listen};
use super::outside::{Control, Outside, WORKSPACES};
use super::store::{BusyStore, Disk, SimStore};
use super::sweep::Sweep;
use super::talk::{Deps, Facts, Talk};
use super::trust::Credentials;

/// How often it is looked whether an operator wants something.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// As long as a node that stops takes to say goodbye.
const LEAVE_MAX: Duration = Duration::from_secs(2);

/// A node of the cluster.
#[derive(Clone, Copy)]
pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) roles: &'static [Role],
}

/// The hub is the first.
pub(super) const NODES: [Spec; 4] = [
    Spec { name: "hub", roles: &[Role::Hub] },
    Spec { name: "north", roles: &[Role::Worker] },
    Spec { name: "east", roles: &[Role::Connector, Role::Worker] },
    Spec { name: "west", roles: &[Role::Connector, Role::Worker] },
];

/// Their roles by this seed: each fourth hub has workspaces, too, and then speaks to itself.
pub(super) fn nodes(seed: u64) -> [Spec; 4] {
    let mut nodes = NODES;
    if seed % 4 == 3 {
        nodes[0].roles = &[Role::Hub, Role::Worker];
    }
    nodes
}

/// What a start of a node is made from.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) spec: Spec,
    pub(super) outside: Arc<Outside>,
    pub(super) credentials: Credentials,
    /// Of the hub's store.
    pub(super) folder: PathBuf,
    pub(super) disk: Disk,
}

/// Runs until the node is killed. One that ends says so first: whoever supervises it starts it again.
pub(super) async fn run(start: Start) -> turmoil::Result {
    let name = start.spec.name;
    start.outside.wants(name, |wanted| *wanted = super::outside::Wanted::default());
    let listener = if start.spec.roles.contains(&Role::Hub) { Some(listen().await?) } else { None };
    let net = SimNet::new(name, &start.outside, listener.as_ref());
    let (system, member) = begin(&start, net).await?;
    let mut drained = false;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let wanted = start.outside.wanted(name);
        if wanted.drained != drained {
            drained = wanted.drained;
            let asked = system.to::<Membership>(&ClusterService::address());
            drop(asked.ask(Msg::Drain { away: drained }, Duration::from_secs(1)).await);
        }
        let gave_up = tokio::time::timeout(Duration::ZERO, system.ended()).await;
        if let Ok(why) = gave_up {
            start.outside.trace(super::network::elapsed(), &format!("{name} gives up: {why}"));
        } else if !wanted.stopped {
            continue;
        } else {
            system.drain();
            member.leave(LEAVE_MAX).await;
            system.shutdown(LEAVE_MAX).await;
        }
        start.outside.check(|checks| checks.ended(name));
        return std::future::pending().await;
    }
}

async fn begin(start: &Start, net: SimNet) -> Result<(System, Arc<Member>), String> {
    let Start { spec, outside, .. } = start;
    let slow = outside.control == Control::SlowClocks && spec.name != NODES[0].name;
    let clock = SimClock { of_1000: if slow { 250 } else { 1_000 } };
    let roles = Roles::of(spec.roles);
    let slug = |text: &str| Slug::parse(text).unwrap();
    let workspaces = if roles.has(Role::Worker) { WORKSPACES.map(slug).to_vec() } else { Vec::new() };
    let facts = NodeFacts {
        node: slug(spec.name),
        incarnation: Incarnation::new(runtime::Clock::now(&clock), outside.one_more_start()),
        roles,
        holds: Holds::These(workspaces.clone()),
        units_max: 64,
    };
    let incarnation = facts.incarnation.to_string();
    let member = Member::new(facts, Arc::new(clock) as Arc<dyn LeaseClock>);
    let (store, reign): (StorePort, Option<Reign>) = if member.is_hub() {
        start.disk.open(&start.folder)?;
        let store = SimStore::start(start.disk.clone(), outside);
        let reign = Reign::begin(&member, store.clone(), Vec::new()).await?;
        (Arc::new(BusyStore(store)), Some(reign))
    } else {
        (Arc::new(RemoteStore(member.clone())), None)
    };
    let config = Config {
        node: spec.name.into(),
        incarnation: incarnation.clone(),
        roles,
        program: "simulated".into(),
        versions: VERSIONS,
        net: Arc::new(net),
        peers: if member.is_hub() { Vec::new() } else { vec![HUB.into()] },
        cookie: start.credentials.cookie.clone(),
        trust: start.credentials.of(spec.name),
        serve: Arc::new(Closed),
    };
    let parts = SystemParts {
        node: spec.name.into(),
        incarnation,
        store,
        clock: Arc::new(clock),
        claimer: Arc::new(NoLocks),
        far: Some(Arc::new(Others(member.clone()))),
        options: Options::default(),
    };
    let system = System::new(parts, kinds(start));
    let begin = Begin { config, hands: Arc::new(SimHands(workspaces)), reign };
    system.start(root(start, &member, begin)).await?;
    Ok((system, member))
}

/// As the program has it, less what the test has no use for.
fn root(start: &Start, member: &Arc<Member>, begin: Begin) -> Children {
    let has = |role| start.spec.roles.contains(&role);
    let mut list = Vec::new();
    let of_many = || children(Intensity::STOP_CHILD, Vec::new());
    for (role, name) in [(Role::Worker, "workspaces"), (Role::Connector, "connectors")] {
        if has(role) {
            list.push(Child::supervisor(Address::fixed(name), Restart::Permanent, of_many()));
        }
    }
    if has(Role::Hub) {
        list.push(service(Address::fixed("timers"), || Sweep));
    }
    let (member, begin) = (member.clone(), Arc::new(Mutex::new(Some(begin))));
    list.push(service(ClusterService::address(), move || ClusterService::new(member.clone(), begin.clone())));
    children(Intensity::ESCALATE, list)
}

fn kinds(start: &Start) -> Vec<Kind> {
    let deps = Arc::new(Deps { outside: start.outside.clone() });
    let facts = Arc::new(Facts { node: start.spec.name });
    let workspace = |address: &Address| Some(Address::workspace(&address.workspace_of()?));
    let (outside, node) = (start.outside.clone(), start.spec.name);
    vec![
        Kind::entity::<Talk>("ws/*/context/*", workspace, deps, facts),
        Kind::supervisor(
            "ws/*",
            |_| Some(Address::fixed("workspaces")),
            |_| children(Intensity::STOP_CHILD, Vec::new()),
        ),
        Kind::child(
            DESK,
            |_| Some(Address::fixed("connectors")),
            move |address| {
                let outside = outside.clone();
                service(address.clone(), move || Desk { outside: outside.clone(), node })
            },
        ),
    ]
}

fn children(intensity: Intensity, list: Vec<Child>) -> Children {
    Children { strategy: Strategy::OneForOne, intensity, list }
}

fn service<S: runtime::Service>(address: Address, open: impl Fn() -> S + Send + Sync + 'static) -> Child {
    Child::service(address, Restart::Permanent, move || {
        let opened: Result<S, ServiceError> = Ok(open());
        Box::pin(std::future::ready(opened))
    })
}

/// Opens and closes the actors of units, as the program does.
struct SimHands(Vec<Slug>);

impl Hands for SimHands {
    fn open(&self, system: &System, unit: &Address) -> BoxFuture<Result<(), String>> {
        let (system, unit) = (system.clone(), unit.clone());
        Box::pin(async move {
            system.close(&unit).await;
            Ok(())
        })
    }

    fn begin(&self, system: &System, unit: &Address) -> BoxFuture<()> {
        let (system, unit) = (system.clone(), unit.clone());
        Box::pin(async move {
            if unit.workspace_of().is_none() {
                system.wake(&unit);
            }
            system.wake_below(&unit).await;
        })
    }

    fn close(&self, system: &System, unit: &Address) -> BoxFuture<()> {
        let (system, unit) = (system.clone(), unit.clone());
        Box::pin(async move { system.close(&unit).await })
    }

    /// As it was at the start.
    fn workspaces(&self) -> BoxFuture<Result<Vec<Slug>, String>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}

/// Until the member answers.
struct Closed;

impl Serve for Closed {
    fn serve(&self, _: Arc<Peer>, _: u64, _: Call) -> Served {
        Box::pin(std::future::ready(Err(AskError::NotOwner)))
    }
}
