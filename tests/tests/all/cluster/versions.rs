//! Nodes that speak other versions of the protocol.

use tests::process::chaos_program;

use super::world::{CONNECTOR, HUB, SOON, WORKER, World};

/// From its next start on, a node says that it speaks these versions.
pub(super) fn speaks(world: &mut World, name: &str, versions: &str) {
    let plan = world.cluster.plan_mut(name).unwrap();
    plan.program = Some(chaos_program().unwrap());
    plan.env = vec![("AGENT_RUNTIME_TEST_PROTOCOL".to_owned(), versions.to_owned())];
}

/// What a node knows of another: by its name; `None` as long as it knows nothing, or does not answer.
pub(super) async fn seen(world: &World, at: &str, name: &str) -> Option<serde_json::Value> {
    let done = world.cluster.run("nodes --json", at).await.unwrap();
    let nodes: serde_json::Value = serde_json::from_str(&done.stdout).ok()?;
    nodes.as_array()?.iter().find(|node| node["node"] == name).cloned()
}

/// Waits until one node knows of another what is looked for.
pub(super) async fn until_seen(world: &World, at: &str, name: &str, is_so: impl Fn(&serde_json::Value) -> bool) {
    let looks = async { while !seen(world, at, name).await.is_some_and(|node| is_so(&node)) {} };
    if tokio::time::timeout(SOON, looks).await.is_err() {
        let seen = seen(world, at, name).await;
        panic!("{at} knows of {name}: {seen:?}\n{}", world.all_said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_have_no_version_in_common_say_so_everywhere_try_on_and_go_on_when_one_is_replaced() {
    let mut world = World::laid().await;
    speaks(&mut world, WORKER, "2-3");
    world.cluster.spawn_all().unwrap();
    world.answers().await;
    let at_hub = "`hub` speaks version 1 of the protocol between nodes, `worker` speaks versions 2 to 3, and they have none in \
                  common; update agent-runtime on `hub`";
    let at_worker = "`worker` speaks versions 2 to 3 of the protocol between nodes, `hub` speaks version 1, and they have none \
                     in common; update agent-runtime on `hub`";
    world.until(|world| world.said(HUB).contains(at_hub) && world.said(WORKER).contains(at_worker)).await;
    for (at, other, why) in [(HUB, WORKER, at_hub), (WORKER, HUB, at_worker)] {
        until_seen(&world, at, other, |node| node["why"] == why).await;
        let shown = world.run("nodes", at).await.stdout;
        assert!(shown.contains(&format!("no link: {why}")), "{shown}");
        let told = world.cluster.run("doctor --only nodes", at).await.unwrap().expect_code(1).unwrap();
        assert!(told.stdout.contains(why) && told.stdout.contains("agent-runtime nodes"), "{}", told.stdout);
        assert_eq!(world.said(at).matches(why).count(), 1, "it is told once: {}", world.said(at));
    }
    let mut ann = world.attach("general").await;
    let waiting = ann.say("while no worker is there").await.unwrap();

    world.stop(HUB).await;
    speaks(&mut world, HUB, "1-2");
    world.spawn(HUB);
    until_seen(&world, HUB, WORKER, |node| node["why"] == "" && node["protocol"] == "version 2").await;
    until_seen(&world, HUB, CONNECTOR, |node| node["protocol"] == "version 1").await;
    while ann.settled(std::slice::from_ref(&waiting), SOON).await.is_err() {
        ann.dial_again(&world.data(CONNECTOR)).await.unwrap();
    }
    let well = world.cluster.run("doctor --only nodes", HUB).await.unwrap().expect_code(0).unwrap();
    assert!(well.stdout.contains("linked with connector, worker"), "{}", well.stdout);
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_shows_its_own_program_and_versions_beside_those_of_its_links() {
    let world = World::running().await;
    for name in [HUB, CONNECTOR, WORKER] {
        until_seen(&world, name, name, |node| {
            node["program"] == env!("CARGO_PKG_VERSION") && node["protocol"] == "version 1"
        })
        .await;
    }
    until_seen(&world, WORKER, HUB, |node| {
        node["program"] == env!("CARGO_PKG_VERSION") && node["protocol"] == "version 1"
    })
    .await;
}
