//! Units: who holds them, and the fence that every commit carries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use messages::store::Fence;
use messages::{Address, AskError, Trace};
use runtime::{BoxFuture, Far, UnitClaimer, Word};

use crate::kit::{Node, Wish, probe, probes};
use crate::probe::{Plan, fast, slow};

fn at(text: &str) -> Address {
    Address::parse(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_unit_is_claimed_once_before_the_first_of_it_opens_and_fences_every_commit() {
    let node = Node::new().await;
    let (one, two) = (at("ws/home/context/one"), at("ws/home/context/two"));
    assert_eq!(node.system.fence(&one), None);
    node.ask(&one, Plan::writing("m1")).await.unwrap();
    node.ask(&two, Plan::writing("m2")).await.unwrap();
    node.ask(&at("ws/other/context/one"), Plan::writing("m3")).await.unwrap();
    node.ask(&probe("a"), Plan::writing("m4")).await.unwrap();
    let claims: Vec<_> = node.trace.all().into_iter().filter(|entry| entry.starts_with("claim")).collect();
    assert_eq!(claims, ["claim ws/home", "claim ws/other"]);
    let commits = node.book.commits.lock().unwrap();
    let fences: Vec<_> =
        commits.iter().flat_map(|c| &c.fences).map(|fence| (fence.unit.to_string(), fence.epoch)).collect();
    assert_eq!(fences, [("ws/home".into(), 1), ("ws/home".into(), 1), ("ws/other".into(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn two_claims_at_once_are_one() {
    let node = Node::new().await;
    node.book.commit_door.shut();
    let one = at("ws/home/context/one");
    let claims = [(); 2].map(|()| {
        let (system, one) = (node.system.clone(), one.clone());
        tokio::spawn(async move { system.claim(&one).await })
    });
    node.until("the first is at the store", || node.book.commit_door.waiting() >= 1).await;
    node.book.commit_door.open();
    for claim in claims {
        claim.await.unwrap().unwrap();
    }
    assert_eq!(node.trace.count("claim ws/home"), 1);
    assert_eq!(node.system.fence(&one).unwrap().epoch, 1);
}

/// Somebody else holds every folder.
struct Taken;

impl UnitClaimer for Taken {
    fn hold(&self, unit: &Address) -> Result<Box<dyn Send + Sync>, String> {
        Err(format!("{unit} is held by another process"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_cannot_be_held_opens_nothing_and_says_why() {
    let node = Node::with(Wish { claimer: Arc::new(Taken), ..Wish::default() }).await;
    let one = at("ws/home/context/one");
    let refused = node.ask(&one, Plan::default()).await;
    assert_eq!(refused, Err(AskError::Failed("ws/home is held by another process".into())));
    assert!(node.view(&one).is_none() && node.system.fence(&one).is_none());
}

/// Other nodes: all is here, under a lease that a test ends.
#[derive(Default)]
struct Lease {
    is_over: AtomicBool,
}

impl Far for Lease {
    fn is_here(&self, _: &Address) -> bool {
        true
    }

    fn tell(&self, _: &Address, _: Word) {}

    fn ask(&self, _: &Address, _: Vec<u8>, _: Duration) -> BoxFuture<Result<Vec<u8>, AskError>> {
        Box::pin(async { Err(AskError::NotOwner) })
    }

    fn listen(&self, _: &Address, _: &Trace) {}

    fn fence(&self, unit: &Address) -> Result<Fence, String> {
        let fence = Fence { unit: unit.clone(), epoch: 7 };
        if self.is_over.load(Ordering::SeqCst) { Err("the lease has ended".into()) } else { Ok(fence) }
    }

    fn may_begin(&self, unit: &Address) -> Result<(), String> {
        self.fence(unit).map(drop)
    }
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_begins_wakes_all_of_it_whose_rows_wait_and_nobody_else() {
    let node = Node::new().await;
    // More than one page, and addresses that sort among them.
    let waits: Vec<Address> = (0..600).map(|n| at(&format!("ws/home/context/c{n}"))).collect();
    let others = ["ws/home-2/context/a", "ws/homer/context/a", "ws/a/context/a"].map(at);
    waits.iter().chain(&others).for_each(|address| node.book.strand(address));
    node.system.wake_below(&at("ws/home")).await;
    node.until("they live", || waits.iter().all(|address| node.view(address).is_some())).await;
    assert!(others.iter().all(|address| node.view(address).is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_told_that_a_supervisor_has_ended_knows_that_nothing_below_it_runs() {
    // On threads of their own: often enough that one which is not waited for is met.
    for _ in 0..100 {
        let node = Node::new().await;
        node.book.commit_door.shut();
        let asked: Vec<_> = (0..20).map(|n| node.start_ask(&probe(&format!("p{n}")), Plan::writing("m"))).collect();
        node.until("they commit", || node.book.commit_door.waiting() == 20).await;
        node.system.close(&probes()).await;
        assert_eq!(node.book.commit_door.waiting(), 0, "what they were about was given up");
        for asked in asked {
            assert!(asked.await.unwrap().is_err());
        }
        assert!(!node.trace.has("commit m"), "{:?}", node.trace.all());
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_takes_long_to_end_holds_up_no_other_and_is_opened_again_when_it_has_ended() {
    let node = Node::new().await;
    let (long, short) = (probe("long"), probe("short"));
    node.ask(&short, Plan::default()).await.unwrap();
    node.book.commit_door.shut();
    let asked = node.start_ask(&long, Plan::writing("m"));
    node.until("it commits", || node.book.commit_door.waiting() == 1).await;
    let close = |address: &Address| {
        let (system, address) = (node.system.clone(), address.clone());
        tokio::spawn(async move { system.close(&address).await })
    };
    let closing = [close(&long), close(&long)];
    close(&short).await.unwrap();
    assert!(node.view(&short).is_none() && node.view(&long).is_some());
    assert!(closing.iter().all(|closing| !closing.is_finished()));
    // Others are opened meanwhile, and so is this one when it has ended.
    node.ask(&short, Plan::default()).await.unwrap();
    node.book.commit_door.open();
    asked.await.unwrap().unwrap();
    for closing in closing {
        closing.await.unwrap();
    }
    assert!(node.view(&long).is_none());
    node.ask(&long, Plan::default()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_is_not_done_after_the_lease_has_ended_and_is_done_when_it_was_renewed() {
    let lease = Arc::new(Lease::default());
    let node = Node::with(Wish { far: Some(lease.clone()), ..Wish::default() }).await;
    let one = at("ws/home/context/one");
    node.ask(&one, Plan::doing(vec![fast("before")])).await.unwrap();
    node.until("it is done", || node.trace.has("perform before")).await;
    // The commit is made, and the node frozen until its lease has ended: nothing of what follows may be done.
    node.book.commit_door.shut();
    let asked = node.start_ask(&one, Plan::writing("said").and(fast("file")).and(slow(1, Plan::default())));
    node.until("it commits", || node.book.commit_door.waiting() == 1).await;
    lease.is_over.store(true, Ordering::SeqCst);
    node.book.commit_door.open();
    asked.await.unwrap().unwrap();
    node.pass(Duration::from_secs(30)).await;
    assert!(node.trace.has("commit said") && !node.trace.has("perform file"), "{:?}", node.trace.all());
    assert_eq!(node.state(&one), "paused");
    lease.is_over.store(false, Ordering::SeqCst);
    node.until("it is done", || node.trace.has("perform file")).await;
    node.until("slow work begins", || node.deps.door(1).waiting() == 1).await;
    assert_eq!(node.state(&one), "running");
}
