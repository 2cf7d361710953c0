//! `doctor`: one thing is broken at a time, and its finding is there with the command that mends it.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value as Json;
use tests::process::{Done, NodeProcess, Spec, program};

use super::world;
use crate::faults::world::World;

/// `doctor` on the data folder of the world, in its folder.
async fn doctor(world: &World, args: &[&str]) -> anyhow::Result<Done> {
    let all = [&["doctor", "--data", "data"], args].concat();
    Spec::new(&program()?, &all).folder(&world.path("")).run("").await
}

/// The check is wrong, with these words.
async fn is_wrong(world: &World, id: &str, words: &[&str]) -> anyhow::Result<()> {
    let said = doctor(world, &["--only", id]).await?.expect_code(1)?;
    assert!(said.stdout.starts_with(&format!("wrong    {id}")), "{}", said.stdout);
    for word in ["why: ", "do:  "].iter().chain(words) {
        assert!(said.stdout.contains(word), "{word}: {}", said.stdout);
    }
    assert!(said.stderr.contains(&format!("agent-runtime explain {id}")), "{}", said.stderr);
    Ok(())
}

/// The check is told in this state, with these words.
async fn is_told(world: &World, id: &str, state: &str, words: &str) -> anyhow::Result<()> {
    let said = doctor(world, &["--only", id]).await?.expect_code(0)?;
    anyhow::ensure!(said.stdout.starts_with(state) && said.stdout.contains(words), "{state} {words}: {}", said.stdout);
    Ok(())
}

fn own(world: &World, name: &str) -> PathBuf {
    world.data().join("agent-runtime").join(name)
}

