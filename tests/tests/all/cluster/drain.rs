//! A node that gives away as many units as a host has.

use tests::cluster::four;

use super::people::until_held;
use super::shared::share;
use super::world::{CONNECTOR, HUB, WORKER, WORKER_2, World, logged_at};

/// Workspaces, `home` among them.
const UNITS: usize = 64;

fn name(n: usize) -> String {
    if n == 0 { "home".to_owned() } else { format!("w{n}") }
}

/// When a node has said this of a unit last, in milliseconds since the epoch.
fn said_at(world: &World, node: &str, words: &str, unit: &str) -> Option<i64> {
    let said = world.said(node);
    let line = said.lines().rev().find(|line| line.contains(&format!("{words} unit={unit} ")))?;
    logged_at(line)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_of_64_units_leaves_none_behind() {
    let mut world = World::of(four()).await;
    let shared = share(&world, &[WORKER, WORKER_2]);
    // The other comes later: it would draw its share.
    [HUB, CONNECTOR, WORKER].into_iter().for_each(|name| world.spawn(name));
    world.answers().await;
    // Beside `home`, which is there from the start.
    for n in 1..UNITS {
        let folder = shared.join(name(n));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("workspace.md"), "---\nname: Work\nkind: community\n---\n").unwrap();
    }
    let units: Vec<String> = (0..UNITS).map(|n| format!("ws/{}", name(n))).collect();
    world.until(|world| units.iter().all(|unit| said_at(world, WORKER, "holds it", unit).is_some())).await;
    world.spawn(WORKER_2);
    world.linked(HUB, WORKER_2).await;
    world.run("drain", WORKER).await;
    // What two nodes say is read by two: the word of the one that gives may come after that of the one that takes.
    let when = |world: &World, unit: &str| {
        said_at(world, WORKER, "given back", unit).zip(said_at(world, WORKER_2, "holds it", unit))
    };
    world.until(|world| units.iter().all(|unit| when(world, unit).is_some())).await;
    until_held(&world, |one, other| (one, other) == (0, UNITS)).await;
    // For people: how long each was nobody's, and all of them were on their way.
    let times: Vec<(i64, i64)> = units.iter().map(|unit| when(&world, unit).unwrap()).collect();
    let mut gaps: Vec<i64> = times.iter().map(|(from, to)| to - from).collect();
    gaps.sort_unstable();
    let first = times.iter().map(|(from, _)| from).min().unwrap();
    let all = times.iter().map(|(_, to)| to).max().unwrap() - first;
    let given = times.iter().map(|(from, _)| from).max().unwrap() - first;
    println!(
        "{} units moved in {all} ms, given back within {given} ms; each was nobody's for p50 {} ms, max {} ms",
        gaps.len(),
        gaps[gaps.len() / 2],
        gaps[gaps.len() - 1]
    );
    world.verified().await;
}
