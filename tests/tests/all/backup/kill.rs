//! Killed at each point: a backup that has its name is whole, and a data folder opens only if all of it is there.

use tests::process::{NodeProcess, Spec, program};

use super::{Place, names};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_cut_off_never_has_its_name_and_the_next_one_clears_up() {
    let place = Place::with_events(1).await;
    let args = ["backup", "create", "backup.tar.zst", "--data", "data"];
    for marker in ["backup.copied", "backup.packed", "backup.before_rename"] {
        place.killed_at(marker, &args).await;
        assert!(!place.file().exists(), "{marker}");
        let listed = place.run(&["backup", "list"]).await.expect_code(8).unwrap();
        assert!(listed.stdout.contains("was cut off"), "{}", listed.stdout);
    }
    place.killed_at("backup.after_rename", &args).await;
    place.run(&["backup", "verify", "backup.tar.zst"]).await.expect_code(0).unwrap();
    std::fs::remove_file(place.file()).unwrap();
    place.created().await;
    assert!(!names(&place.world.path("")).iter().any(|name| name.ends_with(".part")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_cut_off_leaves_nothing_that_opens_and_the_next_one_is_whole() {
    let place = Place::with_events(2).await;
    place.created().await;
    let args = ["restore", "backup.tar.zst", "--data", "other", "--replace"];
    for marker in [
        "restore.unpacked",
        "store.restore.before_commit",
        "restore.forked",
        "restore.before_place",
        "restore.moved_aside",
        "restore.part_in_place:1",
        "restore.part_in_place:2",
    ] {
        place.killed_at(marker, &args).await;
        let mut node = NodeProcess::spawn(Spec::new(&program().unwrap(), &["serve"]), &place.other()).unwrap();
        let status = node.wait(tests::process::READY_MAX).await.unwrap();
        assert_eq!(status.code(), Some(1), "{marker}: no node starts on half of it");
        assert!(node.said().contains("run `agent-runtime restore` with --replace again"), "{}", node.said());
    }
    place.run(&args).await.expect_code(0).unwrap();
    assert!(!place.other().join(".restore").exists());
    place.other_is_clean().await;
    assert!(place.serve_other().await.stop().await.unwrap().success());
    place.run(&["audit", "verify", "--data", "other"]).await.expect_code(0).unwrap();
}
