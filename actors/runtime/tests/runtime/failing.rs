//! What fails is opened again, or stays down where everyone sees it.

use std::time::Duration;

use messages::AskError;
use runtime::Intensity;

use crate::kit::{Node, Wish, probe, probes};
use crate::probe::Plan;

fn panics() -> Plan {
    Plan { panics: true, ..Plan::default() }
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_loses_its_mailbox_and_not_its_work() {
    let node = Node::with(Wish { timers: true, ..Wish::default() }).await;
    let at = probe("a");
    node.ask(&at, Plan::default()).await.unwrap();
    node.book.commit_door.shut();
    let held = node.start_ask(&at, Plan::writing("held"));
    node.until("it commits", || node.book.commit_door.waiting() == 1).await;
    let fails = node.start_ask(&at, panics());
    let lost = node.start_ask(&at, Plan::writing("lost"));
    node.until("both wait", || node.view(&at).unwrap().mailbox == 2).await;
    node.book.strand(&at);
    let reads = node.trace.count("read probe/a");
    node.book.commit_door.open();
    assert_eq!(held.await.unwrap().unwrap(), "done");
    assert!(matches!(fails.await.unwrap(), Err(AskError::Failed(_))));
    assert!(matches!(lost.await.unwrap(), Err(AskError::Busy { .. })), "the asker is told that it was not heard");
    node.until("its rows are read again", || node.trace.count("rows probe/a") == 2).await;
    node.until("the sweep wakes it", || node.trace.count("read probe/a") > reads).await;
    assert_eq!((node.view(&at).unwrap().mailbox, node.trace.has("commit lost")), (0, false));
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_restarts_ends_in_a_stopped_actor_that_a_person_opens_again() {
    let intensity = Intensity { restarts_max: 2, ..Intensity::STOP_CHILD };
    let node = Node::with(Wish { intensity, ..Wish::default() }).await;
    let (at, other) = (probe("a"), probe("b"));
    node.ask(&other, Plan::default()).await.unwrap();
    for failure in 1..=3 {
        node.until("it can be asked", || node.trace.count("rows probe/a") + 1 >= failure).await;
        while !matches!(node.ask(&at, panics()).await, Err(AskError::Failed(_))) {
            node.pass(Duration::from_millis(10)).await;
        }
        node.until("it was counted", || node.view(&at).unwrap().restarts == failure as u64).await;
    }
    assert_eq!(node.state(&at), "stopped");
    node.pass(Duration::from_secs(600)).await;
    node.system.wake(&at);
    assert_eq!(node.state(&at), "stopped", "it stays down");
    assert!(node.system.alarms().iter().any(|alarm| alarm.contains("probe/a failed 3 times")));
    let told = node.ask(&at, Plan::default()).await.unwrap_err().to_string();
    assert!(told.contains("stopped after failing too often") && told.contains("it was told to"), "{told}");
    node.ask(&other, Plan::default()).await.unwrap();

    assert!(node.system.restart(&other).await.unwrap_err().contains("only a stopped one"));
    assert!(node.system.restart(&probe("none")).await.is_err());
    node.system.restart(&at).await.unwrap();
    assert_eq!(node.ask(&at, Plan::default()).await.unwrap(), "done");
    assert!(node.system.alarms().is_empty(), "{:?}", node.system.alarms());
}

#[tokio::test(start_paused = true)]
async fn addresses_below_a_supervisor_that_failed_are_opened_anew() {
    let intensity = Intensity { restarts_max: 0, stops_child: false, ..Intensity::STOP_CHILD };
    let node = Node::with(Wish { intensity, ..Wish::default() }).await;
    let (at, sibling) = (probe("a"), probe("b"));
    node.ask(&at, Plan::default()).await.unwrap();
    node.ask(&sibling, Plan::default()).await.unwrap();
    assert!(node.ask(&at, panics()).await.is_err());
    node.until("the supervisor was opened again", || {
        node.view(&probes()).is_some_and(|view| view.restarts == 1 && view.state == "running")
            && node.view(&sibling).is_none()
    })
    .await;
    assert_eq!(node.ask(&sibling, Plan::default()).await.unwrap(), "done");
    node.system.wake(&at);
    node.until("a wake opens the other", || node.trace.has("read probe/a")).await;
}
