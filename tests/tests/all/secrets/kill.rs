//! Killed before and after each file that is put in place: the secrets can be read, and the next change clears up.

use tests::process::{Spec, chaos_program};

use super::{VALUE, listed, own, run, set, world};
use crate::faults::world::World;

async fn killed_at(world: &World, marker: &str, args: &[&str]) {
    let spec = Spec::new(&chaos_program().unwrap(), args).folder(&world.path("")).arg("--data").arg("data");
    let done = spec.env("AGENT_RUNTIME_TEST_KILL_AT", marker).run(VALUE).await.unwrap();
    assert_eq!(done.code, None, "{marker}: it was to be killed: {done:?}");
}

/// One before and one after each rename; a rotation makes three of them.
const OF_ROTATION: [&str; 6] = [
    "secrets.before_rename:1",
    "secrets.after_rename:1",
    "secrets.before_rename:2",
    "secrets.after_rename:2",
    "secrets.before_rename:3",
    "secrets.after_rename:3",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_cut_off_leaves_what_can_be_read_and_what_follows_clears_up() {
    let world = world("");
    set(&world, "zai").await;
    for marker in OF_ROTATION {
        killed_at(&world, marker, &["secrets", "rotate"]).await;
        // This reads the value and judges it as a node does.
        run(&world, &["config", "check"], "").await.expect_code(0).unwrap();
        let keys = keys(&world);
        let told = run(&world, &["doctor", "--only", "secrets"], "").await.expect_code(0).unwrap();
        assert_eq!(told.stdout.contains("was cut off"), keys == 2, "{marker}: {}", told.stdout);
        match marker {
            "secrets.after_rename:1" => set(&world, "zai").await,
            "secrets.before_rename:2" => {
                set(&world, "more").await;
                run(&world, &["secrets", "rm", "more"], "").await.expect_code(0).unwrap();
            }
            _ => run(&world, &["secrets", "rotate"], "").await.expect_code(0).map(drop).unwrap(),
        }
        run(&world, &["config", "check"], "").await.expect_code(0).unwrap();
        assert_eq!(self::keys(&world), 1, "{marker}");
        assert_eq!(names(&world), ["secrets.age", "secrets.key", "secrets.lock"], "{marker}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_secret_of_all_is_there_or_not_and_can_be_set_again() {
    for (marker, is_there) in [
        ("secrets.before_rename:1", false),
        ("secrets.after_rename:1", false),
        ("secrets.before_rename:2", false),
        ("secrets.after_rename:2", true),
    ] {
        let world = world("");
        killed_at(&world, marker, &["secrets", "set", "zai"]).await;
        let found = !listed(&world).await[0]["set_at"].is_null();
        assert_eq!(found, is_there, "{marker}");
        set(&world, "zai").await;
        run(&world, &["config", "check"], "").await.expect_code(0).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_cut_off_is_whole_or_not_there() {
    let world = world("");
    set(&world, "zai").await;
    for (marker, args, count) in [
        ("secrets.before_rename", &["secrets", "set", "more"][..], 1),
        ("secrets.after_rename", &["secrets", "set", "more"], 2),
        ("secrets.before_rename", &["secrets", "rm", "more"], 2),
        ("secrets.after_rename", &["secrets", "rm", "more"], 1),
    ] {
        killed_at(&world, marker, args).await;
        assert_eq!(listed(&world).await.len(), count, "{marker} {args:?}");
    }
}

fn keys(world: &World) -> usize {
    std::fs::read_to_string(own(world, "secrets.key")).unwrap().matches("AGE-SECRET-KEY-1").count()
}

fn names(world: &World) -> Vec<String> {
    let entries = std::fs::read_dir(world.data().join("agent-runtime")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
