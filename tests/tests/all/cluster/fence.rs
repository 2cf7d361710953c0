//! A holder that does not let go: frozen until its unit has moved, it writes on when it wakes, as one whose clock stands still
//! would. The store refuses all of it; and where a test build's store compares no epochs, it writes it.

use messages::InboundId;
use rustix::process::Signal;
use tests::cluster::four;
use tests::process::chaos_program;

use super::shared::share;
use super::world::{HUB, SOON, WORKER, WORKER_2, World};
use crate::faults::driver::Driver;

/// Conversations that are under way when the holder is frozen, ...
const CONTEXTS: usize = 6;
/// ... and lines in each: more than are answered by then.
const LINES: usize = 30;
/// What a test build's hub says of a commit that it should not have written.
const WRITTEN: &str = "a stale commit is written: the fence is switched off";
/// What a node says when its commit was refused.
const REFUSED: &str = "a commit was refused: the unit has a newer holder";

/// A cluster whose workers do not let go, and whose hub does without `without`.
async fn world(without: &str) -> World {
    let mut plans = four();
    for plan in &mut plans {
        plan.program = Some(chaos_program().unwrap());
        let switch = if plan.is_hub() { without } else { "member.lets_go" };
        plan.env.push(("AGENT_RUNTIME_TEST_WITHOUT".to_owned(), switch.to_owned()));
    }
    let mut world = World::of(plans).await;
    share(&world, &[WORKER, WORKER_2]);
    world.start().await;
    world
}

/// Who holds the workspace, and how many commits for it were refused as stale.
async fn home(world: &World) -> (Option<String>, u64) {
    let units = world.told("placement --json", HUB).await;
    let home = units.as_array().unwrap().iter().find(|of| of["unit"] == "ws/home").cloned().unwrap_or_default();
    (home["node"].as_str().map(str::to_owned), home["stale"].as_u64().unwrap_or_default())
}

/// Freezes the holder under load until the other worker holds its unit, and wakes it.
async fn frozen_until_it_moved(world: &mut World) -> Vec<(Driver, Vec<InboundId>)> {
    let mut talks = Vec::new();
    for n in 0..CONTEXTS {
        let mut driver = world.attach(&format!("talk-{n}")).await;
        world.ask(&mut driver, "before").await;
        talks.push((driver, Vec::new()));
    }
    let holder = home(world).await.0.unwrap();
    for (driver, said) in &mut talks {
        said.extend((0..LINES).map(|n| driver.put(&format!("line {n}")).unwrap()));
        driver.flush().await.unwrap();
    }
    let (driver, said) = talks.first_mut().unwrap();
    driver.settled(&said[..1], SOON).await.unwrap();
    world.node(&holder).signal(Signal::STOP).unwrap();
    while home(world).await.0.is_none_or(|node| node == holder) {}
    world.node(&holder).signal(Signal::CONT).unwrap();
    talks
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_writes_on_when_its_unit_has_moved_is_refused_and_counted() {
    let mut world = world("").await;
    let mut talks = frozen_until_it_moved(&mut world).await;
    world.until(|world| world.said(WORKER).contains(REFUSED) || world.said(WORKER_2).contains(REFUSED)).await;
    for (driver, said) in &mut talks {
        if let Err(error) = driver.settled(said, SOON).await {
            panic!("{error:#}\n{}", world.all_said());
        }
        assert!(driver.order.iter().filter(|id| said.contains(id)).eq(&*said), "each once, and in their order");
    }
    let (_, refused) = home(&world).await;
    assert!(refused > 0, "placement tells how many");
    println!("{refused} stale commits were refused");
    assert!(!world.said(HUB).contains(WRITTEN));
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_fence_the_same_holder_writes_what_is_stale_so_that_the_test_of_the_fence_proves_something() {
    let mut world = world("store.fence").await;
    let _talks = frozen_until_it_moved(&mut world).await;
    world.until(|world| world.said(HUB).contains(WRITTEN)).await;
    println!("{} stale commits were written", world.said(HUB).matches(WRITTEN).count());
}
