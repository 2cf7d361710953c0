//! A worker that is honest about what it is and not about what it writes: by a real link to a real hub it holds a workspace
//! of its own, and writes for another's.

use std::sync::{Arc, Mutex};

use cluster::{
    Begin, BootTime, Call, ClusterService, Config, Hands, Member, Others, Peer, RemoteStore, Serve, Served, Tcp,
    VERSIONS,
};
use messages::cluster::{HOLDS_MAX, Holds, Incarnation, NodeFacts, Role, Roles};
use messages::store::{Commit, CommitError, Committed, Fence, Owner, StepWrite, TaskWrite, Write};
use messages::turn::Outcome;
use messages::{Address, AskError, InboundId, Moment, Slug, TaskId};
use pki::{LiveCredentials, NodeFolder};
use runtime::testing::NoLocks;
use runtime::{
    BoxFuture, Child, Children, Far as _, Intensity, Options, Restart, ServiceError, Store as _, Strategy, System,
    SystemClock, SystemParts,
};
use rustls::time_provider::DefaultTimeProvider;
use tests::cluster::four;

use super::simulation::trust::PkiTrust;
use super::versions::until_seen;
use super::world::{CONNECTOR, HUB, WORKER, WORKER_2, World};

const MINE: &str = "ws/mine";

/// In the place of the second worker.
struct Outsider {
    member: Arc<Member>,
    _system: System,
}

/// It opens nothing.
struct NoHands;

impl Hands for NoHands {
    fn open(&self, _: &System, _: &Address) -> BoxFuture<Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn begin(&self, _: &System, _: &Address) -> BoxFuture<()> {
        Box::pin(std::future::ready(()))
    }

    fn close(&self, _: &System, _: &Address) -> BoxFuture<()> {
        Box::pin(std::future::ready(()))
    }

    fn workspaces(&self) -> BoxFuture<Result<Vec<Slug>, String>> {
        Box::pin(std::future::ready(Err("it stays with what it said".into())))
    }
}

struct Closed;

impl Serve for Closed {
    fn serve(&self, _: Arc<Peer>, _: u64, _: Call) -> Served {
        Box::pin(std::future::ready(Err(AskError::NotOwner)))
    }
}

impl Outsider {
    /// Joins as a worker with these workspaces.
    async fn joins(world: &World, workspaces: Vec<Slug>) -> Self {
        let (roles, node) = (Roles::of(&[Role::Worker]), Slug::parse(WORKER_2).unwrap());
        let incarnation = Incarnation::new(Moment(1), 1);
        let facts = NodeFacts { node, incarnation, roles, holds: Holds::These(workspaces), units_max: 8 };
        let member = Member::new(facts, Arc::new(BootTime));
        let folder = NodeFolder::new(world.data(WORKER_2).join("agent-runtime/pki/node"));
        let config = Config {
            node: WORKER_2.into(),
            incarnation: incarnation.to_string(),
            roles,
            program: "outsider".into(),
            versions: VERSIONS,
            net: Arc::new(Tcp::new(None).unwrap()),
            peers: vec![world.cluster.address().unwrap()],
            cookie: folder.cookie().unwrap(),
            trust: Arc::new(PkiTrust(Arc::new(LiveCredentials::open(folder, Arc::new(DefaultTimeProvider)).unwrap()))),
            serve: Arc::new(Closed),
        };
        let parts = SystemParts {
            node: WORKER_2.into(),
            incarnation: incarnation.to_string(),
            store: Arc::new(RemoteStore(member.clone())),
            clock: Arc::new(SystemClock),
            claimer: Arc::new(NoLocks),
            far: Some(Arc::new(Others(member.clone()))),
            options: Options::default(),
        };
        let system = System::new(parts, Vec::new());
        let begin = Arc::new(Mutex::new(Some(Begin { config, hands: Arc::new(NoHands), reign: None })));
        let of = member.clone();
        let service = Child::service(ClusterService::address(), Restart::Permanent, move || {
            let opened: Result<_, ServiceError> = Ok(ClusterService::new(of.clone(), begin.clone()));
            Box::pin(std::future::ready(opened))
        });
        let list = vec![service];
        let root = Children { strategy: Strategy::OneForOne, intensity: Intensity::ESCALATE, list };
        system.start(root).await.unwrap();
        Self { member, _system: system }
    }

    /// The fence of its own workspace, once it holds it.
    async fn fence(&self, world: &World) -> Fence {
        let (unit, others) = (Address::fixed(MINE), Others(self.member.clone()));
        world.until(|_| others.fence(&unit).is_ok()).await;
        others.fence(&unit).unwrap()
    }

    async fn commit(&self, by: Owner, fences: Vec<Fence>, write: Write) -> Result<Committed, CommitError> {
        RemoteStore(self.member.clone()).commit(Commit { by, fences, writes: vec![write] }).await
    }
}

