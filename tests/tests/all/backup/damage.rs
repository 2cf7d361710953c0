//! What `backup verify` finds.

use super::{Place, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_that_was_changed_anywhere_is_found_and_its_member_named() {
    let place = Place::with_events(2).await;
    place.created().await;
    let whole = std::fs::read(place.file()).unwrap();
    let mut named = std::collections::BTreeSet::new();
    for n in 0..40 {
        let at = (whole.len() - 1) * n / 39;
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        std::fs::write(place.world.path("changed.tar.zst"), changed).unwrap();
        let done = place.run(&["backup", "verify", "changed.tar.zst", "--json"]).await.expect_code(8).unwrap();
        let damage = json(&done)["damage"].as_str().unwrap().to_owned();
        assert!(damage.contains("damaged in `") || at < 200, "byte {at}: {damage}");
        named.insert(damage);
    }
    assert!(named.iter().any(|damage| damage.contains("agent-runtime/meta.sqlite")), "{named:?}");
    assert!(named.iter().any(|damage| damage.contains("the seal")), "{named:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_cut_is_found_and_restores_nothing() {
    let place = Place::with_events(1).await;
    place.created().await;
    let whole = std::fs::read(place.file()).unwrap();
    for left in [0, 1, whole.len() / 2, whole.len() - 1] {
        std::fs::write(place.file(), &whole[..left]).unwrap();
        place.run(&["backup", "verify", "backup.tar.zst"]).await.expect_code(8).unwrap();
        let done = place.restore(&[]).await.expect_code(8).unwrap();
        assert!(done.stderr.contains("nothing was restored"), "{}", done.stderr);
        assert!(super::names(&place.other()).is_empty());
    }
    let listed = place.run(&["backup", "list"]).await;
    assert!([Some(0), Some(8)].contains(&listed.code), "what begins well is listed: {listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_somebody_changed_is_told_of_by_create_and_by_verify() {
    let place = Place::with_events(3).await;
    let change = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute(\"UPDATE audit SET principal = 'console:eve' WHERE seq = 2\")\nc.commit()";
    let store = place.world.data().join("agent-runtime/meta.sqlite");
    let changed = std::process::Command::new("python3").args(["-c", change]).arg(store).status().unwrap();
    assert!(changed.success());
    let made = json(&place.create(&[]).await.expect_code(8).unwrap());
    assert_eq!(made["about"]["faults"].as_u64(), Some(1));
    let done = place.run(&["backup", "verify", "backup.tar.zst"]).await.expect_code(8).unwrap();
    assert!(done.stdout.contains("audit.chain"), "{}", done.stdout);
}
