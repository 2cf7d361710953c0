//! Nodes that are killed, frozen and stopped, each role in turn, under load. `ROUNDS=200` has more of it, `SEED=7` another
//! order.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use messages::InboundId;
use rustix::process::Signal;

use super::world::{CONNECTOR, HUB, SOON, WORKER, World};
use crate::faults::driver::Driver;

/// Conversations that go on meanwhile.
const CONTEXTS: usize = 4;
/// Lines that are said in each before and after a node is lost.
const LINES: usize = 4;
/// Rounds by themselves: each role meets each fault once.
const ROUNDS: u64 = 9;
/// Longer than a lease: what a node believed when it was frozen is not true any more.
const FROZEN: Duration = Duration::from_secs(7);

/// What becomes of a node.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Killed,
    Frozen,
    Stopped,
}

fn of_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Every role with every fault, in an order by the seed (a linear congruential generator's).
fn rounds(seed: u64, count: u64) -> Vec<(&'static str, Fault)> {
    let all: Vec<(&str, Fault)> = [HUB, WORKER, CONNECTOR]
        .into_iter()
        .flat_map(|name| [Fault::Killed, Fault::Frozen, Fault::Stopped].map(|fault| (name, fault)))
        .collect();
    let mut state = seed;
    let mut left = Vec::new();
    let mut order = Vec::new();
    for _ in 0..count {
        if left.is_empty() {
            left = all.clone();
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(state >> 33).unwrap() % left.len();
        order.push(left.swap_remove(at));
    }
    order
}

/// A conversation: what was said in it, in its order.
struct Talk {
    driver: Driver,
    said: Vec<InboundId>,
}

/// What can't be sent now is sent when the connector is there again.
async fn say(talks: &mut [Talk], round: usize) {
    for talk in talks {
        for n in 0..LINES {
            talk.said.push(talk.driver.put(&format!("line {n} of round {round}")).unwrap());
        }
        talk.driver.flush().await.ok();
    }
}

/// Waits until all that was said has ended, over as many connections as it takes.
async fn settled(talk: &mut Talk, data: &Path) -> anyhow::Result<()> {
    let until = Instant::now() + SOON;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match talk.driver.settled(&talk.said, left).await {
            Ok(()) => return Ok(()),
            Err(error) if left.is_zero() => return Err(error),
            Err(_) => talk.driver.dial_again(data).await?,
        }
    }
}

async fn lose(world: &mut World, name: &'static str, fault: Fault) {
    match fault {
        Fault::Killed => {
            world.kill(name);
            world.spawn(name);
        }
        Fault::Stopped => {
            world.stop(name).await;
            world.spawn(name);
        }
        Fault::Frozen => {
            world.node(name).signal(Signal::STOP).unwrap();
            tokio::time::sleep(FROZEN).await;
            world.node(name).signal(Signal::CONT).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_or_out_of_order_whichever_node_is_lost_under_load() {
    let mut world = World::running().await;
    let mut talks = Vec::new();
    for n in 0..CONTEXTS {
        let driver = world.attach(&format!("talk-{n}")).await;
        talks.push(Talk { driver, said: Vec::new() });
    }
    let (seed, count) = (of_env("SEED", 1), of_env("ROUNDS", ROUNDS));
    let mut pauses: BTreeMap<String, Vec<u128>> = BTreeMap::new();
    for (round, (name, fault)) in rounds(seed, count).into_iter().enumerate() {
        say(&mut talks, round).await;
        lose(&mut world, name, fault).await;
        let lost = Instant::now();
        say(&mut talks, round).await;
        for talk in &mut talks {
            if let Err(error) = settled(talk, &world.data(CONNECTOR)).await {
                panic!("seed {seed}, round {round}, {name} {fault:?}: {error:#}\n{}", world.all_said());
            }
        }
        pauses.entry(format!("{name} {fault:?}")).or_default().push(lost.elapsed().as_millis());
    }
    for talk in &talks {
        // A client that attaches again is told of an end again; a reply that came twice has failed before.
        let mut order: Vec<&InboundId> = Vec::new();
        for id in &talk.driver.order {
            if !order.contains(&id) {
                order.push(id);
            }
        }
        assert_eq!(order, talk.said.iter().collect::<Vec<_>>(), "seed {seed}: in their order");
        let ends: Vec<String> = talk.said.iter().map(|id| format!("{:?}", talk.driver.ended[id].outcome)).collect();
        assert!(ends.iter().all(|end| end == "Replied" || end == "InDoubt"), "seed {seed}: {ends:?}");
    }
    // A number for people: how long until all that was said had its end, by role and fault, in milliseconds.
    println!("{pauses:?}");
    world.verified().await;
}
