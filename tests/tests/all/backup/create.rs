//! Making one.

use std::os::unix::fs::PermissionsExt as _;

use messages::turn::Outcome;

use super::{Place, json, names};
use crate::faults::driver::Driver;
use crate::faults::world::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_holds_up_nobody_and_restores_into_a_clean_store() {
    let place = Place::new();
    let node = place.world.serve().await.unwrap();
    let mut ann = Driver::attach(&place.world.data()).await.unwrap();
    let talk = async {
        let mut said = Vec::new();
        for n in 0..300 {
            said.push(ann.say(&format!("What is plan {n}?")).await.unwrap());
        }
        ann.settled(&said, PATIENCE).await.unwrap();
        said
    };
    let back_up = async {
        for n in 0..3 {
            let name = format!("b{n}.tar.zst");
            place.run(&["backup", "create", &name, "--data", "data"]).await.expect_code(0).unwrap();
        }
    };
    let (said, ()) = tokio::join!(talk, back_up);
    assert!(said.iter().all(|id| ann.ended[id].outcome == Outcome::Replied));
    place.world.is_clean().await.unwrap();
    node.stop().await.unwrap();
    for n in 0..3 {
        let (name, data) = (format!("b{n}.tar.zst"), format!("other{n}"));
        place.run(&["backup", "verify", &name]).await.expect_code(0).unwrap();
        place.run(&["restore", &name, "--data", &data]).await.expect_code(0).unwrap();
        place.run(&["verify", "--data", &data]).await.expect_code(0).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_its_owners_alone_says_what_it_is_and_leaves_nothing_else_behind() {
    let place = Place::with_events(3).await;
    let made = json(&place.create(&[]).await.expect_code(0).unwrap());
    let mode = std::fs::metadata(place.file()).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, made["about"]["store"]["events"].as_u64()), (0o600, Some(3)));
    assert!(!names(&place.world.path("")).iter().any(|name| name.ends_with(".part")));
    let verified = json(&place.run(&["backup", "verify", "backup.tar.zst", "--json"]).await.expect_code(0).unwrap());
    assert_eq!(verified["manifest_sha256"], made["manifest_sha256"]);
    assert_eq!((verified["clean"].as_bool(), verified["store"]["settled"].as_u64()), (Some(true), Some(3)));
    let listed = json(&place.run(&["backup", "list", "--json"]).await.expect_code(0).unwrap());
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["about"]), (1, &made["about"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_holds_what_people_wrote_and_nothing_derived() {
    let place = Place::with_events(1).await;
    let home = place.world.data().join("workspaces/home");
    std::fs::create_dir_all(home.join("deep/er")).unwrap();
    std::fs::write(home.join("deep/er/note.md"), "# Mine\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", home.join("link.md")).unwrap();
    let made = place.create(&[]).await.expect_code(0).unwrap();
    assert!(made.stderr.contains("link.md"), "what is left out is named: {}", made.stderr);
    place.restore(&[]).await.expect_code(0).unwrap();
    let other = place.other().join("workspaces/home");
    assert_eq!(std::fs::read_to_string(other.join("deep/er/note.md")).unwrap(), "# Mine\n");
    assert_eq!(names(&other), ["contexts", "deep", "logs", "welcome.md", "workspace.md"]);
    let mut own = names(&place.other().join("agent-runtime"));
    // Who has read it leaves its memory of that beside it.
    own.retain(|name| !name.starts_with("meta.sqlite-"));
    assert_eq!(own, ["audit.key", "lock", "meta.sqlite"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_is_never_written_over() {
    let place = Place::with_events(1).await;
    std::fs::write(place.file(), "mine").unwrap();
    let refused = place.create(&[]).await.expect_code(1).unwrap();
    assert!(refused.stderr.contains("is there already"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(place.file()).unwrap(), "mine");
    let nothing = place.run(&["backup", "create", "x.tar.zst", "--data", "nowhere"]).await.expect_code(1).unwrap();
    assert!(nothing.stderr.contains("there is no store"), "{}", nothing.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_no_backup_and_no_rest_and_says_what_to_do() {
    let place = Place::with_events(1).await;
    let args = ["backup", "create", "backup.tar.zst", "--data", "data"];
    for order in ["enospc .part", "torn .part/backup", "eio .part/store", "erofs .part"] {
        let failed = place.on_bad_disk(order, &args).await.expect_code(1).unwrap();
        assert!(failed.stderr.contains("error: "), "{order}: {}", failed.stderr);
        assert!(!names(&place.world.path("")).iter().any(|name| name.starts_with("backup")), "{order}");
    }
    place.on_bad_disk("ok", &args).await.expect_code(0).unwrap();
}
