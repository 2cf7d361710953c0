//! Links that are cut, one way or both, and lines that are long and bad. Each node is a host of its own: a namespace with an
//! address, between which the test passes packets.

use std::time::Duration;

use messages::InboundId;
use tests::cluster::{four, three};
use tests::network::{Network, Way, hosts, refused};

use super::world::{CONNECTOR, HUB, WORKER, WORKER_2, World};
use crate::faults::driver::Driver;

/// How long conversations may take that go on while links are closed and dialled again, or over a bad line.
const LATER: Duration = Duration::from_secs(200);
/// Lines that are under way when a link is cut.
const LINES: usize = 6;

/// A cluster whose nodes are hosts, and their network; `None`, with a line that says so, where that can't be had.
pub(super) async fn on_hosts(mut plans: Vec<tests::cluster::NodePlan>) -> Option<(World, Network)> {
    if let Some(why) = refused() {
        eprintln!("SKIPPED: nodes can't be hosts of their own here: {why}");
        return None;
    }
    let network = hosts(&mut plans).unwrap();
    Some((World::of(plans).await, network))
}

/// Says lines without waiting for anything.
async fn say(driver: &mut Driver, what: &str, lines: usize) -> Vec<InboundId> {
    let said = (0..lines).map(|n| driver.put(&format!("{what} {n}")).unwrap()).collect();
    driver.flush().await.unwrap();
    said
}

/// Each has been answered, once, in order.
async fn answered(world: &World, driver: &mut Driver, said: &[InboundId]) {
    if let Err(error) = driver.settled(said, LATER).await {
        panic!("{error:#}\n{}", world.all_said());
    }
    let ends: Vec<String> = said.iter().map(|id| format!("{:?}", driver.ended[id].outcome)).collect();
    assert!(ends.iter().all(|end| end == "Replied"), "{ends:?}\n{}", world.all_said());
    assert!(driver.order.iter().filter(|id| said.contains(id)).eq(said), "each once, and in their order");
}

/// How often a node has said that its link to a peer ended.
fn ended(world: &World, name: &str, peer: &str) -> usize {
    let is_it = |line: &&str| line.contains("link is down") && line.contains(&format!("peer={peer} "));
    world.said(name).lines().filter(is_it).count()
}

/// Cuts a node from the hub until both ends know it, and heals it again; meanwhile people talk.
async fn cut_and_healed(name: &str, to_hub: Way, from_hub: Way) {
    let Some((mut world, network)) = on_hosts(three()).await else { return };
    world.start().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "before").await;
    let mut said = say(&mut ann, "right before", LINES).await;
    let before = (ended(&world, HUB, name), ended(&world, name, HUB));
    network.set(name, HUB, to_hub).unwrap();
    network.set(HUB, name, from_hub).unwrap();
    said.extend(say(&mut ann, "while it is cut", LINES).await);
    world.until(|world| ended(world, HUB, name) > before.0 && ended(world, name, HUB) > before.1).await;
    network.heal();
    said.extend(say(&mut ann, "after", LINES).await);
    answered(&world, &mut ann, &said).await;
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_cut_off_loses_nothing_and_does_nothing_twice() {
    cut_and_healed(WORKER, Way::CUT, Way::CUT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_not_heard_is_cut_off_at_both_ends_and_nothing_is_lost_or_doubled() {
    cut_and_healed(WORKER, Way::CUT, Way::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_hears_nothing_is_cut_off_at_both_ends_and_nothing_is_lost_or_doubled() {
    cut_and_healed(WORKER, Way::default(), Way::CUT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_is_cut_off_accepts_nothing_meanwhile_and_nothing_is_lost_or_doubled() {
    cut_and_healed(CONNECTOR, Way::CUT, Way::CUT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_is_not_heard_loses_nothing_and_doubles_nothing() {
    cut_and_healed(CONNECTOR, Way::CUT, Way::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_hears_nothing_loses_nothing_and_doubles_nothing() {
    cut_and_healed(CONNECTOR, Way::default(), Way::CUT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_second_of_delay_and_a_loss_of_five_in_a_hundred_let_a_conversation_go_on_over_links_that_stay_up() {
    let Some((mut world, network)) = on_hosts(three()).await else { return };
    for name in [CONNECTOR, WORKER] {
        network.set_both(name, HUB, Way::bad(Duration::from_millis(500), 5)).unwrap();
    }
    // The links come up over it, too.
    world.start().await;
    let flaps = |world: &World| -> usize {
        [CONNECTOR, WORKER].iter().map(|name| ended(world, HUB, name) + ended(world, name, HUB)).sum()
    };
    let before = flaps(&world);
    let mut talks = Vec::new();
    for n in 0..4 {
        let mut driver = world.attach(&format!("talk-{n}")).await;
        let said = say(&mut driver, "over a bad line", 3).await;
        talks.push((driver, said));
    }
    for (driver, said) in &mut talks {
        answered(&world, driver, said).await;
    }
    assert_eq!(flaps(&world), before, "{}", world.all_said());
    network.heal();
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_halves_that_do_not_hear_each_other_are_one_again_when_they_do() {
    let Some((mut world, network)) = on_hosts(four()).await else { return };
    world.start().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "before").await;
    let mut said = say(&mut ann, "right before", LINES).await;
    let ends = |world: &World| {
        [(HUB, CONNECTOR), (CONNECTOR, HUB), (HUB, WORKER_2), (WORKER_2, HUB)].map(|(at, peer)| ended(world, at, peer))
    };
    let (before, with_near) = (ends(&world), ended(&world, HUB, WORKER));
    for near in [HUB, WORKER] {
        for far in [CONNECTOR, WORKER_2] {
            network.set_both(near, far, Way::CUT).unwrap();
        }
    }
    said.extend(say(&mut ann, "in two halves", LINES).await);
    world.until(|world| ends(world).iter().zip(&before).all(|(now, before)| now > before)).await;
    // Of two workers, the half with the hub has the one that it can reach.
    assert_eq!(ended(&world, HUB, WORKER), with_near, "{}", world.all_said());
    network.heal();
    said.extend(say(&mut ann, "one again", LINES).await);
    answered(&world, &mut ann, &said).await;
    world.verified().await;
}
