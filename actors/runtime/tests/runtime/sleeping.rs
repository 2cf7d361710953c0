//! Memory follows what is active: idle entities end, and their addresses still work.

use std::time::Duration;

use messages::AskError;
use runtime::Options;

use crate::kit::{Node, WAIT_MAX, Wish, probe};
use crate::probe::{ENDED, Plan, slow};

async fn drowsy() -> Node {
    let options = Options { passivate_after: Duration::ZERO, ..Options::default() };
    Node::with(Wish { options, timers: true, ..Wish::default() }).await
}

/// These fall asleep the moment they are idle; who meets one at that moment is told to try again.
async fn ask_patiently(node: &Node, plan: &Plan) {
    let at = probe("a");
    let patient = async {
        while let Err(error) = node.ask(&at, plan.clone()).await {
            assert!(matches!(error, AskError::Busy { .. }), "{error:?}");
            node.pass(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(WAIT_MAX, patient).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_idle_entity_ends_and_its_address_works_afterwards() {
    let (node, at) = (drowsy().await, probe("a"));
    for opened in 1..=3 {
        ask_patiently(&node, &Plan::writing("mark")).await;
        assert_eq!(node.trace.count("commit mark"), opened);
        node.until("it has ended", || node.view(&at).is_none()).await;
    }
    node.system.wake(&at);
    node.until("a wake opens it, too", || node.trace.has("read probe/a")).await;
}

#[tokio::test(start_paused = true)]
async fn one_at_slow_work_stays_until_it_is_done() {
    let (node, at) = (drowsy().await, probe("a"));
    ask_patiently(&node, &Plan::doing(vec![slow(1, Plan::writing("result"))])).await;
    node.pass(Duration::from_secs(30)).await;
    assert!(node.view(&at).is_some() && !node.trace.has("dropped 1"));
    node.deps.door(1).open();
    node.until("it ends when it is idle", || node.view(&at).is_none()).await;
    assert!(node.trace.has("commit result"));
}

#[tokio::test(start_paused = true)]
async fn one_that_has_ended_for_ever_hears_who_opened_it_and_leaves() {
    let (node, at) = (Node::new().await, probe(ENDED));
    for _ in 0..100 {
        assert_eq!(node.ask(&at, Plan::default()).await.unwrap(), "done");
        node.until("it has left", || node.view(&at).is_none()).await;
    }
    node.system.wake(&at);
    node.until("a wake finds it, too", || node.trace.count("perform opened") == 101).await;
    node.until("and it leaves", || node.view(&at).is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_owes_an_answer_stays() {
    let (node, at) = (drowsy().await, probe("a"));
    let asked = node.start_ask(&at, Plan { silent: true, ..Plan::default() });
    node.pass(Duration::from_secs(30)).await;
    assert!(node.view(&at).is_some() && !asked.is_finished());
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_while_it_falls_asleep_is_answered_or_told_and_never_hangs() {
    let (node, at) = (drowsy().await, probe("a"));
    let mut answered = 0;
    for n in 0..3_000_u64 {
        let deadline = Duration::from_secs(10);
        match node.ask_within(&at, Plan::default(), deadline).await {
            Ok(_) => answered += 1,
            // What it never heard can be asked again.
            Err(AskError::Busy { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
        node.pass(Duration::from_millis(n % 7)).await;
    }
    assert!(answered > 2_900, "{answered} of 3000");
}
