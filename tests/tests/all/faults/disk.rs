//! A disk that fails under a running node, and heals.

use std::time::{Duration, Instant};

use messages::InboundId;
use messages::turn::Outcome;

use super::driver::Driver;
use super::world::{PATIENCE, World};

/// The disk fails in one way while events come; all that was said meanwhile ends well once it works again.
async fn fails_closed_and_goes_on(order: &str, reason: &str) -> anyhow::Result<()> {
    let world = World::new()?;
    let mut node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    assert_eq!(ann.ask("When do we ship the quarterly plan?", PATIENCE).await?.outcome, Outcome::Replied);

    world.disk(order)?;
    let mut said = Vec::new();
    for n in 0..20 {
        said.push(ann.say(&format!("What is plan {n}?")).await?);
    }
    ann.until(PATIENCE, |ann| !ann.busy.is_empty()).await?;
    let mut mallory = Driver::attach(&world.data()).await?;
    let is_told = |why: &str| why.contains(reason) && why.contains("goes on by itself");
    let status = mallory.status_until(PATIENCE, |status| status.alarms.iter().any(|alarm| is_told(alarm))).await?;
    assert!(status.alarms.iter().any(|alarm| alarm.starts_with("the store refuses commits")), "{:?}", status.alarms);
    assert!(ann.busy.iter().all(|why| why.contains("goes on by itself")), "{:?}", ann.busy);
    assert_eq!(status.counts.accepted, 1, "what can't be written is not accepted: {status:?}");
    assert_eq!(ann.ended.len(), 1, "nothing ended while nothing could be written");
    assert!(node.ended()?.is_none(), "the node goes on");

    world.disk("ok")?;
    ann.settled(&said, PATIENCE).await?;
    all_replied_in_order(&ann, &said);
    let status = mallory.status_until(PATIENCE, |status| status.alarms.is_empty()).await?;
    assert_eq!(status.counts.accepted, 21);
    // Files are written after the answer.
    world.becomes_clean().await?;
    node.kill9()?;
    let node = world.serve().await?;
    // What the kill came before is written within seconds of the next start.
    world.becomes_clean().await?;
    node.stop().await?;
    world.is_clean().await
}

