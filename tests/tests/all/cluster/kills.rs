//! A node that is lost, and what is not.

use rustix::process::Signal;

use super::world::{CONNECTOR, HUB, SOON, WORKER, World};

/// Lines that are under way when a node is lost.
const LINES: usize = 20;

async fn lost_while_lines_are_under_way(name: &'static str) {
    let mut world = World::running().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "before").await;
    let mut said = Vec::new();
    for n in 0..LINES {
        said.push(ann.say(&format!("line {n}")).await.unwrap());
        if n == LINES / 2 {
            world.kill(name);
            world.spawn(name);
        }
    }
    if let Err(error) = ann.settled(&said, SOON).await {
        panic!("{error:#}\n{}\n{}\n{}", world.said(HUB), world.said(WORKER), world.said(CONNECTOR));
    }
    let ends: Vec<String> = said.iter().map(|inbound| format!("{:?}", ann.ended[inbound].outcome)).collect();
    assert!(ends.iter().all(|end| end == "Replied"), "{ends:?}");
    assert!(ann.order.iter().filter(|inbound| said.contains(inbound)).eq(&said), "each once, and in their order");
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_loses_nothing_and_does_nothing_twice() {
    lost_while_lines_are_under_way(WORKER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_killed_loses_nothing_and_does_nothing_twice() {
    lost_while_lines_are_under_way(HUB).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_frozen_past_its_lease_writes_nothing_stale_and_goes_on() {
    let mut world = World::running().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "before").await;
    world.node(WORKER).signal(Signal::STOP).unwrap();
    let waiting = ann.say("while it is frozen").await.unwrap();
    // The hub closes the link of a node that says nothing.
    world.until(|world| world.said(HUB).contains("it has been silent for too long")).await;
    world.node(WORKER).signal(Signal::CONT).unwrap();
    ann.settled(std::slice::from_ref(&waiting), SOON).await.unwrap();
    world.verified().await;
}
