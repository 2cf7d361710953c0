//! What nodes do for their certificates while they run, over their links.

use std::fs;
use std::time::{Duration, SystemTime};

use pki::{Authority, NodeFolder, UnixTime};
use serde_json::Value as Json;

use super::world::{CONNECTOR, HUB, WORKER, World};

const DAY: u64 = 24 * 60 * 60;

/// Gives a node, which does not run, a certificate of 30 days that was made 25 days ago.
fn aged(world: &World, name: &str) {
    #[allow(clippy::disallowed_methods)]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let then = UnixTime::since_unix_epoch(now - Duration::from_secs(25 * DAY));
    let authority = Authority::open(&pki::ca_folder(&world.data(HUB).join("agent-runtime"))).unwrap();
    let bundle = authority.reissue(&name.parse().unwrap(), Some(30), then).unwrap();
    let folder = pki::node_folder(&world.data(name).join("agent-runtime"));
    fs::remove_dir_all(&folder).unwrap();
    bundle.write(&folder).unwrap();
}

async fn own(world: &World, name: &str) -> Json {
    world.told("pki show --json", name).await["node"].clone()
}

/// Waits until the node has another certificate than this.
async fn renewed(world: &World, name: &str, old: &Json) -> Json {
    world.until(|world| world.said(name).contains("the certificate of this node was renewed")).await;
    let new = own(world, name).await;
    assert_ne!(new["serial"], old["serial"]);
    for same in ["node", "roles", "hosts"] {
        assert_eq!(new[same], old[same], "{same}");
    }
    let days = (new["not_after"].as_i64().unwrap() - old["not_after"].as_i64().unwrap()) / 1_000;
    assert!(u64::try_from(days).unwrap() > 24 * DAY, "{old} {new}");
    new
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_renew_by_themselves_over_the_link_and_stay_linked_meanwhile_and_after_their_next_start() {
    let mut world = World::laid().await;
    for name in [HUB, WORKER] {
        aged(&world, name);
    }
    let (hub, worker) = (own(&world, HUB).await, own(&world, WORKER).await);
    world.start().await;
    let mut ann = world.attach("general").await;
    world.ask(&mut ann, "before").await;
    let before = world.said(HUB).len();
    renewed(&world, HUB, &hub).await;
    let new = renewed(&world, WORKER, &worker).await;
    world.ask(&mut ann, "after").await;
    assert!(!world.said(HUB)[before..].contains("link is down"), "{}", world.said(HUB));

    world.stop(WORKER).await;
    world.spawn(WORKER);
    world.ask(&mut ann, "with the new one").await;
    assert_eq!(own(&world, WORKER).await["serial"], new["serial"], "and it is not renewed again");
    world.verified().await;
}

/// The number of the revocation list that a node has on its disk.
fn list(world: &World, name: &str) -> u64 {
    let folder = pki::node_folder(&world.data(name).join("agent-runtime"));
    NodeFolder::new(folder).look().unwrap().crl.number()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_revoked_certificates_is_handed_to_every_node_also_to_one_that_was_away() {
    let mut world = World::running().await;
    let before = list(&world, HUB);
    assert_eq!(list(&world, CONNECTOR), before);
    world.stop(WORKER).await;
    world.run("pki node guest --roles worker", HUB).await;
    world.run("pki revoke guest", HUB).await;
    let taken = |name: &'static str| move |world: &World| world.said(name).contains("revoked certificates is in force");
    world.until(taken(CONNECTOR)).await;
    assert!(list(&world, CONNECTOR) > before);
    assert_eq!(list(&world, WORKER), before);
    world.spawn(WORKER);
    world.until(taken(WORKER)).await;
    assert_eq!(list(&world, WORKER), list(&world, HUB));
}
