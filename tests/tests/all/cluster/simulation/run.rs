//! One cluster by one seed, from its start until it is still.

use std::time::Duration;

use turmoil::Builder;

use super::chance::Chance;
use super::faults::World;
use super::node::{self, NODES, Start};
use super::outside::{Control, Outside};
use super::store::Disk;
use super::trust::Credentials;

/// The cluster comes up in peace.
const PEACE: Duration = Duration::from_secs(2);
/// How long things go wrong after that.
const FAULTS: Duration = Duration::from_secs(15);
/// By then all that was said has its outcome, and so have the last words: a hub that has just begun settles for 3 s, a lease
/// lives 5.1 s, a call to a store that was cut off 10 s.
const FLOWS_WITHIN: Duration = Duration::from_secs(20);
/// Messages arrive at multiples of it; what nodes do by themselves is true to the millisecond.
const TICK: Duration = Duration::from_millis(5);

/// What came of a run.
pub(super) struct Told {
    pub(super) violation: Option<String>,
    /// Counts, for people.
    pub(super) counts: String,
    pub(super) fenced: u64,
    pub(super) digest: u64,
}

/// Runs it. The hub's store and the certificates lie in a folder that is gone afterwards.
pub(super) fn run(seed: u64, control: Control) -> Told {
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let outside = Outside::new(seed, control);
    let nodes = node::nodes(seed);
    let credentials = Credentials::issue(folder.path(), &nodes);
    let mut sim = Builder::new()
        .rng_seed(seed)
        .tick_duration(TICK)
        .simulation_duration(PEACE + FAULTS + FLOWS_WITHIN + Duration::from_secs(60))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(20))
        .tcp_capacity(4_096)
        .enable_tokio_io()
        .build();
    let (store, disk) = (folder.path().join("store"), Disk::default());
    for spec in nodes {
        let (outside, credentials) = (outside.clone(), credentials.clone());
        let start = Start { spec, outside, credentials, folder: store.clone(), disk: disk.clone() };
        sim.host(spec.name, move || node::run(start.clone()));
    }
    let mut world = World::new(sim, outside, Chance::new(seed));
    let stuck = live(&mut world);
    let told = tell(&world, stuck, &store);
    // Nodes are ended within the simulation: their sockets belong to it.
    NODES.iter().for_each(|spec| world.sim.crash(spec.name));
    told
}

/// `Err`: it did not flow again.
fn live(world: &mut World<'_>) -> Result<(), String> {
    step_until(world, PEACE);
    let mut next = world.sim.elapsed();
    while world.sim.elapsed() < PEACE + FAULTS && !is_violated(world) {
        let until = world.next_end().unwrap_or(Duration::MAX).min(next);
        step_until(world, until);
        world.mend(false);
        if world.sim.elapsed() >= next {
            world.break_something();
            let calm = world.chance.one_in(4);
            let (low, high) = if calm { (2_000, 6_000) } else { (10, 1_500) };
            next = world.sim.elapsed() + Duration::from_millis(world.chance.within(low, high));
        }
    }
    let over = world.sim.elapsed();
    world.outside.trace(over, "faults are over");
    world.mend(true);
    world.outside.last_words();
    while !is_violated(world) {
        let Some(why) = world.outside.unsettled() else { return Ok(()) };
        if world.sim.elapsed() > over + FLOWS_WITHIN {
            return Err(format!("{} s after the last fault: {why}", FLOWS_WITHIN.as_secs()));
        }
        step_until(world, world.sim.elapsed() + Duration::from_millis(100));
        world.mend(false);
    }
    Ok(())
}

fn step_until(world: &mut World<'_>, until: Duration) {
    while world.sim.elapsed() < until && !is_violated(world) {
        if let Err(error) = world.sim.step() {
            let now = world.sim.elapsed();
            world.outside.check(|checks| checks.fail(now, &format!("a node could not be started: {error}")));
        }
        world.supervise();
    }
}

fn is_violated(world: &World<'_>) -> bool {
    world.outside.check(|checks| checks.violation.is_some())
}

fn tell(world: &World<'_>, stuck: Result<(), String>, store: &std::path::Path) -> Told {
    let ended = world.sim.elapsed();
    let (outside, faults) = (&world.outside, &world.done);
    let mut violation = outside.check(|checks| checks.violation.clone()).or(stuck.err());
    if violation.is_none() {
        violation = unverified(store);
    }
    outside.check(|checks| {
        let (said, heard) = checks.counts();
        let (taken, fenced) = (checks.taken, checks.fenced);
        let (answered, unanswered) = (checks.answered, checks.unanswered);
        let faults: u64 = faults.values().sum();
        let counts = format!(
            "{faults} faults, {said} words of which {heard} were settled, {taken} commits taken, {fenced} fenced, {answered} answers, {unanswered} without; still {:.1} s after the last fault",
            ended.saturating_sub(PEACE + FAULTS).as_secs_f64()
        );
        Told { violation, counts, fenced, digest: checks.digest() }
    })
}

/// What `verify` finds in the store.
fn unverified(store: &std::path::Path) -> Option<String> {
    match store::verify(store) {
        Ok(report) if report.is_clean() => None,
        Ok(report) => Some(format!("verify finds {report:?}")),
        Err(error) => Some(format!("verify: {error}")),
    }
}
