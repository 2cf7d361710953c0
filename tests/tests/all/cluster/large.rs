//! What is larger than one message of a link.

use super::world::{HUB, SOON, WORKER, World};

/// Lines that wait; all of them are given at once, in one answer of the store.
const LINES: usize = 32;
/// Bytes of each, so that they are two mebibytes together.
const BYTES: usize = 64_000;

#[tokio::test(flavor = "multi_thread")]
async fn two_mebibytes_of_lines_that_waited_for_a_worker_are_accepted_read_and_answered_over_the_links() {
    let mut world = World::running().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "before").await;
    world.stop(WORKER).await;
    let mut said = Vec::new();
    for n in 0..LINES {
        said.push(ann.say(&format!("line {n} {}", "garden ".repeat(BYTES / 7))).await.unwrap());
    }
    let waiting = || world.told("status --json", HUB);
    while waiting().await["counts"]["waiting"].as_u64().unwrap() < LINES as u64 {}
    world.spawn(WORKER);
    if let Err(error) = ann.settled(&said, SOON).await {
        panic!("{error:#}\n{}", world.all_said());
    }
    assert!(ann.order.iter().filter(|inbound| said.contains(inbound)).eq(&said), "each once, and in their order");
    world.verified().await;
}
