//! Backups hold the secrets, encrypted, and never their key.

use std::fs;
use std::process::Command;

use tests::process::{Spec, program};

use super::{listed, own, run, serve, set, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_holds_the_encrypted_file_and_no_key_and_a_restore_says_what_is_missing() {
    let world = world("");
    set(&world, "zai").await;
    serve(&world).await.stop().await.unwrap();
    let made = run(&world, &["backup", "create", "b.tar.zst", "--json"], "").await.expect_code(0).unwrap();
    assert!(!made.stderr.contains("left out"), "{}", made.stderr);
    let beside = async |args: &[&str]| {
        let done = Spec::new(&program().unwrap(), args).folder(&world.path("")).run("").await.unwrap();
        done.expect_code(0).unwrap()
    };
    beside(&["backup", "verify", "b.tar.zst"]).await;
    let told = beside(&["restore", "b.tar.zst", "--data", "other", "--json"]).await;
    assert!(told.stdout.contains("its key") && told.stdout.contains("is not there"), "{}", told.stdout);
    let restored = world.path("other/agent-runtime");
    assert_eq!(fs::read(restored.join("secrets.age")).unwrap(), fs::read(own(&world, "secrets.age")).unwrap());
    let all = Command::new("find").arg(world.path("other")).arg("-name").arg("*secrets*").output().unwrap();
    assert_eq!(String::from_utf8(all.stdout).unwrap().trim(), restored.join("secrets.age").display().to_string());
    // The restored store itself needs no key to be verified.
    beside(&["verify", "--data", "other"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_over_a_store_says_how_its_key_comes_back() {
    let world = world("");
    set(&world, "zai").await;
    serve(&world).await.stop().await.unwrap();
    run(&world, &["backup", "create", "b.tar.zst"], "").await.expect_code(0).unwrap();
    let told = run(&world, &["restore", "b.tar.zst", "--replace"], "").await.expect_code(0).unwrap();
    let todo = told.stderr.lines().find_map(|line| line.split_once("what to do: ")).unwrap().1.to_owned();
    assert!(todo.starts_with("cp -p "), "{todo}");
    run(&world, &["config", "check"], "").await.expect_code(1).unwrap();
    assert!(Command::new("sh").args(["-c", &todo]).status().unwrap().success());
    run(&world, &["config", "check"], "").await.expect_code(0).unwrap();
    assert_eq!(listed(&world).await.len(), 1);
    // Where the key is outside of the data folder nothing is to be said.
    fs::rename(own(&world, "secrets.key"), world.path("k")).unwrap();
    let text = fs::read_to_string(world.path("agent-runtime.toml")).unwrap();
    fs::write(world.path("agent-runtime.toml"), format!("{text}[secrets]\nkey_file = 'k'\n")).unwrap();
    let told = run(&world, &["restore", "b.tar.zst", "--replace"], "").await.expect_code(0).unwrap();
    assert!(!told.stderr.contains("key"), "{}", told.stderr);
    run(&world, &["config", "check"], "").await.expect_code(0).unwrap();
}
