//! Wakes, asks and their deadlines.

use std::time::Duration;

use messages::{Address, AskError, Protocol};

use crate::kit::{Node, Wish, probe, probes};
use crate::probe::{Plan, Words};

#[tokio::test(start_paused = true)]
async fn many_wakes_are_one_more_read() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::default()).await.unwrap();
    node.book.commit_door.shut();
    let held = node.start_ask(&at, Plan::writing("held"));
    node.until("it is at work", || node.book.commit_door.waiting() == 1).await;
    for _ in 0..1_000 {
        node.system.wake(&at);
    }
    assert_eq!(node.view(&at).unwrap().mailbox, 1);
    node.book.commit_door.open();
    held.await.unwrap().unwrap();
    node.ask(&at, Plan::default()).await.unwrap();
    assert_eq!(node.trace.count("read probe/a"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wake_during_a_read_leads_to_another_read() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::default()).await.unwrap();
    node.book.work_door.shut();
    node.system.wake(&at);
    node.until("it reads", || node.book.work_door.waiting() == 1).await;
    node.system.wake(&at);
    node.book.work_door.open();
    node.until("it reads again", || node.trace.count("read probe/a") == 2).await;
    node.ask(&at, Plan::default()).await.unwrap();
    assert_eq!(node.trace.count("read probe/a"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_wake_opens_what_is_not_open_and_many_open_it_once() {
    let (node, at) = (Node::new().await, probe("a"));
    for _ in 0..100 {
        node.system.wake(&at);
    }
    node.until("it reads", || node.trace.has("read probe/a")).await;
    node.ask(&at, Plan::default()).await.unwrap();
    assert_eq!(node.trace.count("rows probe/a"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_wake_stranded_is_found_by_the_sweep() {
    let node = Node::with(Wish { timers: true, ..Wish::default() }).await;
    let at = probe("a");
    node.pass(Duration::from_secs(3)).await;
    assert!(node.view(&at).is_none());
    node.book.strand(&at);
    node.pass(Duration::from_millis(1_500)).await;
    assert!(node.trace.has("read probe/a"), "nobody woke it but the sweep");
}

#[tokio::test(start_paused = true)]
async fn an_ask_that_is_not_answered_ends_at_its_deadline() {
    let (node, at) = (Node::new().await, probe("a"));
    let began = tokio::time::Instant::now();
    let silent = Plan { silent: true, ..Plan::writing("heard") };
    let deadline = Duration::from_secs(3);
    assert_eq!(node.ask_within(&at, silent, deadline).await, Err(AskError::Timeout(deadline)));
    assert!(began.elapsed() >= deadline && began.elapsed() < deadline * 2);
    assert!(node.trace.has("commit heard"), "a time-out says nothing about whether it was done");
}

#[tokio::test(start_paused = true)]
async fn asks_that_nobody_waits_for_do_not_fill_an_entity() {
    let (node, at) = (Node::new().await, probe("a"));
    let silent = || Plan { silent: true, ..Plan::default() };
    for _ in 0..300 {
        let left = node.ask_within(&at, silent(), Duration::from_millis(1)).await;
        assert_eq!(left, Err(AskError::Timeout(Duration::from_millis(1))));
    }
    let waiting: Vec<_> = (0..256).map(|_| node.start_ask(&at, silent())).collect();
    node.until("all were heard", || node.view(&at).unwrap().handled == 556).await;
    let refused = node.ask(&at, Plan::default()).await.unwrap_err();
    assert!(matches!(&refused, AskError::Busy { what, .. } if what.contains("256")), "{refused:?}");
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    node.until("room is made", || waiting.iter().all(tokio::task::JoinHandle::is_finished)).await;
    assert_eq!(node.ask(&at, Plan::default()).await.unwrap(), "done");
}

/// Words that probes do not understand.
#[derive(Debug)]
enum Foreign {}

impl Protocol for Foreign {
    const KIND: &'static str = "foreign";
    type Msg = u8;
    type Reply = u8;
}

#[tokio::test(start_paused = true)]
async fn asks_that_can_reach_nobody_say_so() {
    let node = Node::new().await;
    let nowhere = Address::parse("nowhere/at/all").unwrap();
    let unknown = node.ask(&nowhere, Plan::default()).await;
    assert!(matches!(&unknown, Err(AskError::NoSuchAddress(what)) if what.contains("nowhere/at/all")), "{unknown:?}");
    let supervisor = node.ask(&probes(), Plan::default()).await;
    assert!(matches!(&supervisor, Err(AskError::NoSuchAddress(what)) if what.contains("is a supervisor")));
    node.ask(&probe("a"), Plan::default()).await.unwrap();
    let foreign = node.system.to::<Foreign>(&probe("a")).ask(1, Duration::from_secs(1)).await;
    assert!(matches!(&foreign, Err(AskError::Decode(what)) if what.contains("foreign")), "{foreign:?}");
    assert_eq!(format!("{:?}", node.system.to::<Words>(&probe("a"))), "probe:probe/a");
}
