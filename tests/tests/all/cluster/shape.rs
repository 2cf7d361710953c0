use super::world::{CONNECTOR, HUB, WORKER, World};

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
    let mut answer = String::new();
    for _ in 0..40 {
        answer = world.ask(&mut ann, "when do we begin with the fence?").await;
        if answer.contains("3 March") {
            break;
        }
    }
    assert!(answer.contains("3 March"), "{answer}");
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
    let (asked, _) = ann.task("say what is planned", super::world::SOON).await.unwrap();
    ann.heard(&asked, 1, super::world::SOON).await.unwrap();
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