fn all_replied_in_order(ann: &Driver, said: &[InboundId]) {
    assert!(said.iter().all(|id| ann.ended[id].outcome == Outcome::Replied), "{:?}", ann.ended);
    let order: Vec<_> = ann.order.iter().filter(|id| said.contains(id)).collect();
    assert_eq!(order, said.iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_all_and_loses_nothing() -> anyhow::Result<()> {
    fails_closed_and_goes_on("enospc meta.sqlite", "the disk is full: free some space").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_in_the_middle_of_a_write_leaves_nothing_half_written() -> anyhow::Result<()> {
    fails_closed_and_goes_on("torn meta.sqlite", "the disk is full: free some space").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_on_write_refuses_all_and_loses_nothing() -> anyhow::Result<()> {
    fails_closed_and_goes_on("eio meta.sqlite", "the disk reports an error").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_at_the_sync_of_a_commit_is_no_commit() -> anyhow::Result<()> {
    fails_closed_and_goes_on("eio_at_commit meta.sqlite", "the disk reports an error").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_became_read_only_refuses_all_and_loses_nothing() -> anyhow::Result<()> {
    fails_closed_and_goes_on("erofs meta.sqlite", "make it writable").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_comes_and_goes_while_turns_run_costs_no_event_its_one_outcome() -> anyhow::Result<()> {
    let world = World::new()?;
    let mut node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    let mut said = Vec::new();
    let orders = ["enospc data/", "eio meta.sqlite", "torn data/", "eio_at_commit data/", "erofs data/", "eio data/"];
    for (round, order) in orders.iter().cycle().take(12).enumerate() {
        for n in 0..10 {
            said.push(ann.say(&format!("Round {round}, what is plan {n}?")).await?);
        }
        // A few of them have ended and the others are anywhere when the disk breaks.
        let enough = said.len() - 7;
        ann.until(PATIENCE, |ann| ann.ended.len() >= enough).await?;
        world.disk(order)?;
        let refused = ann.busy.len();
        said.push(ann.say("Is the disk well?").await?);
        ann.until(PATIENCE, |ann| ann.busy.len() > refused).await?;
        world.disk("ok")?;
    }
    ann.settled(&said, PATIENCE).await?;
    all_replied_in_order(&ann, &said);
    assert_eq!(ann.status_until(PATIENCE, |status| status.alarms.is_empty()).await?.counts.accepted, said.len() as u64);
    assert!(node.ended()?.is_none());
    world.becomes_clean().await?;
    node.kill9()?;
    let node = world.serve().await?;
    // What the kill came before is written within seconds of the next start.
    world.becomes_clean().await?;
    node.stop().await?;
    world.is_clean().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_the_disk_fails_costs_nothing_that_was_accepted() -> anyhow::Result<()> {
    let world = World::new()?;
    for order in ["torn data/", "eio_at_commit meta.sqlite", "enospc meta.sqlite-wal"] {
        world.disk("ok")?;
        let mut node = world.serve().await?;
        let mut ann = Driver::attach(&world.data()).await?;
        let first = ann.say("What was accepted before?").await?;
        ann.settled(&[first], PATIENCE).await?;
        world.disk(order)?;
        ann.say("What came meanwhile?").await?;
        ann.until(PATIENCE, |ann| !ann.busy.is_empty()).await?;
        node.kill9()?;
    }
    world.disk("ok")?;
    let node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    let status = ann.status_until(PATIENCE, |s| s.counts.waiting + s.counts.taken == 0).await?;
    assert!(status.counts.accepted >= 3, "{status:?}");
    assert_eq!(ann.ask("And now?", PATIENCE).await?.outcome, Outcome::Replied);
    node.stop().await?;
    world.is_clean().await
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_that_can_not_be_written_are_written_later_and_hold_up_nobody() -> anyhow::Result<()> {
    let world = World::new()?;
    let node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    for order in ["torn /logs/", "eio /logs/", "erofs /logs/"] {
        world.disk(order)?;
        for n in 0..5 {
            assert_eq!(ann.ask(&format!("{order} {n}?"), PATIENCE).await?.outcome, Outcome::Replied);
        }
        world.disk("ok")?;
        assert_eq!(ann.ask("And now?", PATIENCE).await?.outcome, Outcome::Replied);
    }
    world.becomes_clean().await?;
    node.stop().await?;
    world.is_clean().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_slows_and_breaks_nothing() -> anyhow::Result<()> {
    let world = World::new()?;
    let node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    for (order, what) in [("ok", "a fast disk"), ("delay_ms 8 data/", "8 ms more for each sync")] {
        world.disk(order)?;
        let (mut said, began) = (Vec::new(), Instant::now());
        for n in 0..100 {
            said.push(ann.say(&format!("What is plan {n}?")).await?);
        }
        ann.settled(&said, PATIENCE).await?;
        println!("100 events in one context, {what}: {} ms", began.elapsed().as_millis());
        all_replied_in_order(&ann, &said);
    }
    assert!(ann.busy.is_empty(), "{:?}", ann.busy);
    node.stop().await?;
    world.is_clean().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_on_a_full_disk_says_so_and_what_to_do() -> anyhow::Result<()> {
    for (order, words) in [("enospc data/", "free some space"), ("erofs data/", "writable")] {
        let world = World::new()?;
        world.disk(order)?;
        let mut node = tests::process::NodeProcess::spawn(world.spec()?, &world.data())?;
        let status = node.wait(Duration::from_secs(30)).await?;
        assert_eq!(status.code(), Some(1));
        assert!(node.said().contains("error: ") && node.said().contains(words), "{order}: {}", node.said());
        world.disk("ok")?;
        let node = world.serve().await?;
        world.becomes_clean().await?;
        node.stop().await?;
    }
    Ok(())
}
