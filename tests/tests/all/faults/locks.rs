//! Nodes that are in each other's way, and what a killed one leaves.

use std::fs;
use std::os::unix::fs::symlink;

use messages::turn::Outcome;
use tests::process::{NodeProcess, Spec, command, program};

use super::driver::Driver;
use super::world::{PATIENCE, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_on_a_data_folder_is_told_the_pid_of_the_first() -> anyhow::Result<()> {
    let world = World::new()?;
    let node = world.serve().await?;
    let said = world.run(&["serve"]).await?.expect_code(1)?;
    let pid = format!("(pid {})", node.pid().as_raw_nonzero());
    assert!(said.stderr.contains(&pid) && said.stderr.contains("use another --data"), "{}", said.stderr);
    let mut ann = Driver::attach(&world.data()).await?;
    assert_eq!(ann.ask("Still there?", PATIENCE).await?.outcome, Outcome::Replied);
    ann.leave().await;
    node.stop().await?;
    world.is_clean().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_another_node_holds_is_told_with_the_pid_of_that_node() -> anyhow::Result<()> {
    let world = World::new()?;
    let node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    assert_eq!(ann.ask("Mine?", PATIENCE).await?.outcome, Outcome::Replied);
    let other = world.path("other");
    fs::create_dir_all(other.join("workspaces"))?;
    symlink(world.data().join("workspaces/home"), other.join("workspaces/home"))?;
    let second = NodeProcess::start(Spec::new(&program()?, &["serve"]), &other).await?;
    let mut bob = Driver::attach(&other).await?;
    bob.say("Mine too?").await?;
    let pid = format!("pid {}", node.pid().as_raw_nonzero());
    let told = |alarms: &[String]| alarms.iter().any(|alarm| alarm.contains(&pid));
    bob.status_until(PATIENCE, |status| told(&status.alarms)).await?;
    assert!(bob.ended.is_empty(), "what can't be done is not claimed to be: {:?}", bob.ended);
    let third = world.path("third");
    fs::create_dir_all(third.join("workspaces"))?;
    symlink(world.data().join("workspaces/home"), third.join("workspaces/home"))?;
    let said = command(&["chat"], &third).await?.expect_code(1)?;
    assert!(said.stderr.contains(&pid) && said.stderr.contains("`home` can't be opened"), "{}", said.stderr);
    ann.leave().await;
    node.stop().await?;
    // The one that waited goes on by itself.
    bob.until(PATIENCE, |bob| !bob.ended.is_empty()).await?;
    bob.status_until(PATIENCE, |status| status.alarms.is_empty()).await?;
    bob.leave().await;
    second.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_node_leaves_hinders_no_start() -> anyhow::Result<()> {
    let world = World::new()?;
    for _ in 0..3 {
        let mut node = world.serve().await?;
        let mut ann = Driver::attach(&world.data()).await?;
        assert_eq!(ann.ask("Still there?", PATIENCE).await?.outcome, Outcome::Replied);
        node.kill9()?;
        let folder = world.data().join("agent-runtime");
        assert!(folder.join("console.sock").exists() && folder.join("lock").exists());
        let said = command(&["status"], &world.data()).await?.expect_code(1)?;
        assert!(
            said.stderr.contains("no node serves") && said.stderr.contains("agent-runtime serve"),
            "{}",
            said.stderr
        );
    }
    // A pid that is somebody else's now, and one that is none.
    for pid in ["1", "no number", ""] {
        fs::write(world.data().join("agent-runtime/lock"), pid)?;
        world.serve().await?.stop().await?;
    }
    world.is_clean().await
}
