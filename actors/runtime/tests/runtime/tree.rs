//! The supervision tree with real actors.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messages::{Address, AskError, Protocol};
use runtime::{BoxFuture, Child, Intensity, ReplyPort, Restart, Service, ServiceCx, ServiceError, Strategy};
use serde::{Deserialize, Serialize};

use crate::kit::{Node, Trace, WAIT_MAX, Wish, children, probe, probes};
use crate::probe::Plan;

/// What a hand is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    Hello,
    Fail,
    /// Spawn a task that panics.
    Spill,
    /// Answer when the asker has gone, into the trace.
    Wait,
    Refuse,
}

/// The words of a hand.
#[derive(Debug)]
pub(crate) enum Hands {}

impl Protocol for Hands {
    const KIND: &'static str = "hand";
    type Msg = Told;
    type Reply = String;
}

/// A plain actor that writes down when it starts and stops.
pub(crate) struct Hand {
    trace: Trace,
    spills_at_start: bool,
}

impl Service for Hand {
    type Proto = Hands;

    async fn started(&mut self, cx: &ServiceCx) -> Result<(), ServiceError> {
        self.trace.push(format!("start {}", cx.address));
        if self.spills_at_start {
            cx.spawn("the first task", async { panic!("spilt at once") });
        }
        Ok(())
    }

    async fn handle(&mut self, told: Told, mut reply: ReplyPort<Hands>, cx: &ServiceCx) -> Result<(), ServiceError> {
        match told {
            Told::Hello => reply.send("hello".into()),
            Told::Fail => return Err(ServiceError::new("it was told to")),
            Told::Refuse => {
                let retry_after = Duration::from_millis(7);
                reply.fail(AskError::Busy { what: "its hands".into(), retry_after });
            }
            Told::Spill => {
                cx.spawn("a task", async { panic!("spilt") });
                reply.send("soon".into());
            }
            Told::Wait => {
                let trace = self.trace.clone();
                cx.spawn("waiting", async move {
                    reply.closed().await;
                    trace.push(format!("the asker has gone: {}", reply.is_closed()));
                });
            }
        }
        Ok(())
    }

    async fn stopping(&mut self, cx: &ServiceCx) {
        self.trace.push(format!("stop {}", cx.address));
    }
}

/// A hand at an address, permanent.
pub(crate) fn hand(address: &'static str, trace: &Trace) -> Child {
    hand_that(address, trace, Arc::default())
}

/// A hand that spills something at its first `spills` starts.
fn hand_that(address: &'static str, trace: &Trace, spills: Arc<AtomicUsize>) -> Child {
    let trace = trace.clone();
    let open = move || -> BoxFuture<Result<Hand, ServiceError>> {
        let spills_at_start = spills.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
        let hand = Hand { trace: trace.clone(), spills_at_start };
        Box::pin(async move { Ok(hand) })
    };
    Child::service(Address::fixed(address), Restart::Permanent, open)
}

