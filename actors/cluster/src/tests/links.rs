use std::sync::atomic::Ordering;
use std::time::Duration;

use messages::AskError;
use messages::cluster::Role;
use messages::envelope::Kind;

use super::ca::{Ca, roles};
use super::network::{Network, Wire};
use super::node::{Spec, ask, head, hub, spec};
use crate::limits::{CALLS_MAX, WHOLE_BYTES_MAX};

const MULTI: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn an_ask_is_answered_by_the_node_at_the_other_end_and_both_know_who_is_there() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let worker = spec("worker", &[Role::Worker]).dials(hub.address()).start(&ca).await;
    let link = worker.link("hub").await;
    assert_eq!(ask(&link, "store", b"rows", 5_000).await.unwrap(), b"worker Ask store rows");
    assert_eq!(link.peer().roles, roles(&[Role::Hub]));
    let back = hub.link("worker").await;
    assert_eq!(back.peer().roles, roles(&[Role::Worker]));
    assert_eq!(ask(&back, "ws/home/context/general", b"", 5_000).await.unwrap(), b"hub Ask ws/home/context/general ");
    let woken = back.ask(head("ws/home/context/general", Kind::Wake, 5_000), b"").await.unwrap();
    assert_eq!(woken, b"hub Wake ws/home/context/general ");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_answered_when_it_fails_panics_or_takes_too_long() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let worker = spec("worker", &[Role::Worker]).dials(hub.address()).start(&ca).await;
    let link = hub.link("worker").await;
    worker.link("hub").await;
    assert_eq!(ask(&link, "ws/home/fails", b"", 5_000).await, Err(AskError::Failed("it failed".into())));
    let panicked = ask(&link, "ws/home/panics", b"", 5_000).await;
    assert_eq!(panicked, Err(AskError::Failed("it ended before it answered".into())));
    let late = ask(&link, "ws/home/slow", b"", 50).await;
    assert_eq!(late, Err(AskError::Timeout(Duration::from_millis(50))));
    assert!(ask(&link, "ws/home/index", b"", 5_000).await.is_ok(), "the link goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_an_envelope_goes_in_one_and_what_is_larger_in_parts_up_to_a_limit() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let worker = spec("worker", &[Role::Worker]).dials(hub.address()).start(&ca).await;
    let link = worker.link("hub").await;
    let served = || hub.answers.served.load(Ordering::SeqCst);
    // The answer repeats the body behind these words.
    let words = b"worker Ask store ".len();
    for length in [
        crate::envelope::BODY_BYTES_MAX - words,
        crate::envelope::BODY_BYTES_MAX - words + 1,
        crate::envelope::BODY_BYTES_MAX,
        crate::envelope::BODY_BYTES_MAX + 1,
        5 * crate::envelope::BODY_BYTES_MAX,
        WHOLE_BYTES_MAX - words,
    ] {
        let before = served();
        let body = vec![b'x'; length];
        let answer = ask(&link, "store", &body, 20_000).await.unwrap();
        assert_eq!(answer.len(), words + length);
        assert_eq!(answer[words..], body);
        assert_eq!(served(), before + 1, "it is one call");
    }
    let too_large = ask(&link, "store", &vec![b'x'; WHOLE_BYTES_MAX - words + 1], 20_000).await;
    assert!(matches!(too_large, Err(AskError::TooLarge { .. })), "an answer that is too large is told");
    let before = served();
    let refused = ask(&link, "store", &vec![0; WHOLE_BYTES_MAX + 1], 20_000).await;
    assert!(matches!(refused, Err(AskError::TooLarge { .. })));
    assert_eq!(served(), before, "it is refused before it is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_beyond_the_limit_hear_that_the_node_is_busy_and_the_others_are_served() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let worker = spec("worker", &[Role::Worker]).dials(hub.address()).start(&ca).await;
    let link = hub.link("worker").await;
    let asks: Vec<_> = (0..CALLS_MAX)
        .map(|_| {
            let link = link.clone();
            tokio::spawn(async move { ask(&link, "ws/home/slow", b"", 20_000).await })
        })
        .collect();
    let all_in = async {
        while worker.answers.served.load(Ordering::SeqCst) < CALLS_MAX {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(MULTI, all_in).await.unwrap();
    let one_more = ask(&link, "ws/home/index", b"", 5_000).await;
    assert!(matches!(one_more, Err(AskError::Busy { .. })), "{one_more:?}");
    worker.answers.go_on.send_replace(true);
    for served in asks {
        assert!(served.await.unwrap().is_ok());
    }
    assert!(ask(&link, "ws/home/index", b"", 5_000).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_a_peer_does_not_answer_are_bounded() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let worker = spec("worker", &[Role::Worker]).dials(hub.address()).start(&ca).await;
    let link = hub.link("worker").await;
    worker.link("hub").await;
    let body = vec![0; crate::envelope::BODY_BYTES_MAX];
    let mut refused = 0;
    for _ in 0..17 {
        // Nobody waits for these any more, and they count all the same.
        let asked = ask(&link, "ws/home/slow", &body, 1).await;
        refused += usize::from(matches!(asked, Err(AskError::Busy { .. })));
    }
    // Sixteen mebibytes, less what is around them; the peer gives each up after its millisecond.
    assert!(refused <= 17);
    let held = tokio::time::timeout(MULTI, async {
        while ask(&link, "ws/home/index", &body[..500_000], 5_000).await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    held.await.expect("what was answered counts no longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_comes_back_has_its_links_again() {
    let ca = Ca::new();
    let leaf = ca.leaf("hub", roles(&[Role::Hub]));
    // The second of it listens where the first did: the port is never given back in between.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let first = hub().start_on(&ca, leaf.clone(), Some(listener.try_clone().unwrap())).await;
    let address = first.address();
    let worker = spec("worker", &[Role::Worker]).dials(address).start(&ca).await;
    worker.link("hub").await;
    let waiting = {
        let link = worker.link("hub").await;
        tokio::spawn(async move { ask(&link, "store", b"", 20_000).await })
    };
    waiting.await.unwrap().unwrap();
    first.cluster.stop().await;
    worker.no_link("hub").await;
    let again = Spec { incarnation: "i2".into(), ..hub() }.start_on(&ca, leaf, Some(listener)).await;
    let link = worker.link("hub").await;
    assert_eq!(link.peer().incarnation, "i2");
    assert!(ask(&link, "store", b"", 5_000).await.is_ok());
    again.link("worker").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_again_takes_the_place_of_its_old_link_at_once() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let leaf = ca.leaf("worker", roles(&[Role::Worker]));
    let network = Network::to(hub.address()).await;
    let _frozen = spec("worker", &[Role::Worker]).dials(network.address).start_as(&ca, leaf.clone()).await;
    let old = hub.link("worker").await;
    // As a host that has lost its power: its connection stays, and nothing comes of it.
    network.set(Wire::Cut);
    let again = Spec { incarnation: "i2".into(), ..spec("worker", &[Role::Worker]) };
    let again = again.dials(hub.address()).start_as(&ca, leaf).await;
    let link = again.link("hub").await;
    let mut up = hub.cluster.watch();
    let up = up.wait_for(|up| up.get("worker").is_some_and(|link| link.id() != old.id())).await.unwrap().clone();
    assert_eq!(up["worker"].peer().incarnation, "i2");
    assert!(ask(&link, "store", b"", 5_000).await.is_ok());
    assert_eq!(ask(&old, "ws/home/index", b"", 5_000).await, Err(AskError::NodeLost));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_when_nothing_comes_in_whichever_direction_is_cut() {
    for wire in [Wire::Cut, Wire::CutThere, Wire::CutBack] {
        let ca = Ca::new();
        let hub = hub().start(&ca).await;
        let network = Network::to(hub.address()).await;
        let worker = spec("worker", &[Role::Worker]).dials(network.address).start(&ca).await;
        let (there, back) = (worker.link("hub").await, hub.link("worker").await);
        network.set(wire);
        let asked = {
            let there = there.clone();
            tokio::spawn(async move { ask(&there, "ws/home/index", b"", 60_000).await })
        };
        tokio::join!(worker.no_link("hub"), hub.no_link("worker"));
        assert!(matches!(asked.await.unwrap(), Err(AskError::NodeLost)), "{wire:?}");
        assert_eq!(ask(&back, "ws/home/index", b"", 1_000).await, Err(AskError::NodeLost), "{wire:?}");
        network.set(Wire::Whole);
        worker.link("hub").await;
        hub.link("worker").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_peer_is_out_at_once_and_does_not_come_back() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let leaf = ca.leaf("worker", roles(&[Role::Worker]));
    let worker = spec("worker", &[Role::Worker]).dials(hub.address()).start_as(&ca, leaf.clone()).await;
    worker.link("hub").await;
    hub.link("worker").await;
    ca.revoke(&leaf);
    hub.cluster.check_revoked();
    hub.no_link("worker").await;
    worker.no_link("hub").await;
    let other = spec("other", &[Role::Worker]).dials(hub.address()).start(&ca).await;
    other.link("hub").await;
    assert!(hub.cluster.link("worker").is_none());
}
