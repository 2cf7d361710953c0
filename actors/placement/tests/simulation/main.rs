//! Whole clusters in simulated time, by seeds: what may go wrong with nodes, links, the hub and its store does, and what
//! is promised of units is checked after every event.
//!
//! `SEEDS=5000 cargo test -p placement --test simulation` runs more, `SEED=17` one. A failure names its seed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod chance;
mod checks;
mod faults;
mod gaps;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use faults::run;
use world::Setup;

const SEEDS: u64 = 320;
const SETUP: Setup = Setup {
    nodes: 4,
    fenced: 3,
    exclusive: 3,
    // Two clocks drift apart by one in a hundred; the margin covers two.
    drift_ppm: 5_000,
    no_fence: false,
    exclusive_as_fenced: false,
    plain: false,
};

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

struct Summary {
    violations: Vec<(u64, String)>,
    accepted: u64,
    refused: u64,
}

/// Runs these seeds on all processors.
fn all(seeds: std::ops::Range<u64>, setup: Setup) -> Summary {
    let (next, end) = (AtomicU64::new(seeds.start), seeds.end);
    let summary = Mutex::new(Summary { violations: Vec::new(), accepted: 0, refused: 0 });
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            break;
        }
        let (world, result) = run(seed, setup);
        let mut summary = summary.lock().unwrap();
        summary.accepted += world.checks.accepted;
        summary.refused += world.checks.refused;
        if let Err(violation) = result {
            summary.violations.push((seed, violation));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut summary = summary.into_inner().unwrap();
    summary.violations.sort();
    summary
}

#[test]
fn no_unit_has_two_writers_or_two_users_and_each_is_held_again() {
    let seeds = match from_environment("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_environment("SEEDS").unwrap_or(SEEDS),
    };
    let count = seeds.end - seeds.start;
    let summary = all(seeds, SETUP);
    let told: Vec<String> =
        summary.violations.iter().take(10).map(|(seed, what)| format!("SEED={seed}: {what}")).collect();
    assert!(told.is_empty(), "{} of {count} seeds fail:\n{}", summary.violations.len(), told.join("\n"));
    println!("{count} clusters: {} commits taken, {} stale ones refused", summary.accepted, summary.refused);
    assert!(count < 100 || summary.refused > count, "hardly a stale commit came: the faults are too mild");
}

/// The simulation proves something only if it fails when something is wrong.
#[test]
fn a_store_without_the_fence_is_noticed() {
    let summary = all(0..40, Setup { no_fence: true, ..SETUP });
    let about = summary.violations.iter().filter(|(_, what)| what.contains("a commit of epoch")).count();
    assert!(about > 5, "{about} of 40 seeds: {:?}", summary.violations.first());
}

#[test]
fn what_one_alone_may_use_placed_as_fenced_is_noticed() {
    let summary = all(0..40, Setup { exclusive_as_fenced: true, ..SETUP });
    let about = summary.violations.iter().filter(|(_, what)| what.contains("at once")).count();
    assert!(about > 5, "{about} of 40 seeds: {:?}", summary.violations.first());
}

#[test]
fn clocks_that_drift_apart_more_than_the_margin_allows_are_noticed() {
    let summary = all(0..40, Setup { drift_ppm: 80_000, ..SETUP });
    let about = summary.violations.iter().filter(|(_, what)| what.contains("at once")).count();
    assert!(about > 0, "of 40 seeds: {:?}", summary.violations.first());
}

#[test]
fn the_same_seed_is_the_same_run() {
    let counted = |seed| {
        let (world, _) = run(seed, SETUP);
        (world.now, world.checks.accepted, world.checks.refused)
    };
    assert_eq!(counted(7), counted(7));
    assert_ne!(counted(7), counted(8));
}
