//! A data folder, its node, and a disk that fails on command.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::Pid;
use tests::process::{Done, NodeProcess, Spec, command, program};

/// Longer than anything here takes on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A folder for one test: `data` for the node, `notes` for its owner, `disk` to break the disk by.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let world = Self { folder: tempfile::tempdir()? };
        std::fs::create_dir(world.path("notes"))?;
        std::fs::write(world.path("notes/plan.md"), "# Plan\n\nThe quarterly plan is to ship in October.\n")?;
        Ok(world)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// A node on this data folder that has the notes.
    pub(crate) async fn serve(&self) -> anyhow::Result<NodeProcess> {
        NodeProcess::start(self.spec()?, &self.data()).await
    }

    /// `serve` with the notes, on a disk that fails when [`World::disk`] says so.
    pub(crate) fn spec(&self) -> anyhow::Result<Spec> {
        self.spec_of(&program()?)
    }

    /// The same by this program.
    pub(crate) fn spec_of(&self, program: &Path) -> anyhow::Result<Spec> {
        let config = self.path("agent-runtime.toml");
        if !config.exists() {
            std::fs::write(&config, "[workspaces.home]\nnotes = [\"notes\"]\n")?;
        }
        let spec = Spec::new(program, &["serve"]).arg("--config").arg(config.display().to_string());
        let shim = shim()?.display().to_string();
        Ok(spec.env("LD_PRELOAD", shim).env("AGENT_RUNTIME_TEST_DISK", self.path("disk").display().to_string()))
    }

    /// From now on the disk does this: `enospc meta.sqlite`. The order is replaced as a whole, never seen half-written.
    pub(crate) fn disk(&self, order: &str) -> anyhow::Result<()> {
        let (new, place) = (self.path("disk.new"), self.path("disk"));
        std::fs::write(&new, order)?;
        Ok(std::fs::rename(new, place)?)
    }

    /// A command on the data folder, with the node's configuration.
    pub(crate) async fn run(&self, args: &[&str]) -> anyhow::Result<Done> {
        let config = self.path("agent-runtime.toml").display().to_string();
        let mut all = args.to_vec();
        if Path::new(&config).exists() {
            all.extend(["--config", &config]);
        }
        command(&all, &self.data()).await
    }

    /// `verify` finds nothing.
    pub(crate) async fn is_clean(&self) -> anyhow::Result<()> {
        self.run(&["verify"]).await?.expect_code(0).map(drop)
    }

    /// `verify` finds nothing, once a log that could not be written was tried again, which is five seconds later.
    pub(crate) async fn becomes_clean(&self) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        // Once is enough: more is written meanwhile, and a later look may meet the next entry half-way.
        while self.run(&["verify"]).await?.code != Some(0) {
            if Instant::now() > until {
                return self.is_clean().await;
            }
        }
        Ok(())
    }

    /// Lines through `chat`, by a node of its own or the one that runs.
    pub(crate) async fn chat(&self, input: impl Into<Vec<u8>>) -> anyhow::Result<Done> {
        let args = ["chat", "--json", "--user", "ann", "--data"];
        Spec::new(&program()?, &args).arg(self.data().display().to_string()).run_within(input, PATIENCE * 2).await
    }
}

/// The most memory that a process ever had, in KiB.
pub(crate) fn peak_kib(pid: Pid) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// The processor time that a process has used.
pub(crate) fn cpu(pid: Pid) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))?;
    // After the name, which may hold blanks: fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms.
    let fields: Vec<&str> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// The shim, made by the system's C compiler once for all tests of this process.
pub(crate) fn shim() -> anyhow::Result<PathBuf> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let made = MADE.get_or_init(|| make_shim().map_err(|error| format!("{error:#}")));
    made.clone().map_err(anyhow::Error::msg)
}

fn make_shim() -> anyhow::Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/disk.c");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    // Other processes make it at the same time: each its own, moved to its place whole.
    let (own, made) = (folder.join(format!("disk-{}.so", std::process::id())), folder.join("disk.so"));
    let compiled = Command::new("cc")
        .args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
        .arg(&own)
        .arg(&source)
        .arg("-ldl")
        .output();
    let compiled = compiled.context("these tests need a C compiler by the name `cc`; install gcc")?;
    if !compiled.status.success() {
        bail!("{} can't be compiled:\n{}", source.display(), String::from_utf8_lossy(&compiled.stderr));
    }
    std::fs::rename(&own, &made)?;
    Ok(made)
}
