//! Whole clusters in one process, over a network that misbehaves, in simulated time, by seeds: the real links (TLS, hello, gate,
//! ractor_cluster, parts, watchdogs) and the real member (hub, holder, router, inbox, the store over the link), over turmoil's
//! sockets and its time, with the hub's real store. Actors above them are small ones of the test.
//!
//! | what goes wrong | what is looked at, after every commit |
//! |---|---|
//! | nodes and the hub are killed, lose power, stop, drain, and begin again | only the newest epoch of a unit writes, and only who was given it |
//! | links are cut both ways or one way, reset, hold everything back, are slow, lose messages | what was said has one outcome, and in a context in the order in which it was said |
//! | the hub's disk stalls, the hub is busy | what only one may use is used by no one under an older epoch |
//!
//! When the faults are over all flows again: everything that was acknowledged and some last words of everybody get their
//! outcome within simulated seconds, and `verify` finds nothing in the store.
//!
//! `SEED=17 ./tests/run --no-capture cluster::simulation::no_unit` runs one seed again, `SEEDS=1000` more of them; `TRACE=1` tells what happens and
//! `LOG=cluster=debug` what the nodes log. Not simulated: processes that are frozen (`cluster::kills` does that), several
//! threads, the timers of the runtime, the workspaces' own actors.

// What a seed was like is told on standard output.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod chance;
mod checks;
mod desk;
mod faults;
mod network;
mod node;
mod outside;
mod run;
mod seeds;
mod store;
mod sweep;
mod talk;
pub(super) mod trust;

use outside::Control;
use seeds::{Ended, Seeded};

const SEEDS: u64 = 100;
/// A control is to be noticed with one of so many seeds.
const OF_CONTROL: u64 = 30;

#[test]
fn no_unit_has_two_writers_every_word_has_one_outcome_and_all_flows_again_after_the_faults() {
    let seeds = match seeds::number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..seeds::number("SEEDS").unwrap_or(SEEDS),
    };
    let ended = seeds::all(seeds, Control::Nothing);
    ended.iter().for_each(|Ended { seed, counts, digest, .. }| println!("seed {seed}: {counts} ({digest})"));
    let failed = violations(&ended);
    let stale: u64 = ended.iter().map(|ended| ended.fenced).sum();
    assert!(ended.len() < 100 || stale > 5, "{stale} stale commits in {} seeds: the faults are too mild", ended.len());
    assert!(failed.is_empty(), "{} of {} seeds fail:\n{}", failed.len(), ended.len(), failed.join("\n"));
}

fn violations(ended: &[Ended]) -> Vec<String> {
    let told = |Ended { seed, violation, .. }: &Ended| {
        let violation = violation.as_ref()?;
        Some(format!(
            "seed {seed}: {violation}\n  again: SEED={seed} TRACE=1 ./tests/run --no-capture cluster::simulation::no_unit"
        ))
    };
    ended.iter().filter_map(told).collect()
}

/// The simulation proves something only if it fails when something is wrong.
fn is_noticed(control: Control, words: &str) {
    let seeded = Seeded::make();
    let mut runs = (0..OF_CONTROL).map(|seed| seeds::of(seed, control, &seeded));
    let found = runs.find_map(|ended| ended.violation.filter(|violation| violation.contains(words)));
    assert!(found.is_some(), "none of {OF_CONTROL} seeds fails by `{words}`");
    println!("{control:?}: {found:?}");
}

#[test]
fn a_store_without_the_fence_is_noticed() {
    is_noticed(Control::NoFence, "was taken after");
}

#[test]
fn an_answer_before_the_commit_is_noticed() {
    is_noticed(Control::AnswersFirst, "were acknowledged");
}

#[test]
fn leases_by_clocks_that_are_too_slow_are_noticed() {
    is_noticed(Control::SlowClocks, "used it under");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let seeded = Seeded::make();
    if !seeded.is_there() {
        return;
    }
    let [one, again] = [(), ()].map(|()| seeds::of(7, Control::Nothing, &seeded).digest);
    assert_eq!(one, again);
}

#[test]
#[ignore = "one run, which the others start"]
fn one_seed() {
    if let Ok(filter) = std::env::var("LOG") {
        let filter = tracing_subscriber::EnvFilter::new(filter);
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
    }
    seeds::one(seeds::asked());
}
