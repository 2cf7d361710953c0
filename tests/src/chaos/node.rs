//! The node under test: its folders, its configuration, its starts.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::Plan;
use crate::process::{Done, NodeProcess, Spec};

/// Its name among a customer's contexts.
pub(super) fn context_name(n: usize) -> String {
    format!("c{n}")
}

/// Where a node is started.
#[derive(Debug)]
pub(super) struct Stage {
    program: PathBuf,
    pub(super) data: PathBuf,
    config: PathBuf,
    env: Vec<(&'static str, String)>,
}

impl Stage {
    /// Makes the configuration, the workspace and its contexts.
    pub(super) async fn set(plan: &Plan, folder: &Path, model: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let config = folder.join("agent-runtime.toml");
        std::fs::write(&config, configuration(model))?;
        let mut env = vec![("AGENT_RUNTIME_RUNTIME__FORCE_WIRE_FORM", plan.wire.to_string())];
        if plan.without_marks {
            env.push(("AGENT_RUNTIME_TEST_WITHOUT_MARKS", "1".to_owned()));
        }
        if let Some(ms) = plan.disk_delay_ms {
            let control = folder.join("disk");
            std::fs::write(&control, format!("delay_ms {ms} meta.sqlite\n"))?;
            env.push(("LD_PRELOAD", shim(folder).await?.display().to_string()));
            env.push(("AGENT_RUNTIME_TEST_DISK", control.display().to_string()));
        }
        let stage = Self { program: plan.program.clone(), data: folder.join("data"), config, env };
        let first = stage.start(None).await?;
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", first.pid().as_raw_nonzero()))?;
        if let Some((_, shim)) = stage.env.iter().find(|(name, _)| *name == "LD_PRELOAD")
            && !maps.contains(shim.as_str())
        {
            bail!("the node runs without {shim}, so its disk is not slow");
        }
        first.stop().await?;
        for n in 0..plan.contexts {
            let make = stage.command(&["context", "create", &context_name(n)]).run("").await?;
            make.expect_code(0)?;
        }
        Ok(stage)
    }

    fn command(&self, args: &[&str]) -> Spec {
        let spec = Spec::new(&self.program, args).arg("--config").arg(self.config.display().to_string());
        spec.arg("--data").arg(self.data.display().to_string())
    }

    fn serve(&self, kill_at: Option<&str>) -> Spec {
        let spec = Spec::new(&self.program, &["serve"]).arg("--config").arg(self.config.display().to_string());
        let spec = self.env.iter().fold(spec, |spec, (name, value)| spec.env(name, value.clone()));
        match kill_at {
            Some(at) => spec.env("AGENT_RUNTIME_TEST_KILL_AT", at),
            None => spec,
        }
    }

    /// A node that is ready.
    pub(super) async fn start(&self, kill_at: Option<&str>) -> anyhow::Result<NodeProcess> {
        NodeProcess::start(self.serve(kill_at), &self.data).await
    }

    /// A node that may be ready one day.
    pub(super) fn spawn(&self, kill_at: Option<&str>) -> anyhow::Result<NodeProcess> {
        NodeProcess::spawn(self.serve(kill_at), &self.data)
    }

    /// `verify --json`.
    pub(super) async fn verify(&self) -> anyhow::Result<Done> {
        self.command(&["verify", "--json"]).run("").await
    }
}

fn configuration(model: &str) -> String {
    format!(
        "[models]\ndefault = \"fake\"\n\n[models.providers.fake]\nkind = \"openai\"\nbase_url = \"{model}\"\nmodel = \"fake\"\n\
         first_byte_s = 5\nidle_s = 5\n\n[log]\nlevel = \"warn\"\n"
    )
}

/// The library that makes syncs slow: `AGENT_RUNTIME_DISK_SHIM`, else made from its source.
async fn shim(folder: &Path) -> anyhow::Result<PathBuf> {
    if let Some(made) = std::env::var_os("AGENT_RUNTIME_DISK_SHIM") {
        return Ok(PathBuf::from(made));
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/disk.c");
    let made = folder.join("disk.so");
    let paths = [made.display().to_string(), source.display().to_string()];
    let args = ["-shared", "-fPIC", "-O1", "-o", &paths[0], &paths[1], "-ldl"];
    let done = Spec::new(Path::new("cc"), &args).run("").await.context("a C compiler is needed for a slow disk")?;
    if done.code != Some(0) {
        bail!("{} can't be compiled:\n{}", source.display(), done.stderr);
    }
    Ok(made)
}
