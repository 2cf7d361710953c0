use std::time::Instant;

use super::versions::until_seen;
use super::world::{CONNECTOR, HUB, SOON, WORKER, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_line_typed_at_a_connector_is_answered_by_a_worker_and_kept_by_the_hub() {
    let world = World::running().await;
    std::fs::write(
        world.data(WORKER).join("workspaces/home/garden.md"),
        "# Plan\n\nWe begin on 3 March with the fence.\n",
    )
    .unwrap();
    let mut ann = world.attach("general").await;
    // Once the worker's index has seen the file.
    let until = Instant::now() + SOON;
    while !world.ask(&mut ann, "when do we begin with the fence?").await.contains("3 March") {
        assert!(Instant::now() < until, "the worker does not know what its file says");
    }
    assert!(world.data(HUB).join("agent-runtime/meta.sqlite").is_file());
    for name in [CONNECTOR, WORKER] {
        assert!(!world.data(name).join("agent-runtime/meta.sqlite").exists(), "{name} has a store of its own");
    }
    assert!(world.data(WORKER).join("workspaces/home/logs/console/general.md").is_file());
    assert!(!world.data(CONNECTOR).join("workspaces").exists());
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_given_at_a_connector_runs_on_a_worker_and_its_words_come_back() {
    let world = World::running().await;
    let mut ann = world.attach("general").await;
    let (asked, _) = ann.task("say what is planned", SOON).await.unwrap();
    ann.heard(&asked, 1, SOON).await.unwrap();
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_are_stopped_in_good_order_end_well_and_go_on_at_their_next_start() {
    let mut world = World::running().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "hello").await;
    drop(ann);
    for name in [CONNECTOR, WORKER, HUB] {
        world.stop(name).await;
    }
    for name in [HUB, WORKER, CONNECTOR] {
        world.spawn(name);
    }
    world.answers().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "hello again").await;
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_tells_who_is_there_and_the_hub_why_a_unit_is_where_it_is() {
    let world = World::running().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "hello").await;
    for name in [HUB, CONNECTOR, WORKER] {
        let nodes = world.told("nodes --json", name).await;
        let names: Vec<&str> = nodes.as_array().unwrap().iter().map(|node| node["node"].as_str().unwrap()).collect();
        // Links go to the hub alone.
        let expected: &[&str] = if name == HUB { &[HUB, CONNECTOR, WORKER] } else { &[name, HUB] };
        assert_eq!(names, expected);
        let units = world.told("placement --json", name).await;
        let held = |unit: &str| {
            let found = units.as_array().unwrap().iter().find(|of| of["unit"] == unit).unwrap();
            (found["node"].as_str().unwrap().to_owned(), found["epoch"].as_u64().unwrap())
        };
        assert_eq!(held("ws/home"), (WORKER.to_owned(), 1));
        assert_eq!(held("connector/console"), (CONNECTOR.to_owned(), 1));
    }
    for unit in ["ws/home", "connector/console"] {
        world.placed(unit, "no other node may have it").await;
    }
    let refused = crate::faults::driver::Driver::attach(&world.data(HUB)).await.err().unwrap();
    assert!(format!("{refused:#}").contains("this node is no connector"), "{refused:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_drained_gives_its_units_back_and_what_waits_for_its_host_is_answered_when_it_takes_them_again()
{
    let world = World::running().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "hello").await;
    world.run("drain", WORKER).await;
    world.placed("ws/home", "every node that may have it drains").await;
    let units = world.told("placement --json", HUB).await;
    let home = units.as_array().unwrap().iter().find(|of| of["unit"] == "ws/home").unwrap().clone();
    assert_eq!(home["node"], serde_json::Value::Null);
    let waiting = ann.say("while nobody holds it").await.unwrap();
    world.run("drain --undo", WORKER).await;
    ann.settled(std::slice::from_ref(&waiting), SOON).await.unwrap();
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_node_is_out_and_the_others_go_on() {
    let world = World::running().await;
    world.run("pki revoke worker", HUB).await;
    world.until(|world| world.said(HUB).contains("its certificate was revoked")).await;
    until_seen(&world, HUB, WORKER, |node| node["away"] == true).await;
    world.answers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stood_alone_is_the_hub_of_a_cluster_from_its_next_start_on_and_back() {
    let mut world = World::laid().await;
    let port = tests::port::Port::free().unwrap();
    let among = format!("listen = \"127.0.0.1:{}\"", port.number());
    for lines in ["", &among, "", &among] {
        world.configure(HUB, lines);
        world.spawn(HUB);
        world.answers_at(HUB).await;
        let mut ann = crate::faults::driver::Driver::attach(&world.data(HUB)).await.unwrap();
        world.ask(&mut ann, "are you there?").await;
        drop(ann);
        world.stop(HUB).await;
    }
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_runs_is_not_started_a_second_time_whatever_its_role() {
    let world = World::running().await;
    for name in [HUB, CONNECTOR, WORKER] {
        let second = world.cluster.spec(name).unwrap().arg("--data").arg(world.data(name).display().to_string());
        let second = second.run("").await.unwrap();
        assert!(second.code != Some(0) && second.stderr.contains("is used by another agent-runtime"), "{second:?}");
    }
    // Those that ran go on: a second start would have taken their places.
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "are you there?").await;
}
