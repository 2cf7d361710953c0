//! Commit, answer, effects: in this order and no other.

use std::time::Duration;

use messages::AskError;

use crate::kit::{Node, probe};
use crate::probe::{Plan, Step, fast, fast_then, slow};

#[tokio::test(start_paused = true)]
async fn it_answers_and_acts_only_after_its_commit() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::default()).await.unwrap();
    node.book.commit_door.shut();
    let asked = node.start_ask(&at, Plan::writing("mark").and(fast("after")));
    node.until("the commit is under way", || node.book.commit_door.waiting() == 1).await;
    node.pass(Duration::from_secs(5)).await;
    assert!(!asked.is_finished() && !node.trace.has("perform after"));
    node.book.commit_door.open();
    assert_eq!(asked.await.unwrap().unwrap(), "done");
    node.until("the effect follows", || node.trace.has("perform after")).await;
    let all = node.trace.all();
    let place = |what: &str| all.iter().position(|entry| entry == what);
    assert!(place("commit mark") < place("perform after"), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn effects_go_front_to_back_and_each_event_is_committed_before_the_next_effect() {
    let (node, at) = (Node::new().await, probe("a"));
    let second = Plan::writing("m1").and(fast("c"));
    node.ask(&at, Plan::writing("m0").and(fast_then("a", second)).and(fast("b"))).await.unwrap();
    node.until("all is done", || node.trace.has("perform c")).await;
    let all = node.trace.all();
    assert_eq!(all[2..], ["commit m0", "perform a", "commit m1", "perform b", "perform c"], "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn many_effects_leave_room_for_the_mailbox() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::default()).await.unwrap();
    node.book.commit_door.shut();
    let effects = (0..1_000).map(|n| fast(&n.to_string())).collect();
    let many = node.start_ask(&at, Plan { then: effects, ..Plan::writing("many") });
    node.until("it commits", || node.book.commit_door.waiting() == 1).await;
    let between = node.start_ask(&at, Plan::writing("between"));
    node.until("another waits", || node.view(&at).unwrap().mailbox == 1).await;
    node.book.commit_door.open();
    many.await.unwrap().unwrap();
    between.await.unwrap().unwrap();
    node.until("all is done", || node.trace.has("perform 999")).await;
    let all = node.trace.all();
    let place = |what: &str| all.iter().position(|entry| entry == what);
    assert!(place("commit between") < place("perform 999"), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn slow_work_runs_beside_the_mailbox_and_its_event_is_decided() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::doing(vec![slow(1, Plan::writing("result"))])).await.unwrap();
    node.until("it runs", || node.trace.has("slow 1")).await;
    node.ask(&at, Plan::writing("meanwhile")).await.unwrap();
    assert!(!node.trace.has("commit result"));
    node.deps.door(1).open();
    node.until("its event is committed", || node.trace.has("commit result")).await;
}

#[tokio::test(start_paused = true)]
async fn slow_work_that_is_aborted_ends() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::doing(vec![slow(1, Plan::writing("result"))])).await.unwrap();
    node.until("it runs", || node.trace.has("slow 1")).await;
    node.ask(&at, Plan { abort: vec![1], ..Plan::default() }).await.unwrap();
    node.until("it was dropped", || node.trace.has("dropped 1")).await;
    node.deps.door(1).open();
    node.ask(&at, Plan::writing("after")).await.unwrap();
    assert!(!node.trace.has("commit result") && !node.trace.has("commit died 1"));
}

#[tokio::test(start_paused = true)]
async fn a_result_that_comes_after_its_abort_is_ignored() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::doing(vec![slow(1, Plan::writing("result"))])).await.unwrap();
    node.until("it runs", || node.trace.has("slow 1")).await;
    node.book.commit_door.shut();
    let aborts = node.start_ask(&at, Plan { abort: vec![1], ..Plan::writing("aborted") });
    node.until("the abort is being committed", || node.book.commit_door.waiting() == 1).await;
    node.deps.door(1).open();
    node.until("it ends all the same", || node.trace.has("slow 1 ended")).await;
    node.book.commit_door.open();
    aborts.await.unwrap().unwrap();
    node.ask(&at, Plan::writing("after")).await.unwrap();
    assert!(!node.trace.has("commit result"), "{:?}", node.trace.all());
}

#[tokio::test(start_paused = true)]
async fn slow_work_that_panics_is_reported_and_the_actor_lives() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::doing(vec![Step::SlowPanic(1)])).await.unwrap();
    node.deps.door(1).open();
    node.until("it is told", || node.trace.has("commit died 1")).await;
    let view = node.view(&at).unwrap();
    assert_eq!((view.restarts, view.state.as_str()), (0, "running"));
    assert!(view.last_error.contains("slow work was told to"), "{}", view.last_error);
}

#[tokio::test(start_paused = true)]
async fn slow_work_of_the_same_key_takes_the_place_of_the_one_before() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::doing(vec![slow(1, Plan::writing("first"))])).await.unwrap();
    node.until("it runs", || node.trace.has("slow 1")).await;
    node.ask(&at, Plan::doing(vec![slow(1, Plan::writing("second"))])).await.unwrap();
    node.until("the first was dropped", || node.trace.has("dropped 1")).await;
    node.deps.door(1).open();
    node.until("the second ends", || node.trace.has("commit second")).await;
    assert!(!node.trace.has("commit first") && !node.trace.has("commit died 1"));
}

#[tokio::test(start_paused = true)]
async fn slow_work_ends_with_its_actor() {
    let (node, at) = (Node::new().await, probe("a"));
    node.ask(&at, Plan::doing(vec![slow(1, Plan::writing("result"))])).await.unwrap();
    node.until("it runs", || node.trace.has("slow 1")).await;
    let failed = node.ask(&at, Plan { panics: true, ..Plan::default() }).await.unwrap_err();
    assert!(matches!(failed, AskError::Failed(_)), "{failed:?}");
    node.until("it was dropped", || node.trace.has("dropped 1")).await;
    node.deps.door(1).open();
    node.until("it is open again", || node.trace.count("perform opened") == 2).await;
    assert!(!node.trace.has("commit result"));
}
