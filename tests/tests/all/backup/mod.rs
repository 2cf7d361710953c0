//! Backups beside a running node, what they are worth when they were damaged or cut off, and what a restored store does.

mod create;
mod damage;
mod keys;
mod kill;
mod restore;
mod tasks;

use std::path::{Path, PathBuf};

use tests::process::{Done, NodeProcess, Spec, chaos_program, program};

use crate::faults::driver::Driver;
use crate::faults::world::{PATIENCE, World, shim};

/// A world with a backup of its data folder, and another data folder to restore into.
struct Place {
    world: World,
}

impl Place {
    fn new() -> Self {
        Self { world: World::new().unwrap() }
    }

    /// One in which a few events were answered before the node ended.
    async fn with_events(events: usize) -> Self {
        let place = Self::new();
        let node = place.world.serve().await.unwrap();
        let mut ann = Driver::attach(&place.world.data()).await.unwrap();
        for n in 0..events {
            ann.ask(&format!("What is plan {n}?"), PATIENCE).await.unwrap();
        }
        // A stop does not wait for all that follows the last reply.
        ann.status_until(PATIENCE, |status| status.counts.taken == 0).await.unwrap();
        ann.leave().await;
        assert!(node.stop().await.unwrap().success());
        place
    }

    fn file(&self) -> PathBuf {
        self.world.path("backup.tar.zst")
    }

    fn other(&self) -> PathBuf {
        self.world.path("other")
    }

    /// A command as it would be typed.
    async fn run(&self, args: &[&str]) -> Done {
        Spec::new(&program().unwrap(), args).folder(&self.world.path("")).run_within("", PATIENCE).await.unwrap()
    }

    async fn create(&self, more: &[&str]) -> Done {
        self.run(&[&["backup", "create", "backup.tar.zst", "--data", "data", "--json"], more].concat()).await
    }

    async fn created(&self) {
        self.create(&[]).await.expect_code(0).unwrap();
    }

    async fn restore(&self, more: &[&str]) -> Done {
        self.run(&[&["restore", "backup.tar.zst", "--data", "other", "--json"], more].concat()).await
    }

    /// A node on the restored data.
    async fn serve_other(&self) -> NodeProcess {
        let spec = Spec::new(&program().unwrap(), &["serve"]).folder(&self.world.path(""));
        NodeProcess::start(spec, &self.other()).await.unwrap()
    }

    async fn other_is_clean(&self) {
        self.run(&["verify", "--data", "other"]).await.expect_code(0).unwrap();
    }

    /// The program that kills itself at a marker, with these arguments.
    async fn killed_at(&self, marker: &str, args: &[&str]) {
        let spec = Spec::new(&chaos_program().unwrap(), args).folder(&self.world.path(""));
        let done = spec.env("AGENT_RUNTIME_TEST_KILL_AT", marker).run_within("", PATIENCE).await.unwrap();
        assert_eq!(done.code, None, "it was to be killed at {marker}: {done:?}");
    }

    /// The same on a disk that fails.
    async fn on_bad_disk(&self, order: &str, args: &[&str]) -> Done {
        self.world.disk(order).unwrap();
        let spec = Spec::new(&program().unwrap(), args).folder(&self.world.path(""));
        let spec = spec.env("LD_PRELOAD", shim().unwrap().display().to_string());
        let disk = self.world.path("disk").display().to_string();
        spec.env("AGENT_RUNTIME_TEST_DISK", disk).run_within("", PATIENCE).await.unwrap()
    }
}

fn json(done: &Done) -> serde_json::Value {
    serde_json::from_str(&done.stdout).unwrap()
}

/// All names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