async fn tell(node: &Node, address: &'static str, told: Told) -> Result<String, AskError> {
    node.system.to::<Hands>(&Address::fixed(address)).ask(told, WAIT_MAX).await
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_task_panics_is_opened_again() {
    let trace = Trace::default();
    let node = Node::with(Wish { more: vec![hand("a", &trace)], ..Wish::default() }).await;
    assert_eq!(tell(&node, "a", Told::Spill).await.unwrap(), "soon");
    node.until("it is opened again", || trace.count("start a") == 2).await;
    let view = node.view(&Address::fixed("a")).unwrap();
    assert_eq!(view.restarts, 1);
    assert!(view.last_error.contains("a task panicked: spilt"), "{}", view.last_error);
    node.until("it answers", || node.state(&Address::fixed("a")) == "running").await;
    assert_eq!(tell(&node, "a", Told::Hello).await.unwrap(), "hello");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_before_its_service_is_known_is_not_overlooked() {
    let trace = Trace::default();
    let child = hand_that("a", &trace, Arc::new(AtomicUsize::new(2)));
    let node = Node::with(Wish { more: vec![child], ..Wish::default() }).await;
    node.until("its third start is quiet", || trace.count("start a") == 3).await;
    node.until("it is running", || node.state(&Address::fixed("a")) == "running").await;
    assert_eq!(tell(&node, "a", Told::Hello).await.unwrap(), "hello");
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_closes_the_younger_ones_and_opens_all_in_order() {
    let trace = Trace::default();
    let list = vec![hand("a", &trace), hand("b", &trace), hand("c", &trace)];
    let rest = runtime::Children { strategy: Strategy::RestForOne, ..children(Intensity::STOP_CHILD, list) };
    let group = Child::supervisor(Address::fixed("group"), Restart::Permanent, rest);
    let node = Node::with(Wish { more: vec![group], ..Wish::default() }).await;
    node.until("all have started", || trace.has("start c")).await;
    assert!(matches!(tell(&node, "b", Told::Fail).await, Err(AskError::Failed(_))));
    node.until("the last is open again", || trace.count("start c") == 2).await;
    let all = trace.all();
    assert_eq!(all[..3], ["start a", "start b", "start c"]);
    let after: Vec<_> = all[3..].iter().filter(|entry| *entry != "stop b").collect();
    assert_eq!(after, ["stop c", "start b", "start c"], "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn two_failures_at_once_in_a_group_open_each_address_once() {
    let trace = Trace::default();
    let list = vec![hand("a", &trace), hand("b", &trace), hand("c", &trace)];
    let rest = runtime::Children { strategy: Strategy::RestForOne, ..children(Intensity::STOP_CHILD, list) };
    let group = Child::supervisor(Address::fixed("group"), Restart::Permanent, rest);
    let node = Node::with(Wish { more: vec![group], ..Wish::default() }).await;
    node.until("all have started", || trace.has("start c")).await;
    assert!(tell(&node, "c", Told::Fail).await.is_err());
    assert!(tell(&node, "a", Told::Fail).await.is_err());
    node.pass(Duration::from_secs(10)).await;
    let lives = |name: &str| trace.count(&format!("start {name}")) - trace.count(&format!("stop {name}"));
    assert_eq!(tell(&node, "c", Told::Hello).await.unwrap(), "hello");
    // A failed one ends without its last words: one start of `a` and one of `c`.
    assert_eq!((lives("a"), lives("b"), lives("c")), (2, 1, 2), "{:?}", trace.all());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_stops_children_before_parents_and_what_others_stand_on_last() {
    let trace = Trace::default();
    let below = children(Intensity::STOP_CHILD, vec![hand("m/one", &trace), hand("m/two", &trace)]);
    let group = Child::supervisor(Address::fixed("m"), Restart::Permanent, below);
    let more = vec![hand("store", &trace), hand("z", &trace), group, hand("a", &trace)];
    let node = Node::with(Wish { more, ..Wish::default() }).await;
    node.ask(&probe("x"), Plan::default()).await.unwrap();
    node.until("all have started", || trace.count("start a") == 1).await;
    let before = trace.all().len();
    node.system.shutdown(Duration::from_secs(10)).await;
    assert_eq!(trace.all()[before..], ["stop a", "stop m/two", "stop m/one", "stop z", "stop store"]);
    assert_eq!(node.system.ended().await, "stopped");
    assert!(node.ask(&probe("y"), Plan::default()).await.is_err(), "nothing is opened while the node stops");
}

#[tokio::test(start_paused = true)]
async fn a_root_that_gives_up_says_why() {
    let trace = Trace::default();
    let node = Node::with(Wish { more: vec![hand("a", &trace)], ..Wish::default() }).await;
    for failure in 1..=51_u64 {
        while !matches!(tell(&node, "a", Told::Fail).await, Err(AskError::Failed(_))) {
            node.pass(Duration::from_millis(10)).await;
        }
        node.until("it was counted", || node.view(&Address::fixed("a")).is_none_or(|view| view.restarts == failure))
            .await;
    }
    let why = tokio::time::timeout(WAIT_MAX, node.system.ended()).await.unwrap();
    assert!(why.contains("a failed 51 times") && why.contains("it was told to"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn the_tree_is_shown_with_parents_before_their_children() {
    let node = Node::new().await;
    node.ask(&probe("b"), Plan::default()).await.unwrap();
    node.ask(&probe("a"), Plan::default()).await.unwrap();
    let shown: Vec<_> = node.system.actors().into_iter().map(|view| (view.address, view.parent)).collect();
    let expected = [("node", ""), ("probes", "node"), ("probe/a", "probes"), ("probe/b", "probes")];
    assert_eq!(shown, expected.map(|(address, parent)| (address.to_owned(), parent.to_owned())));
    assert_eq!(node.view(&probes()).unwrap().kind, "supervisor");
}
