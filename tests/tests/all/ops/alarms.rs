//! Alarms that only a node in trouble raises: each begins and ends in a real process.

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use tests::process::{NodeProcess, chaos_program};

use super::{SOON, get, served, shift};
use crate::faults::driver::Driver;
use crate::faults::world::{PATIENCE, World};

fn over(said: &str, id: &str) -> usize {
    said.matches(&format!("over alarm=\"{id}")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_can_take_no_connection_is_an_alarm_until_it_can() {
    let (site, address) = served("").await;
    // Both are there before nothing can be opened any more.
    let mut desk = site.desk().await;
    let pid = site.node().pid();
    let none = Rlimit { current: Some(3), ..getrlimit(Resource::Nofile) };
    let before = prlimit(Some(pid), Resource::Nofile, none).unwrap();
    let asking = tokio::spawn(get(address, "/healthz"));
    let is_told = |alarm: &String| alarm.starts_with("health and metrics can't be asked for");
    let until = tokio::time::Instant::now() + SOON;
    while !desk.status().await.alarms.iter().any(is_told) {
        assert!(tokio::time::Instant::now() < until, "no alarm: {}", site.node().said());
    }
    prlimit(Some(pid), Resource::Nofile, before).unwrap();
    assert_eq!(asking.await.unwrap().status, 200, "who waited is answered");
    while desk.status().await.alarms.iter().any(is_told) {
        assert!(tokio::time::Instant::now() < until, "it does not end");
    }
    assert_eq!(over(&site.node().said(), "http"), 1);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_is_not_worked_on_is_an_alarm_until_it_is() -> anyhow::Result<()> {
    let world = World::new()?;
    let node =
        NodeProcess::start(world.spec()?.env("AGENT_RUNTIME_ALARMS__MAILBOX_WAIT_S", "1"), &world.data()).await?;
    let mut ann = Driver::attach(&world.data()).await?;
    ann.ask("What is the plan?", PATIENCE).await?;
    let mut bob = Driver::attach_in(&world.data(), "home", "general", "bob").await?;
    // An actor that waits for its commit looks at no message meanwhile.
    world.disk("delay_ms 12000 meta.sqlite")?;
    let said = ann.say("And the next plan?").await?;
    let grows = |alarm: &String| alarm.contains("does not keep up: a message has waited in its mailbox for");
    let status = bob.status_until(PATIENCE, |status| status.alarms.iter().any(grows)).await?;
    assert!(status.alarms.iter().any(|alarm| alarm.contains("`agent-runtime actors` shows")), "{:?}", status.alarms);
    world.disk("ok")?;
    ann.settled(&[said], PATIENCE).await?;
    bob.status_until(PATIENCE, |status| !status.alarms.iter().any(grows)).await?;
    assert!(over(&node.said(), "mailbox:") >= 1, "{}", node.said());
    node.stop().await?;
    world.is_clean().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_that_nobody_clears_up_for_a_day_is_an_alarm_for_a_week() -> anyhow::Result<()> {
    let (world, program) = (World::new()?, chaos_program()?);
    let dying = world.spec_of(&program)?.env("AGENT_RUNTIME_TEST_KILL_AT", "lane.before_send");
    let mut node = NodeProcess::start(dying, &world.data()).await?;
    let mut ann = Driver::attach(&world.data()).await?;
    ann.say("What is the plan?").await?;
    node.wait(PATIENCE).await?;
    world.run(&["context", "create", "ops"]).await?.expect_code(0)?;
    let clock = world.path("clock");
    shift(&clock, 0);
    let spec = world.spec_of(&program)?.env("AGENT_RUNTIME_TEST_CLOCK_FILE", clock.display().to_string());
    let node = NodeProcess::start(spec, &world.data()).await?;
    // Who was to get the reply comes back and has not heard of it: whether it came, nobody knows.
    let back = Driver::attach_again(&world.data(), ann.session()).await?;
    let mut bob = Driver::attach_in(&world.data(), "home", "ops", "bob").await?;
    let doubted = bob.status_until(PATIENCE, |status| status.counts.in_doubt == 1).await?;
    let is_told = |alarm: &String| alarm.contains("have been in doubt for more than a day");
    assert!(!doubted.alarms.iter().any(is_told), "{:?}", doubted.alarms);
    shift(&clock, 25 * 3_600_000);
    let status = bob.status_until(PATIENCE, |status| status.alarms.iter().any(is_told)).await?;
    assert!(status.alarms.iter().any(|alarm| alarm.contains("`agent-runtime verify` names the replies")));
    shift(&clock, 9 * 24 * 3_600_000);
    bob.status_until(PATIENCE, |status| !status.alarms.iter().any(is_told)).await?;
    assert_eq!(over(&node.said(), "doubt"), 1, "{}", node.said());
    back.leave().await;
    node.stop().await?;
    world.is_clean().await
}
