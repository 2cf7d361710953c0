//! `config`: a file written, checked and explained by the program.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value as Json;
use tests::process::{Done, Spec, program};

use crate::faults::world::World;

async fn run(world: &World, args: &[&str]) -> anyhow::Result<Done> {
    Spec::new(&program()?, args).folder(&world.path("")).run("").await
}

#[tokio::test]
async fn a_written_file_is_good_private_and_never_written_over() -> anyhow::Result<()> {
    let world = World::new()?;
    run(&world, &["config", "init"]).await?.expect_code(0)?;
    let file = world.path("agent-runtime.toml");
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    run(&world, &["config", "check"]).await?.expect_code(0)?;
    std::fs::write(&file, "# mine\n")?;
    let said = run(&world, &["config", "init"]).await?.expect_code(1)?;
    assert!(said.stderr.contains("exists already"), "{}", said.stderr);
    assert_eq!(std::fs::read_to_string(&file)?, "# mine\n");
    run(&world, &["config", "init", "nowhere/x.toml"]).await?.expect_code(1)?;
    Ok(())
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_with_its_place() -> anyhow::Result<()> {
    let world = World::new()?;
    std::fs::write(
        world.path("a.toml"),
        "[node]\nnmae = 'x'\n[runtime]\nmailbox_max = 0\n[models]\ndefault = 'zia'\n",
    )?;
    let said = run(&world, &["config", "check", "a.toml"]).await?.expect_code(1)?;
    for words in
        ["a.toml:2:1: unknown key `nmae`", "did you mean `name`?", "a.toml:4:15", "from 1 to 65536", "a.toml:6:11"]
    {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    let said = run(&world, &["config", "check", "a.toml", "--json"]).await?.expect_code(1)?;
    let told: Json = serde_json::from_str(&said.stdout)?;
    assert_eq!((told["good"].as_bool(), told["problems"][0]["line"].as_u64()), (Some(false), Some(2)));
    Ok(())
}

#[tokio::test]
async fn a_folder_and_a_key_file_that_are_not_there_are_told_before_a_node_starts() -> anyhow::Result<()> {
    let world = World::new()?;
    let text = "[workspaces.home]\nnotes = ['gone']\n[models.providers.zai]\nkind = 'zai'\nkey_file = 'no.key'\n";
    std::fs::write(world.path("agent-runtime.toml"), text)?;
    let said = run(&world, &["config", "check"]).await?.expect_code(1)?;
    assert!(said.stdout.contains(":5:12") && said.stdout.contains("no.key"), "{}", said.stdout);
    assert!(said.stdout.contains(":2:10") && said.stdout.contains("gone"), "{}", said.stdout);
    Ok(())
}

#[tokio::test]
async fn a_key_is_explained_with_the_layer_that_set_it() -> anyhow::Result<()> {
    let world = World::new()?;
    std::fs::write(world.path("agent-runtime.toml"), "[runtime]\nmailbox_max = 7\n")?;
    let said = run(&world, &["config", "explain", "runtime.mailbox_max"]).await?.expect_code(0)?;
    for words in ["from 1 to 65536", "default   1024", "in force  7", "agent-runtime.toml:2:15"] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    let spec = Spec::new(&program()?, &["config", "explain", "node.data", "--data", "/srv/x", "--json"]);
    let told: Json = serde_json::from_str(&spec.folder(&world.path("")).run("").await?.expect_code(0)?.stdout)?;
    assert_eq!((told["value"].as_str(), told["set_by"]["layer"].as_str()), (Some("/srv/x"), Some("flag")));
    let said = run(&world, &["config", "explain", "runtime.mailbox_mx"]).await?.expect_code(1)?;
    assert!(said.stderr.contains("did you mean `runtime.mailbox_max`?"), "{}", said.stderr);
    Ok(())
}

#[tokio::test]
async fn the_schema_is_json_that_knows_every_table() -> anyhow::Result<()> {
    let world = World::new()?;
    let told: Json = serde_json::from_str(&run(&world, &["config", "schema"]).await?.expect_code(0)?.stdout)?;
    for table in ["node", "log", "runtime", "models", "budgets", "tasks", "workspaces"] {
        assert!(told["properties"][table].is_object(), "{table}");
    }
    Ok(())
}
