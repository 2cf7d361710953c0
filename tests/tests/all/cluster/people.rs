//! What people ask of a cluster at any of its nodes: to drain one by name, and the trees of all.

use std::collections::BTreeSet;
use std::time::Instant;

use rustix::process::Signal;
use tests::cluster::four;

use super::shared::share;
use super::world::{CONNECTOR, HUB, SOON, WORKER, World};

const OTHER: &str = "worker-2";
/// Units that are given away at once.
const UNITS: usize = 64;

/// How many workspaces each node holds.
async fn held(world: &World, node: &str) -> usize {
    let units = world.told("placement --json", HUB).await;
    let all = units.as_array().unwrap().iter();
    all.filter(|of| of["unit"].as_str().unwrap().starts_with("ws/") && of["node"] == node).count()
}

/// Waits until the two workers hold so many.
pub(super) async fn until_held(world: &World, is_so: impl Fn(usize, usize) -> bool) {
    let until = Instant::now() + SOON;
    loop {
        let (one, other) = (held(world, WORKER).await, held(world, OTHER).await);
        if is_so(one, other) {
            return;
        }
        assert!(Instant::now() < until, "they hold {one} and {other}:\n{}", world.all_said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_drained_by_name_from_another_and_takes_its_share_again() {
    let mut world = World::of(four()).await;
    let shared = share(&world, &[WORKER, OTHER]);
    for n in 0..UNITS {
        let folder = shared.join(format!("w{n}"));
        std::fs::create_dir_all(folder.join("contexts/general")).unwrap();
        std::fs::write(folder.join("contexts/general/context.md"), "Be short.\n").unwrap();
        std::fs::write(folder.join("workspace.md"), format!("---\nname: W{n}\nkind: community\n---\n")).unwrap();
    }
    world.start().await;
    until_held(&world, |one, other| one + other == UNITS && one > 0 && other > 0).await;
    // At the connector: the hub tells the worker.
    let done = world.run(&format!("drain {WORKER}"), CONNECTOR).await;
    assert!(done.stderr.contains("worker holds nothing any more, and can be stopped"), "{done:?}");
    until_held(&world, |one, other| (one, other) == (0, UNITS)).await;
    let nodes = world.told("nodes --json", HUB).await;
    let drains = |name: &str| nodes.as_array().unwrap().iter().any(|of| of["node"] == name && of["draining"] == true);
    assert!(drains(WORKER) && !drains(OTHER), "{nodes}");
    world.run(&format!("drain {WORKER} --undo"), HUB).await;
    until_held(&world, |one, other| one + other == UNITS && one > 0 && other > 0).await;
    let refused = world.cluster.run("drain nobody", HUB).await.unwrap().expect_code(1).unwrap();
    assert!(refused.stderr.contains("no node `nobody` is linked here"), "{refused:?}");
    // A worker speaks for itself alone.
    let refused = world.cluster.run(&format!("drain {OTHER}"), WORKER).await.unwrap().expect_code(1).unwrap();
    assert!(refused.stderr.contains("may drain itself alone"), "{refused:?}");
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_shows_the_trees_of_all_nodes_and_which_of_them_did_not_answer() {
    let mut world = World::running().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "hello").await;
    let nodes = |told: &serde_json::Value| -> BTreeSet<String> {
        told.as_array().unwrap().iter().map(|of| of["node"].as_str().unwrap().to_owned()).collect()
    };
    let all = world.told("actors --json", HUB).await;
    assert_eq!(nodes(&all), [HUB, CONNECTOR, WORKER].map(String::from).into());
    let is_there =
        |node: &str, actor: &str| all.as_array().unwrap().iter().any(|of| of["node"] == node && of["address"] == actor);
    assert!(is_there(HUB, "store") && is_there(WORKER, "ws/home/context/general"), "{all}");
    assert!(is_there(CONNECTOR, "connector/console") && !is_there(WORKER, "store"));
    let one = world.told(&format!("actors --node {WORKER} --json"), HUB).await;
    assert_eq!(nodes(&one), [WORKER.to_owned()].into());
    assert_eq!(nodes(&world.told("actors --json", WORKER).await), [WORKER.to_owned()].into());
    let refused = world.cluster.run(&format!("actors --node {HUB}"), WORKER).await.unwrap().expect_code(1).unwrap();
    assert!(refused.stderr.contains("are shown at the hub"), "{refused:?}");
    world.node(WORKER).signal(Signal::STOP).unwrap();
    let told = world.run("actors", HUB).await;
    world.node(WORKER).signal(Signal::CONT).unwrap();
    assert!(told.stdout.contains("node hub") && told.stdout.contains("node connector"), "{told:?}");
    assert!(told.stderr.contains("worker did not answer"), "{told:?}");
}