/// Runs SQL on the store behind the node's back.
fn sql(world: &World, statement: &str) {
    let code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit(); c.close()";
    let done = Command::new("python3").args(["-c", code]).arg(own(world, "meta.sqlite")).arg(statement).status();
    assert!(done.unwrap().success(), "{statement}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_without_anything_beside_a_node_and_after_it() -> anyhow::Result<()> {
    let world = World::new()?;
    doctor(&world, &[]).await?.expect_code(0)?;
    assert!(!world.data().exists(), "nothing is made by looking");
    let node = NodeProcess::start(Spec::new(&program()?, &["serve"]), &world.data()).await?;
    let told: Json = serde_json::from_str(&doctor(&world, &["--json"]).await?.expect_code(0)?.stdout)?;
    let states: Vec<_> = told["checks"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert!(told["well"].as_bool().unwrap() && states.len() == 17 && !states.contains(&"skipped"), "{told}");
    node.stop().await?;
    doctor(&world, &[]).await?.expect_code(0)?;
    world.run(&["audit", "verify"]).await?.expect_code(0).map(drop)
}

#[tokio::test]
async fn a_broken_configuration_is_one_finding_and_all_else_is_looked_at_still() -> anyhow::Result<()> {
    let world = world::used().await?;
    fs::write(world.path("agent-runtime.toml"), "[node]\nnmae = 'x'\n")?;
    is_wrong(&world, "config", &["agent-runtime.toml:2:1", "`name`", "agent-runtime config check"]).await?;
    is_told(&world, "store", "good", "sound").await?;
    is_told(&world, "model", "skipped", "agent-runtime serve").await?;
    // Nothing says where the data folder is.
    let said = Spec::new(&program()?, &["doctor"]).folder(&world.path("")).run("").await?.expect_code(1)?;
    assert!(said.stdout.contains("see the check `config`"), "{}", said.stdout);
    Ok(())
}

#[tokio::test]
async fn a_folder_that_others_can_read_is_told_and_closed_when_that_is_asked() -> anyhow::Result<()> {
    let world = world::used().await?;
    fs::set_permissions(world.data(), Permissions::from_mode(0o755))?;
    fs::set_permissions(own(&world, "audit.key"), Permissions::from_mode(0o644))?;
    is_wrong(&world, "rights", &["(mode 755)", "(mode 644)", "chmod 700 ", "chmod 600 "]).await?;
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(world.data()), 0o755, "looking changes nothing");
    let said = doctor(&world, &["--fix"]).await?.expect_code(0)?;
    assert!(said.stdout.contains("fixed: ") && said.stdout.contains("mode 755 is now 700"), "{}", said.stdout);
    assert_eq!((mode(world.data()), mode(own(&world, "audit.key"))), (0o700, 0o600));
    Ok(())
}

#[tokio::test]
async fn the_command_of_a_finding_can_be_typed_as_it_stands() -> anyhow::Result<()> {
    let world = World::new()?;
    let data = world.path("my data; it's mine");
    let node = NodeProcess::start(Spec::new(&program()?, &["serve"]), &data).await?;
    node.stop().await?;
    fs::set_permissions(&data, Permissions::from_mode(0o750))?;
    let look = Spec::new(&program()?, &["doctor", "--only", "rights"]).arg("--data").arg(data.display().to_string());
    let said = look.run("").await?.expect_code(1)?;
    let todo = said.stdout.lines().find_map(|line| line.trim().strip_prefix("do:  ")).unwrap().to_owned();
    assert!(Command::new("sh").args(["-c", &todo]).status()?.success(), "{todo}");
    look.run("").await?.expect_code(0)?;
    Ok(())
}

#[tokio::test]
async fn a_key_that_others_can_read_is_told_and_closed_when_that_is_asked() -> anyhow::Result<()> {
    let world = World::new()?;
    let provider =
        "[models.providers.p]\nkind = 'openai'\nbase_url = 'http://127.0.0.1:9/v1'\nmodel = 'm'\nkey_file = 'p.key'\n";
    fs::write(world.path("agent-runtime.toml"), provider)?;
    is_wrong(&world, "secrets", &["p.key is not there"]).await?;
    fs::write(world.path("p.key"), "canary-5f3a.secret")?;
    fs::set_permissions(world.path("p.key"), Permissions::from_mode(0o644))?;
    is_wrong(&world, "secrets", &["p.key", "(mode 644)"]).await?;
    let said = doctor(&world, &["--fix"]).await?.expect_code(0)?;
    assert!(said.stdout.contains("mode 644 is now 600") && !said.stdout.contains("canary"), "{}", said.stdout);
    Ok(())
}

#[tokio::test]
async fn a_damaged_a_newer_and_a_changed_store_are_each_told() -> anyhow::Result<()> {
    let world = world::used().await?;
    sql(&world, "UPDATE audit SET subject = 'other' WHERE seq = 2");
    is_wrong(&world, "audit", &["record 2 does not fit", "agent-runtime audit verify --data data"]).await?;
    sql(&world, "PRAGMA user_version = 99");
    is_wrong(&world, "version", &["schema 99", "newer"]).await?;
    is_told(&world, "audit", "skipped", "`version`").await?;
    let file = own(&world, "meta.sqlite");
    let mut bytes = fs::read(&file)?;
    let (from, to) = (4_096, bytes.len().min(40_960));
    bytes[from..to].fill(0xa5);
    fs::write(&file, bytes)?;
    is_wrong(&world, "store", &["damaged", "agent-runtime verify --data data"]).await?;
    fs::write(&file, "this is no store at all")?;
    is_wrong(&world, "store", &["put the one of a backup in its place"]).await
}

#[tokio::test]
async fn a_clock_that_was_set_back_and_a_copy_beside_it_are_told() -> anyhow::Result<()> {
    let world = world::used().await?;
    let copied = Command::new("cp").arg("-a").arg(world.data()).arg(world.path("data.old")).status()?;
    assert!(copied.success());
    is_told(&world, "copy", "note", "data.old is a copy of").await?;
    #[allow(clippy::disallowed_methods)]
    let ahead = SystemTime::now() + Duration::from_secs(3_600);
    File::options().write(true).open(own(&world, "lock"))?.set_modified(ahead)?;
    is_wrong(&world, "clock", &["ahead of the clock", "timedatectl"]).await
}

#[tokio::test]
async fn few_open_files_are_told() -> anyhow::Result<()> {
    let world = World::new()?;
    let line = format!("ulimit -n 256; exec {} doctor --only limits --data data", program()?.display());
    let said =
        Spec::new(&PathBuf::from("/bin/sh"), &["-c", &line]).folder(&world.path("")).run("").await?.expect_code(1)?;
    assert!(said.stdout.contains("256 files open at most") && said.stdout.contains("LimitNOFILE"), "{}", said.stdout);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_answer_is_told() -> anyhow::Result<()> {
    let world = world::used().await?;
    fs::remove_file(own(&world, "console.sock")).ok();
    let _silent = UnixListener::bind(own(&world, "console.sock"))?;
    is_wrong(&world, "node", &["does not answer", "kill -TERM"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_can_not_be_reached_and_what_came_of_it_are_told_by_the_running_node() -> anyhow::Result<()> {
    let world = World::new()?;
    let provider = "[models]\ndefault = 'p'\n[models.providers.p]\nkind = 'openai'\nbase_url = 'http://127.0.0.1:9/v1'\nmodel = 'm'\n\
        [tasks]\nattempts = 1\n[workspaces.home]\nnotes = ['notes']\n";
    fs::write(world.path("agent-runtime.toml"), provider)?;
    let large = "x".repeat(40_000_000);
    fs::write(world.path("notes/large.md"), large)?;
    let node = NodeProcess::start(Spec::new(&program()?, &["serve"]).folder(&world.path("")), &world.data()).await?;
    is_wrong(&world, "model", &["`p` does not answer", "agent-runtime model test --data data"]).await?;
    let task = Spec::new(&program()?, &["task", "--wait", "--data", "data", "read the plan"]).folder(&world.path(""));
    task.run("").await?.expect_code(1)?;
    is_wrong(&world, "work", &["given up", "agent-runtime tasks --data data"]).await?;
    // Once its first scan has ended.
    let until = std::time::Instant::now() + crate::faults::world::PATIENCE;
    while let Err(error) = is_told(&world, "index", "note", "large.md").await {
        anyhow::ensure!(std::time::Instant::now() < until, error);
    }
    node.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_of_the_running_node_is_told() -> anyhow::Result<()> {
    let world = World::new()?;
    let node = NodeProcess::start(Spec::new(&program()?, &["serve"]), &world.data()).await?;
    let other = world.path("other");
    fs::create_dir_all(other.join("workspaces"))?;
    std::os::unix::fs::symlink(world.data().join("workspaces/home"), other.join("workspaces/home"))?;
    let second = NodeProcess::start(Spec::new(&program()?, &["serve"]), &other).await?;
    let mut bob = crate::faults::driver::Driver::attach(&other).await?;
    bob.say("Mine too?").await?;
    bob.status_until(crate::faults::world::PATIENCE, |status| !status.alarms.is_empty()).await?;
    let said = Spec::new(&program()?, &["doctor", "--only", "alarms", "--data", "other"]).folder(&world.path(""));
    let said = said.run("").await?.expect_code(1)?;
    assert!(said.stdout.contains(&format!("pid {}", node.pid().as_raw_nonzero())), "{}", said.stdout);
    second.stop().await?;
    node.stop().await?;
    Ok(())
}

#[tokio::test]
async fn every_check_is_explained_and_a_wrong_id_is_told_with_the_right_ones() -> anyhow::Result<()> {
    let world = World::new()?;
    let told: Json = serde_json::from_str(&doctor(&world, &["--json"]).await?.expect_code(0)?.stdout)?;
    for check in told["checks"].as_array().unwrap() {
        let id = check["id"].as_str().unwrap();
        let said = Spec::new(&program()?, &["explain", id]).run("").await?.expect_code(0)?;
        assert!(said.stdout.starts_with(&format!("# {id}: ")), "{}", said.stdout);
    }
    let said = Spec::new(&program()?, &["explain", "nothing"]).run("").await?.expect_code(1)?;
    assert!(said.stderr.contains("config, secrets"), "{}", said.stderr);
    let said = doctor(&world, &["--only", "nothing"]).await?.expect_code(2)?;
    assert!(said.stderr.contains("possible values"), "{}", said.stderr);
    Ok(())
}
