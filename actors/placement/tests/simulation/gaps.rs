//! How long a unit is without service after one fault, in simulated time: nobody whose commits would be taken.

use messages::cluster::UnitClass;

use crate::world::{MS, SECOND, Setup, Watch, World};

const SEEDS: u64 = 5;
const SETUP: Setup = Setup {
    nodes: 4,
    fenced: 12,
    exclusive: 8,
    drift_ppm: 5_000,
    no_fence: false,
    exclusive_as_fenced: false,
    plain: true,
};

/// A fault, what a gap may be at most in milliseconds for fenced and exclusive units, and how it is done.
type Fault = (&'static str, [u64; 2], fn(&mut World));

/// The node that it is done to; the hub is no node of these.
const NODE: usize = 1;

const FAULTS: [Fault; 10] = [
    ("killed", [400, 5_400], |world| world.kill_node(NODE)),
    ("killed, begun again in 1 s", [400, 1_100], |world| {
        world.kill_node(NODE);
        world.run_until(world.now + SECOND);
        world.start_node(NODE);
    }),
    ("frozen", [5_400, 5_400], |world| world.freeze_node(NODE)),
    ("cut both ways", [5_400, 5_400], |world| world.cut(NODE, true, true)),
    ("cut to the hub", [5_400, 5_400], |world| world.cut(NODE, true, false)),
    ("cut from the hub", [5_400, 7_400], |world| world.cut(NODE, false, true)),
    ("link ended and dialled again", [250, 250], |world| world.end_link(NODE)),
    ("drained", [60, 60], |world| world.drain(NODE, true, false)),
    ("hub killed, begun again in 2 s", [2_600, 2_600], |world| {
        world.kill_hub();
        world.run_until(world.now + 2 * SECOND);
        world.start_hub();
    }),
    ("hub killed, begun again in 13 s", [14_500, 14_500], |world| {
        world.kill_hub();
        world.run_until(world.now + 13 * SECOND);
        world.start_hub();
    }),
];

/// Gaps of one class in milliseconds, sorted.
fn gaps(seed: u64, fault: &Fault) -> [Vec<u64>; 2] {
    let mut world = World::new(seed, SETUP);
    let calm = 15 * SECOND + world.chance.within(0, SECOND);
    world.run_until(calm);
    assert_eq!(world.unsettled(), None, "seed {seed}");
    world.watch = Some(Watch::default());
    world.watch();
    (fault.2)(&mut world);
    world.watch();
    world.run_until(world.now + 20 * SECOND);
    assert_eq!(world.checks.violation, None, "{} with seed {seed}", fault.0);
    let gaps = world.watch.take().unwrap();
    assert!(gaps.all_over(), "{} with seed {seed}: some unit is never served again", fault.0);
    [UnitClass::Fenced, UnitClass::Exclusive].map(|class| {
        let of_class = gaps.gaps.iter().filter(|(unit, _)| unit.class() == class);
        of_class.map(|(_, us)| us / MS).collect()
    })
}

#[test]
fn how_long_a_unit_is_without_service_after_a_fault() {
    println!("{:<34} {:>22} {:>22}", "fault", "fenced n/p50/max ms", "exclusive n/p50/max ms");
    for fault in &FAULTS {
        let mut all = [Vec::new(), Vec::new()];
        for seed in 0..crate::from_environment("SEEDS").unwrap_or(SEEDS) {
            let [fenced, exclusive] = gaps(seed, fault);
            all[0].extend(fenced);
            all[1].extend(exclusive);
        }
        let told = all.each_mut().map(|gaps| {
            gaps.sort_unstable();
            let (p50, max) = (gaps.get(gaps.len() / 2), gaps.last());
            format!("{}/{}/{}", gaps.len(), p50.unwrap_or(&0), max.unwrap_or(&0))
        });
        println!("{:<34} {:>22} {:>22}", fault.0, told[0], told[1]);
        for (gaps, max) in all.iter().zip(fault.1) {
            assert!(gaps.last().is_none_or(|gap| *gap <= max), "{}: {told:?}", fault.0);
        }
    }
}
