//! One thing is wrong with the store at a time: `config check` and `doctor` tell it, with the command that mends it.

use std::fs;
use std::process::Command;

use super::{VALUE, own, run, set, world};
use crate::faults::world::World;

/// Both tell these words, and neither a value; a node does not start.
async fn is_told(world: &World, words: &[&str]) {
    let check = run(world, &["config", "check"], "").await.expect_code(1).unwrap();
    let doctor = run(world, &["doctor", "--only", "secrets"], "").await.expect_code(1).unwrap();
    let serve = run(world, &["serve"], "").await.expect_code(1).unwrap();
    for told in [&check.stdout, &doctor.stdout, &serve.stderr] {
        for word in words {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert!(!told.contains(VALUE) && !told.contains("AGE-SECRET-KEY"), "{told}");
    }
    assert!(check.stdout.contains("agent-runtime.toml:4:14"), "{}", check.stdout);
    assert!(doctor.stdout.starts_with("wrong    secrets"), "{}", doctor.stdout);
}

async fn is_well(world: &World) {
    run(world, &["config", "check"], "").await.expect_code(0).unwrap();
    run(world, &["doctor", "--only", "secrets,rights"], "").await.expect_code(0).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_wrong_is_told_with_what_to_do() {
    let world = world("");
    is_told(&world, &["there is no secret `zai`", "agent-runtime secrets set zai --data data"]).await;
    set(&world, "zai").await;
    is_well(&world).await;

    let (key, store) = (own(&world, "secrets.key"), own(&world, "secrets.age"));
    super::mode(&key, 0o640);
    is_told(&world, &["(mode 640)", "chmod 600 ", "secrets.key"]).await;
    let fixed = run(&world, &["doctor", "--fix", "--only", "secrets"], "").await.expect_code(0).unwrap();
    assert!(fixed.stdout.contains("mode 640 is now 600"), "{}", fixed.stdout);
    is_well(&world).await;
    super::mode(&store, 0o644);
    let rights = run(&world, &["doctor", "--only", "rights"], "").await.expect_code(1).unwrap();
    assert!(rights.stdout.contains("secrets.age is open to others"), "{}", rights.stdout);
    super::mode(&store, 0o600);

    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    is_told(&world, &["is encrypted, and its key", "secrets.key is not there", "mv ", "secrets.age.lost"]).await;
    fs::write(&key, "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n").unwrap();
    super::mode(&key, 0o600);
    is_told(&world, &["was not encrypted for the key in", "put the key that belongs to them"]).await;
    fs::write(&key, "not a key\n").unwrap();
    is_told(&world, &["is no file of a key: line 1", "age-keygen"]).await;
    fs::write(&key, &kept).unwrap();
    is_well(&world).await;

    let whole = fs::read(&store).unwrap();
    fs::write(&store, &whole[..whole.len() - 1]).unwrap();
    is_told(&world, &["secrets.age is damaged", "docs/secrets.md", "secrets.age.lost"]).await;
    fs::File::create(&store).unwrap().set_len(1 << 30).unwrap();
    is_told(&world, &["secrets.age is damaged", "is larger than"]).await;
    // What is told can be typed as it stands, and then all is set anew.
    let told = run(&world, &["doctor", "--only", "secrets"], "").await;
    let todo = told.stdout.lines().find_map(|line| Some(line.split_once("mv ")?.1)).unwrap();
    assert!(Command::new("sh").args(["-c", &format!("mv {todo}")]).status().unwrap().success());
    set(&world, "zai").await;
    is_well(&world).await;
}

#[tokio::test]
async fn secrets_that_nothing_names_are_looked_at_by_the_doctor_alone() {
    let world = World::new().unwrap();
    set(&world, "zai").await;
    let good = run(&world, &["doctor", "--only", "secrets"], "").await.expect_code(0).unwrap();
    assert!(good.stdout.contains("1 secrets in the store"), "{}", good.stdout);
    fs::remove_file(own(&world, "secrets.key")).unwrap();
    run(&world, &["config", "check"], "").await.expect_code(0).unwrap();
    run(&world, &["doctor", "--only", "secrets"], "").await.expect_code(1).unwrap();
    run(&world, &["secrets", "list"], "").await.expect_code(1).unwrap();
}
