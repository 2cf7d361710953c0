//! Near and far behave alike: the wire form, when it is forced, changes nothing that an asker can see.

use std::time::Duration;

use messages::{Address, AskError};
use runtime::{ENVELOPE_BYTES_MAX, Options};

use crate::kit::{Node, Trace, Wish, probe};
use crate::probe::{Plan, fast};
use crate::tree::{Hands, Told, hand};

async fn node(force_wire_form: bool) -> (Node, Trace) {
    let trace = Trace::default();
    let options = Options { force_wire_form, mailbox_max: 1, ..Wish::default().options };
    (Node::with(Wish { options, more: vec![hand("a", &trace)], ..Wish::default() }).await, trace)
}

async fn tell(node: &Node, told: Told) -> Result<String, AskError> {
    node.system.to::<Hands>(&Address::fixed("a")).ask(told, Duration::from_secs(2)).await
}

/// What an asker hears of everything that can happen to an ask.
async fn heard(force_wire_form: bool) -> Vec<Result<String, AskError>> {
    let (node, trace) = node(force_wire_form).await;
    let at = probe("a");
    let mut heard = vec![tell(&node, Told::Hello).await, tell(&node, Told::Refuse).await];
    heard.push(tell(&node, Told::Wait).await);
    node.until("it sees that the asker has gone", || trace.has("the asker has gone: true")).await;
    heard.push(tell(&node, Told::Fail).await);
    node.until("it is open again", || trace.count("start a") == 2).await;
    heard.push(node.ask(&at, Plan::writing("x").and(fast("y"))).await);
    heard.push(node.ask(&at, Plan { panics: true, ..Plan::default() }).await);
    node.until("it restarts", || node.view(&at).unwrap().restarts == 1).await;
    heard.push(node.ask(&at, Plan::default()).await);
    node.until("it is open again", || node.trace.count("perform opened") == 2).await;
    heard.push(node.ask(&probe("b/c"), Plan::default()).await);

    node.book.commit_door.shut();
    let held = node.start_ask(&at, Plan::writing("held"));
    node.until("it commits", || node.book.commit_door.waiting() == 1).await;
    let waits = node.start_ask(&at, Plan::writing("waits"));
    node.until("one waits", || node.view(&at).unwrap().mailbox == 1).await;
    heard.push(node.ask(&at, Plan::writing("too much")).await);
    node.book.commit_door.open();
    heard.extend([held.await.unwrap(), waits.await.unwrap()]);
    heard
}

#[tokio::test(start_paused = true)]
async fn every_answer_and_every_failure_is_the_same_in_the_wire_form() {
    let near = heard(false).await;
    assert_eq!(near, heard(true).await);
    let busy = |heard: &Result<String, AskError>| matches!(heard, Err(AskError::Busy { .. }));
    assert_eq!(near[0], Ok("hello".into()));
    assert_eq!(near.iter().filter(|heard| busy(heard)).count(), 3, "{near:?}");
    assert_eq!(near[2], Err(AskError::Timeout(Duration::from_secs(2))));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_for_an_envelope_is_refused_before_it_leaves() {
    let (node, _) = node(true).await;
    let large = Plan::writing(&"x".repeat(ENVELOPE_BYTES_MAX));
    let refused = node.ask(&probe("a"), large).await;
    assert!(matches!(refused, Err(AskError::TooLarge { bytes_max: ENVELOPE_BYTES_MAX, .. })), "{refused:?}");
}
