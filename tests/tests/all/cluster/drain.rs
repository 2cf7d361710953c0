//! A node that gives away as many units as a host has.

use tests::cluster::four;

use super::shared::share;
use super::world::{HUB, WORKER, WORKER_2, World};

/// Workspaces, `home` among them.
const UNITS: usize = 64;

fn name(n: usize) -> String {
    if n == 0 { "home".to_owned() } else { format!("w{n}") }
}

/// When a node has said this of a unit last, in milliseconds of the hour.
fn said_at(world: &World, node: &str, words: &str, unit: &str) -> Option<u64> {
    let said = world.said(node);
    let line = said.lines().rev().find(|line| line.contains(&format!("{words} unit={unit} ")))?;
    let time = line.split_once('T')?.1;
    let number = |at: std::ops::Range<usize>| time.get(at)?.parse::<u64>().ok();
    Some((number(3..5)? * 60 + number(6..8)?) * 1_000 + number(9..12)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_of_64_units_leaves_none_behind() {
    let mut world = World::of(four()).await;
    let shared = share(&world, &[WORKER, WORKER_2]);
    world.start().await;
    // Beside `home`, which is there from the start.
    for n in 1..UNITS {
        let folder = shared.join(name(n));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("workspace.md"), "---\nname: Work\nkind: community\n---\n").unwrap();
    }
    let units: Vec<String> = (0..UNITS).map(|n| format!("ws/{}", name(n))).collect();
    let held = |world: &World, node: &str| {
        units.iter().filter(|unit| said_at(world, node, "holds it", unit).is_some()).count()
    };
    // Also when the other was there first and was given all of them: this one draws its share some seconds later.
    world.until(|world| held(world, WORKER) > 0 && held(world, WORKER) + held(world, WORKER_2) >= units.len()).await;
    let before: Vec<bool> = units.iter().map(|unit| said_at(&world, WORKER, "holds it", unit).is_some()).collect();
    world.run("drain", WORKER).await;
    world.until(|world| held(world, WORKER_2) == units.len()).await;
    let moved: Vec<&String> =
        units.iter().zip(&before).filter(|(_, was_there)| **was_there).map(|(unit, _)| unit).collect();
    // What two nodes say is read by two: the word of the one that gives may come after that of the one that takes.
    world.until(|world| moved.iter().all(|unit| said_at(world, WORKER, "given back", unit).is_some())).await;
    let view = world.told("placement --json", HUB).await;
    let workspaces = view.as_array().unwrap().iter().filter(|of| of["unit"].as_str().unwrap().starts_with("ws/"));
    assert!(workspaces.clone().all(|of| of["node"] == WORKER_2), "{view}");
    // For people: how long each was nobody's, and all of them were on their way.
    let times: Vec<(u64, u64)> = moved
        .iter()
        .map(|unit| {
            let (from, to) = (said_at(&world, WORKER, "given back", unit), said_at(&world, WORKER_2, "holds it", unit));
            (from.unwrap(), to.unwrap())
        })
        .collect();
    let mut gaps: Vec<u64> = times.iter().map(|(from, to)| to.saturating_sub(*from)).collect();
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
