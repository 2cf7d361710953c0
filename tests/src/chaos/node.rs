//! The node under test: its folders, its configuration, its starts.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use messages::task::TaskState;
use serde::Deserialize;

use super::Plan;
use crate::process::{Done, NodeProcess, Spec};

/// Where a budget that ends nothing stands, in cents.
const PLENTY_CENTS: u64 = 1_000_000;
/// Each context may use all tools, and its prompts are short.
const CONTEXT: &str = "---\ntools: [\"*\"]\nlimits: {history: 4, passages: 2}\n---\n\nDo as you are told.\n";

/// Its name among a customer's contexts.
pub(super) fn context_name(n: usize) -> String {
    format!("c{n}")
}

/// What `task --wait --json` says.
#[derive(Deserialize)]
struct Ended {
    state: TaskState,
    reason: String,
}

/// Where a node is started.
#[derive(Debug)]
pub(super) struct Stage {
    program: PathBuf,
    pub(super) data: PathBuf,
    /// The account that holds the data, by its name.
    pub(super) account: String,
    model: String,
    config: PathBuf,
    env: Vec<(&'static str, String)>,
}

impl Stage {
    /// Makes the configuration, the workspace and its contexts.
    pub(super) async fn set(plan: &Plan, folder: &Path, model: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let config = folder.join("agent-runtime.toml");
        let mut env = vec![("AGENT_RUNTIME_RUNTIME__FORCE_WIRE_FORM", plan.wire.to_string())];
        env.extend(plan.without.map(|without| (without.variable(), "1".to_owned())));
        if let Some(ms) = plan.disk_delay_ms {
            let control = folder.join("disk");
            std::fs::write(&control, format!("delay_ms {ms} meta.sqlite\n"))?;
            env.push(("LD_PRELOAD", shim(folder).await?.display().to_string()));
            env.push(("AGENT_RUNTIME_TEST_DISK", control.display().to_string()));
        }
        let account = account(&plan.program, folder).await?;
        let (program, data, model) = (plan.program.clone(), folder.join("data"), model.to_owned());
        let stage = Self { program, data, account, model, config, env };
        stage.budget(plan.node_day_cents)?;
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
            std::fs::write(stage.workspace().join("contexts").join(context_name(n)).join("context.md"), CONTEXT)?;
        }
        std::fs::write(stage.workspace().join("contexts/general/context.md"), CONTEXT)?;
        Ok(stage)
    }

    /// What the whole node may spend in a day from its next start on.
    pub(super) fn budget(&self, node_day_cents: Option<u64>) -> anyhow::Result<()> {
        let cents = node_day_cents.unwrap_or(PLENTY_CENTS);
        Ok(std::fs::write(&self.config, configuration(&self.model, cents))?)
    }

    /// The folder of the workspace.
    pub(super) fn workspace(&self) -> PathBuf {
        self.data.join("workspaces/home")
    }

    /// A task that is asked for and waited for: how it ended.
    pub(super) async fn task(&self, words: &str) -> anyhow::Result<String> {
        let done = self.command(&["task", "--wait", "--json", words]).run("").await?;
        let said = serde_json::from_str::<Ended>(&done.stdout);
        let Ended { state, reason } = said
            .with_context(|| format!("`{}` ended with {:?}: {}{}", done.typed, done.code, done.stdout, done.stderr))?;
        Ok(format!("{state} {reason}"))
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

/// A call may put aside some 2 cents.
fn configuration(model: &str, node_day_cents: u64) -> String {
    let plenty = PLENTY_CENTS;
    format!(
        "[models]\ndefault = \"fake\"\n\n\
         [models.providers.fake]\nkind = \"openai\"\nbase_url = \"{model}\"\nmodel = \"fake\"\n\
         price_input = 500000\nprice_output = 500000\nfirst_byte_s = 5\nidle_s = 5\n\n\
         [budgets]\nturn_cents = {plenty}\ntask_cents = {plenty}\ntask_input_tokens = 100000000\n\
         task_output_tokens = 100000000\ncontext_day_cents = {plenty}\nworkspace_day_cents = {plenty}\n\
         node_day_cents = {node_day_cents}\n\n[log]\nlevel = \"warn\"\n"
    )
}

/// The name that the program has for the account it runs under.
pub(crate) async fn account(program: &Path, folder: &Path) -> anyhow::Result<String> {
    let asked = Spec::new(program, &["chat", "--data"]).arg(folder.join("account").display().to_string());
    let done = asked.run("/whoami\n").await?.expect_code(0)?;
    let name = done.stdout.split('`').nth(1).map(str::to_owned);
    name.with_context(|| format!("`/whoami` names nobody: {}", done.stdout))
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
