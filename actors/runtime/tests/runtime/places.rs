//! Units: who holds them, and the fence that every commit carries.

use std::sync::Arc;

use messages::{Address, AskError};
use runtime::UnitClaimer;

use crate::kit::{Node, Wish, probe};
use crate::probe::Plan;

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