/// Of what the first words of the connector's user have become; by what names it: its place, its id, its address.
fn foreign() -> Vec<(Owner, Write)> {
    let at = Moment(1);
    let theirs = || Address::fixed("ws/home/context/general");
    let task = TaskId::of("home", "x");
    let audit = Write::Audit {
        at,
        actor: theirs(),
        principal: "console:ann".into(),
        action: "turn.settled".into(),
        subject: "x".into(),
        rules: Vec::new(),
        detail: "{}".into(),
    };
    let step = StepWrite::End {
        work: messages::step::Work::Turn(InboundId::of("console", "foreign")),
        seq: 0,
        what: messages::step::What::Model,
        status: messages::step::StepStatus::Done,
        output: String::new(),
        cost: Some(messages::step::Cost { accounts: vec!["ws/home".into()], ..Default::default() }),
        at,
    };
    let record = TaskWrite::Recorded { task, rev: 1, has_words: false };
    vec![
        (Owner::Context, Write::Redact { seq: 1 }),
        (Owner::Context, Write::InboxSettle { seq: 1, outcome: Outcome::Noted, reason: "foreign".into(), at }),
        (Owner::Context, Write::OutboxLogged { id: 1 }),
        (Owner::Context, Write::ContextPut { context: theirs(), rev: 9, fresh_after: 1, definition: "foreign".into() }),
        (Owner::Context, Write::TimerPut { entity: theirs(), name: "foreign".into(), due: at }),
        (Owner::Context, audit),
        (Owner::Context, Write::Step(Box::new(step))),
        (Owner::Workspace, Write::Task(record)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_writes_for_the_workspace_that_it_holds_and_not_for_another_nor_without_a_fence() {
    let mut world = World::of(four()).await;
    [HUB, CONNECTOR, WORKER].into_iter().for_each(|name| world.spawn(name));
    world.answers().await;
    let mut driver = world.attach("general").await;
    world.ask(&mut driver, "hello").await;
    let outsider = Outsider::joins(&world, vec![Slug::parse("mine").unwrap()]).await;
    let own = outsider.fence(&world).await;
    let dated = |unit: &str| {
        let entity = Address::parse(&format!("{unit}/context/general")).unwrap();
        Write::TimerPut { entity, name: "outsider".into(), due: Moment(i64::MAX) }
    };
    outsider.commit(Owner::Context, vec![own.clone()], dated(MINE)).await.unwrap();
    for (by, write) in foreign() {
        let refused = outsider.commit(by, vec![own.clone()], write.clone()).await;
        // There is no such task: whose it would be, nobody knows.
        let words = match &write {
            Write::Task(_) => "does not exist".to_owned(),
            of => format!("{} writes for ws/home", of.name()),
        };
        let Err(CommitError::Refused(why) | CommitError::Conflict(why)) = &refused else { panic!("{refused:?}") };
        assert!(why.contains(&words), "{why}");
        let unfenced = outsider.commit(by, Vec::new(), write).await;
        assert!(
            matches!(&unfenced, Err(CommitError::Refused(why)) if why.contains("must carry the fence")),
            "{unfenced:?}"
        );
    }
    let theirs = Fence { unit: Address::fixed("ws/home"), epoch: 1 };
    let as_theirs = outsider.commit(Owner::Context, vec![theirs], dated("ws/home")).await;
    assert!(matches!(as_theirs, Err(CommitError::Fenced { .. })), "{as_theirs:?}");
    let sql = rusqlite::Connection::open(world.data(HUB).join("agent-runtime/meta.sqlite")).unwrap();
    let count = |sql_of: &str| sql.query_row(sql_of, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM timer WHERE name = 'outsider' AND entity LIKE 'ws/mine/%'"), 1);
    assert_eq!(count("SELECT count(*) FROM timer WHERE name IN ('outsider', 'foreign')"), 1);
    assert_eq!(count("SELECT count(*) FROM inbox WHERE reason = 'foreign' OR redacted <> 0"), 0);
    assert_eq!(count("SELECT count(*) FROM context WHERE definition = 'foreign'"), 0);
    world.ask(&mut driver, "all goes on").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_names_more_workspaces_than_one_may_is_no_part_of_the_cluster_and_the_hub_says_why() {
    let mut world = World::of(four()).await;
    [HUB, CONNECTOR, WORKER].into_iter().for_each(|name| world.spawn(name));
    world.answers().await;
    let named = (0..=HOLDS_MAX).map(|n| Slug::parse(&format!("w{n}")).unwrap()).collect();
    let _outsider = Outsider::joins(&world, named).await;
    let why = format!("what `{WORKER_2}` says of itself is not heard: it names more than {HOLDS_MAX} workspaces");
    world.until(|world| world.said(HUB).contains(&why)).await;
    let status = world.cluster.run("status", HUB).await.unwrap();
    assert!(status.stdout.contains(&why), "{}", status.stdout);
    until_seen(&world, HUB, WORKER, |node| node["units"] == 1).await;
    let placed = world.told("placement --json", HUB).await;
    let units: Vec<&str> = placed.as_array().unwrap().iter().filter_map(|of| of["unit"].as_str()).collect();
    assert_eq!(units, ["connector/console", "ws/home"]);
}
