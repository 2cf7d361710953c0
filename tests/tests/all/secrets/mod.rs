//! The encrypted store of secrets, from outside.

mod dumps;
mod kill;
mod named;
mod restored;
mod typed;
mod wrong;

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use tests::process::{Done, NodeProcess, Spec, program};

use crate::faults::world::World;

const VALUE: &str = "0f3c9e.canary-of-the-store";

/// A world whose configuration names a secret `zai` and, on wish, more.
fn world(more: &str) -> World {
    let world = World::new().unwrap();
    let text =
        format!("[models.providers.z]\nkind = 'zai'\nbase_url = 'http://127.0.0.1:9/v4'\nkey_secret = 'zai'\n{more}");
    std::fs::write(world.path("agent-runtime.toml"), text).unwrap();
    world
}

fn spec(world: &World, args: &[&str]) -> Spec {
    Spec::new(&program().unwrap(), args).folder(&world.path("")).arg("--data").arg("data")
}

/// A command in the world's folder, on its data folder.
async fn run(world: &World, args: &[&str], input: &str) -> Done {
    spec(world, args).run(input).await.unwrap()
}

async fn set(world: &World, name: &str) {
    run(world, &["secrets", "set", name], VALUE).await.expect_code(0).unwrap();
}

/// What `secrets list --json` tells.
async fn listed(world: &World) -> Vec<Json> {
    let told = run(world, &["secrets", "list", "--json"], "").await.expect_code(0).unwrap();
    serde_json::from_str(&told.stdout).unwrap()
}

fn own(world: &World, name: &str) -> PathBuf {
    world.data().join("agent-runtime").join(name)
}

async fn serve(world: &World) -> NodeProcess {
    NodeProcess::start(Spec::new(&program().unwrap(), &["serve"]).folder(&world.path("")), &world.data()).await.unwrap()
}

fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
