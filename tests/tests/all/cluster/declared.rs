//! Which node has the files of which workspace, and what becomes of one whose node is away.

use tests::cluster::four;

use super::world::{HUB, SOON, WORKER, World};
use crate::faults::driver::Driver;

const OTHER: &str = "worker-2";

/// Makes a workspace as a person would, by its files.
fn make(world: &World, node: &str, id: &str) {
    let folder = world.data(node).join("workspaces").join(id);
    std::fs::create_dir_all(folder.join("contexts/general")).unwrap();
    std::fs::write(folder.join("contexts/general/context.md"), "Be short.\n").unwrap();
    std::fs::write(folder.join("workspace.md"), format!("---\nname: {id}\nkind: community\n---\n")).unwrap();
}

async fn unit(world: &World, unit: &str) -> serde_json::Value {
    let units = world.told("placement --json", HUB).await;
    units.as_array().unwrap().iter().find(|of| of["unit"] == unit).cloned().unwrap_or_default()
}

async fn alarms(world: &World) -> String {
    world.told("status --json", HUB).await["alarms"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_declare_whose_files_they_have_and_a_workspace_whose_node_is_away_waits_for_it_by_name() {
    let mut plans = four();
    plans[3].node = "workspaces = [\"acme\"]".into();
    let mut world = World::of(plans).await;
    make(&world, OTHER, "acme");
    make(&world, OTHER, "not-named");
    world.start().await;
    while unit(&world, "ws/acme").await["node"] != OTHER || unit(&world, "ws/home").await["node"] != WORKER {}
    assert_eq!(unit(&world, "ws/not-named").await, serde_json::Value::Null);
    assert!(!world.data(OTHER).join("workspaces/home").exists(), "nothing is made where workspaces are named");
    let nodes = world.told("nodes --json", HUB).await;
    let declares =
        |name: &str| nodes.as_array().unwrap().iter().find(|of| of["node"] == name).unwrap()["workspaces"].clone();
    assert_eq!((declares(WORKER), declares(OTHER)), (serde_json::json!(["home"]), serde_json::json!(["acme"])));
    // One that is made while its node runs.
    make(&world, WORKER, "beta");
    while unit(&world, "ws/beta").await["node"] != WORKER {}
    let mut ann = Driver::attach_in(&world.data("connector"), "acme", "general", "ann").await.unwrap();
    world.ask(&mut ann, "hello").await;
    world.kill(OTHER);
    let waiting = ann.say("while its node is away").await.unwrap();
    loop {
        let why = unit(&world, "ws/acme").await["why"].as_str().unwrap().to_owned();
        if why.starts_with("it waits for a node that may have it: worker-2 (away for ") {
            break;
        }
    }
    while !alarms(&world).await.contains("ws/acme waits for a node that may have it: `worker-2`") {}
    let nodes = world.told("nodes --json", HUB).await;
    assert!(nodes.as_array().unwrap().iter().any(|of| of["node"] == OTHER && of["away"] == true), "{nodes}");
    // The chat was told, once, and is answered.
    world.spawn(OTHER);
    ann.settled(std::slice::from_ref(&waiting), SOON).await.unwrap();
    assert_eq!(ann.busy.len(), 1, "{:?}", ann.busy);
    assert!(ann.busy[0].contains("ws/acme waits for a node that may have it: `worker-2`"), "{:?}", ann.busy);
    while alarms(&world).await.contains("ws/acme") {}
    world.verified().await;
}
