//! A node that gives away as many units as a host has.

use std::time::Instant;

use tests::cluster::four;

use super::shared::share;
use super::world::{HUB, SOON, WORKER, WORKER_2, World};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Workspaces, `home` among them.
const UNITS: usize = 64;

fn name(n: usize) -> String {
    if n == 0 { "home".to_owned() } else { format!("w{n}") }
}

/// When a node has said this of a unit last, as its log writes it: `2026-11-28T10:13:24.803137Z`.
fn said_at(world: &World, node: &str, words: &str, unit: &str) -> Option<String> {
    let said = world.said(node);
    let line = said.lines().rev().find(|line| line.contains(&format!("{words} unit={unit} ")))?;
    line.split_once(' ').map(|(time, _)| time.to_owned())
}

/// From one time to another that is not before it, less than a day, in milliseconds.
fn ms_between(from: &str, to: &str) -> u64 {
    let number = |time: &str, at: std::ops::Range<usize>| time[at].parse::<u64>().unwrap();
    let of_day = |time: &str| {
        let seconds = (number(time, 11..13) * 60 + number(time, 14..16)) * 60 + number(time, 17..19);
        seconds * 1_000 + number(time, 20..23)
    };
    (of_day(to) + DAY_MS - of_day(from)) % DAY_MS
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
    let moved: Vec<&String> =
        units.iter().zip(&before).filter(|(_, was_there)| **was_there).map(|(unit, _)| unit).collect();
    // What two nodes say is read by two, and the other may have had it once before.
    let when = |world: &World, unit: &str| {
        let given = said_at(world, WORKER, "given back", unit)?;
        said_at(world, WORKER_2, "holds it", unit).filter(|taken| *taken >= given).map(|taken| (given, taken))
    };
    world.until(|world| moved.iter().all(|unit| when(world, unit).is_some())).await;
    let until = Instant::now() + SOON;
    loop {
        let view = world.told("placement --json", HUB).await;
        let mut workspaces =
            view.as_array().unwrap().iter().filter(|of| of["unit"].as_str().unwrap().starts_with("ws/"));
        if workspaces.all(|of| of["node"] == WORKER_2) {
            break;
        }
        assert!(Instant::now() < until, "{view}");
    }
    // For people: how long each was nobody's, and all of them were on their way.
    let times: Vec<(String, String)> = moved.iter().map(|unit| when(&world, unit).unwrap()).collect();
    let mut gaps: Vec<u64> = times.iter().map(|(from, to)| ms_between(from, to)).collect();
    gaps.sort_unstable();
    let first = times.iter().map(|(from, _)| from).min().unwrap();
    let all = ms_between(first, times.iter().map(|(_, to)| to).max().unwrap());
    let given = ms_between(first, times.iter().map(|(from, _)| from).max().unwrap());
    println!(
        "{} units moved in {all} ms, given back within {given} ms; each was nobody's for p50 {} ms, max {} ms",
        gaps.len(),
        gaps[gaps.len() / 2],
        gaps[gaps.len() - 1]
    );
    world.verified().await;
}
