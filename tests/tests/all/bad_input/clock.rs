//! A clock that jumps while turns are queued.

use std::time::{Duration, Instant};

use messages::turn::Outcome;
use tests::fake_model::{FakeModel, Mode};
use tests::process::{NodeProcess, chaos_program};

use super::models;
use crate::faults::driver::Driver;
use crate::faults::world::{PATIENCE, World, cpu};

const HOUR_MS: i64 = 3_600_000;

fn shift(world: &World, ms: i64) -> anyhow::Result<()> {
    let (new, place) = (world.path("clock.new"), world.path("clock"));
    std::fs::write(&new, ms.to_string())?;
    Ok(std::fs::rename(new, place)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_an_hour_strands_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let fake = FakeModel::start(0).await?;
    fake.set(Mode::Normal { chunks: 2, delay_ms: 20 });
    let world = models::with(&fake)?;
    let clock = world.path("clock").display().to_string();
    let spec = world.spec_of(&chaos_program()?)?.env("AGENT_RUNTIME_TEST_CLOCK_FILE", clock);
    let mut node = NodeProcess::start(spec, &world.data()).await?;
    let mut ann = Driver::attach(&world.data()).await?;
    let mut said = Vec::new();
    // Just below the hour after which what waits may expire, far beyond it, and back before the beginning.
    for ms in [0, HOUR_MS - 60_000, 0, -HOUR_MS, 0, 48 * HOUR_MS, -48 * HOUR_MS, 0] {
        for n in 0..15 {
            said.push(ann.say(&format!("At {ms}, number {n}?")).await?);
        }
        let enough = said.len() - 10;
        ann.until(PATIENCE, |ann| ann.ended.len() >= enough).await?;
        shift(&world, ms)?;
    }
    let began = Instant::now();
    ann.settled(&said, PATIENCE).await?;
    println!("the last turns ended {} ms after the last jump", began.elapsed().as_millis());
    let order: Vec<_> = ann.order.iter().filter(|id| ann.ended[id].outcome == Outcome::Replied).collect();
    let replied: Vec<_> = said.iter().filter(|id| ann.ended[id].outcome == Outcome::Replied).collect();
    assert_eq!(order, replied, "order is kept");
    let fine = |outcome| matches!(outcome, Outcome::Replied | Outcome::Expired);
    assert!(said.iter().all(|id| fine(ann.ended[id].outcome)), "{:?}", ann.ended);
    // Dates do not storm: a node that has nothing to do takes next to no processor time.
    ann.leave().await;
    let mut idle = Duration::MAX;
    let until = Instant::now() + PATIENCE;
    while idle > Duration::from_millis(200) && Instant::now() < until {
        let before = cpu(node.pid())?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        idle = cpu(node.pid())? - before;
    }
    println!("idle: {} ms of processor time in 2 s", idle.as_millis());
    assert!(idle <= Duration::from_millis(200));
    assert!(node.ended()?.is_none());
    world.becomes_clean().await?;
    node.stop().await?;
    world.is_clean().await
}
