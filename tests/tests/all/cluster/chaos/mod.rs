//! Nodes that are killed, frozen, stopped, drained and cut off, each part in turn, under load. `ROUNDS=200` has more of it,
//! `SEED=7` another order; `REPORT=FILE` writes how long conversations waited as JSON.

mod fault;
mod figures;
mod talk;

use std::time::Duration;

use tests::cluster::four;
use tests::network::Wires;
use tokio::sync::watch;

use self::fault::{Fault, Part, all, happen};
use self::figures::Figures;
pub(super) use self::talk::Talk;
use super::shared::{set_aside, share};
use super::world::{CONNECTOR, WORKER, WORKER_2, World};

/// Conversations that go on meanwhile.
const CONTEXTS: usize = 4;
/// Rounds by themselves: each part meets each of its faults once.
const ROUNDS: u64 = 20;
/// Talk before and after each fault.
const QUIET: Duration = Duration::from_millis(500);

fn of_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Every part with every fault, in an order by the seed (a linear congruential generator's).
fn rounds(seed: u64, count: u64) -> Vec<(Part, Fault)> {
    let mut state = seed;
    let mut left = Vec::new();
    let mut order = Vec::new();
    for _ in 0..count {
        if left.is_empty() {
            left = all();
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(state >> 33).unwrap() % left.len();
        order.push(left.swap_remove(at));
    }
    order
}

/// One fault while all talk; gives how long each conversation waited for each of its lines, and the node was away.
async fn round(
    world: &mut World,
    wires: &Wires,
    talks: &mut [Talk],
    (part, fault): (Part, Fault),
) -> anyhow::Result<(Vec<Vec<Duration>>, Duration)> {
    let stop = watch::Sender::new(false);
    let talking = futures_util::future::try_join_all(talks.iter_mut().map(|talk| talk.go_on(stop.subscribe())));
    let lost = async {
        tokio::time::sleep(QUIET).await;
        let away = happen(world, wires, part, fault).await;
        tokio::time::sleep(QUIET).await;
        stop.send_replace(true);
        away
    };
    let (waited, away) = tokio::join!(talking, lost);
    Ok((waited?, away))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_or_out_of_order_whichever_node_is_lost_under_load() {
    let (seed, count) = (of_env("SEED", 1), of_env("ROUNDS", ROUNDS));
    let mut plans = four();
    let wires = Wires::lay(&mut plans).await.unwrap();
    if let Wires::Proxies(_, why) = &wires {
        eprintln!(
            "SKIPPED: nodes can't be hosts of their own here ({why}); their links go through proxies of this host"
        );
    }
    let mut world = World::of(plans).await;
    wires.towards(&world.cluster.address().unwrap());
    let shared = share(&world, &[WORKER, WORKER_2]);
    world.start().await;
    let mut talks = Vec::new();
    for n in 0..CONTEXTS {
        talks.push(Talk::new(world.attach(&format!("talk-{n}")).await, &world.data(CONNECTOR)));
    }
    let mut figures = Figures::default();
    for (n, of) in rounds(seed, count).into_iter().enumerate() {
        let (waited, away) = match round(&mut world, &wires, &mut talks, of).await {
            Ok(done) => done,
            Err(error) => panic!("seed {seed}, round {n}, {of:?}: {error:#}\n{}", world.all_said()),
        };
        waited.iter().for_each(|waited| figures.add(of, waited, away));
    }
    let faults: Vec<String> = talks.iter().flat_map(Talk::faults).collect();
    assert!(faults.is_empty(), "seed {seed}: {faults:?}\n{}", world.all_said());
    assert!(talks.iter().all(|talk| talk.lines() > usize::try_from(count).unwrap()), "they talked in each round");
    assert!(set_aside(&shared).is_empty(), "seed {seed}: a log was written that is not in the store");
    println!("{}", figures.table());
    if let Some(file) = std::env::var_os("REPORT") {
        let wires = if matches!(wires, Wires::Namespaces(_)) { "namespaces" } else { "proxies" };
        std::fs::write(file, figures.json(seed, wires).to_string()).unwrap();
    }
    world.verified().await;
}
