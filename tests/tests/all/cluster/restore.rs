//! The hub's store comes out of a backup while the other nodes are as they were.

use messages::turn::Outcome;

use super::world::{CONNECTOR, HUB, SOON, WORKER, World};
use crate::faults::driver::Driver;

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_store_was_restored_answers_nothing_twice_and_goes_on_with_the_nodes_of_before() {
    let mut world = World::running().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "before the backup").await;
    ann.status_until(SOON, |status| status.counts.taken == 0).await.unwrap();
    let backup = world.cluster.folder().join("backup.tar.zst").display().to_string();
    world.run(&format!("backup create {backup}"), HUB).await;
    let after = ann.say("after the backup").await.unwrap();
    ann.settled(&[after], SOON).await.unwrap();
    let epochs = epochs(&world).await;
    let holds =
        |world: &World, node: &str, unit: &str| world.said(node).matches(&format!("holds it unit={unit} ")).count();
    let held = (holds(&world, CONNECTOR, "connector/console"), holds(&world, WORKER, "ws/home"));

    // Connector and worker run on meanwhile: they know nothing of it but that the hub was away.
    world.stop(HUB).await;
    let told = world.told(&format!("restore {backup} --replace --json"), HUB).await;
    let certificates = std::path::Path::new(told["moved_aside"].as_str().unwrap()).join("agent-runtime/pki");
    std::fs::rename(certificates, world.data(HUB).join("agent-runtime/pki")).unwrap();
    world.spawn(HUB);
    assert!(world.node(HUB).ready().await.unwrap().is_none(), "{}", world.said(HUB));
    // All is held again, by later epochs than any that the store of before gave.
    world
        .until(|world| {
            holds(world, CONNECTOR, "connector/console") > held.0 && holds(world, WORKER, "ws/home") > held.1
        })
        .await;
    let now = self::epochs(&world).await;
    assert!(epochs.iter().zip(&now).all(|(before, now)| before.0 == now.0 && before.1 < now.1), "{epochs:?} {now:?}");

    // Its client goes on, and another who was not there before says all of it again: what the store has is not answered again,
    // what it never heard of is new.
    ann.redial(&world.data(CONNECTOR)).await.unwrap();
    let more = ann.say("one more").await.unwrap();
    ann.settled(std::slice::from_ref(&more), SOON).await.unwrap();
    assert_eq!(ann.ended[&more].outcome, Outcome::Replied);
    let session = ann.session().to_owned();
    ann.leave().await;
    let mut again = Driver::attach_again(&world.data(CONNECTOR), &session).await.unwrap();
    let mut said = Vec::new();
    for text in ["before the backup", "after the backup", "one more"] {
        said.push(again.say(text).await.unwrap());
    }
    again.settled(&said, SOON).await.unwrap();
    assert_eq!(again.delivered(), 1, "the first was delivered before the backup, the last after it");
    // What the worker has of the log is not what the store says: it is kept beside, and nothing is lost.
    let logs = world.data(WORKER).join("workspaces/home/logs/console");
    world
        .until(|_| {
            std::fs::read_dir(&logs).unwrap().flatten().any(|file| {
                std::fs::read_to_string(file.path()).unwrap_or_default().contains("after the backup")
                    && file.file_name().to_string_lossy().contains(".edited-")
            })
        })
        .await;
    world.verified().await;
}

/// Units with their epochs, in order.
async fn epochs(world: &World) -> Vec<(String, u64)> {
    let units = world.told("placement --json", HUB).await;
    let of = |of: &serde_json::Value| (of["unit"].as_str().unwrap().to_owned(), of["epoch"].as_u64().unwrap());
    units.as_array().unwrap().iter().map(of).collect()
}
