//! The node under test: its folders, its configuration, its starts, and its knowledge.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use super::guest::House;
use super::words::{PAGES, page, page_text};
use crate::chaos::node::account;
use crate::dice::Dice;
use crate::process::{NodeProcess, Spec};

/// How long the proof may take: days of events are many.
const VERIFY_MAX: Duration = Duration::from_secs(3_600);
/// After how long a message that waits is an alarm; what SIGHUP changes.
pub(super) const ALARM_S: u64 = 30;
/// Conversations go into memory often, and prompts are short.
const CONTEXT: &str =
    "---\ntools: [\"*\"]\nlimits: {history: 6, passages: 3, memory_bytes: 6000}\n---\n\nDo as you are told.\n";

/// Its name among a guest's contexts.
pub(super) fn context_name(n: usize) -> String {
    format!("s{n}")
}

/// Where a node is started.
pub(super) struct Stage {
    program: PathBuf,
    pub(super) data: PathBuf,
    /// The account that holds the data, by its name.
    pub(super) account: String,
    model: String,
    config: PathBuf,
}

/// What `verify --json` says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Verified {
    pub(super) clean: bool,
    pub(super) store: Stored,
    #[serde(default)]
    pub(super) faults: serde_json::Value,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Stored {
    pub(super) inbox: u64,
    pub(super) tasks: u64,
}

impl Stage {
    /// Makes the configuration, the contexts and their knowledge.
    pub(super) async fn set(program: &Path, folder: &Path, model: &str, contexts: usize) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (data, config) = (folder.join("data"), folder.join("agent-runtime.toml"));
        let account = account(program, folder).await?;
        let stage = Self { program: program.to_owned(), data, account, model: model.to_owned(), config };
        stage.configure(ALARM_S)?;
        stage.start().await?.stop().await?;
        for n in 0..contexts {
            let folder = stage.workspace().join("contexts").join(context_name(n));
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join("context.md"), CONTEXT)?;
        }
        let mut dice = Dice::new(1);
        for n in 0..PAGES {
            stage.write(n, &mut dice)?;
        }
        Ok(stage)
    }

    /// The configuration from the next start, or the next SIGHUP, on.
    pub(super) fn configure(&self, mailbox_wait_s: u64) -> anyhow::Result<()> {
        let text = format!(
            "[models]\ndefault = \"fake\"\n[models.providers.fake]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"fake\"\n\
             first_byte_s = 5\nidle_s = 5\n[runtime]\npassivate_after_s = 5\n[alarms]\nmailbox_wait_s = {mailbox_wait_s}\n\
             [log]\nlevel = \"error\"\n",
            self.model
        );
        Ok(std::fs::write(&self.config, text)?)
    }

    /// The folder of the workspace.
    pub(super) fn workspace(&self) -> PathBuf {
        self.data.join("workspaces/home")
    }

    /// Takes the search index away, whole. One that is being made is not there yet.
    pub(super) fn take_index_away(&self) -> anyhow::Result<()> {
        let away = self.data.with_extension("index-away");
        match std::fs::rename(self.workspace().join(".index"), &away) {
            Ok(()) => Ok(std::fs::remove_dir_all(away)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn spec(&self, command: &str) -> Spec {
        Spec::new(&self.program, &[command]).arg("--config").arg(self.config.display().to_string()).apart()
    }

    /// A node that is ready.
    pub(super) async fn start(&self) -> anyhow::Result<NodeProcess> {
        NodeProcess::start(self.spec("serve"), &self.data).await
    }

    /// `verify --json`.
    pub(super) async fn verify(&self) -> anyhow::Result<Verified> {
        let spec = self.spec("verify").arg("--json").arg("--data").arg(self.data.display().to_string());
        let done = spec.run_within("", VERIFY_MAX).await?;
        serde_json::from_str(&done.stdout).with_context(|| format!("verify said: {}{}", done.stdout, done.stderr))
    }

    fn write(&self, n: u64, dice: &mut Dice) -> anyhow::Result<()> {
        let path = self.workspace().join(page(n));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(path, page_text(n, dice))?)
    }
}

/// Changes, removes and makes files of knowledge until nothing is said any more; tells how many.
pub(super) async fn garden(stage: Arc<Stage>, house: Arc<House>, seed: u64) -> anyhow::Result<u64> {
    let (mut dice, mut changes) = (Dice::new(seed), 0);
    while !house.draining.load(Ordering::SeqCst) {
        let n = dice.below(PAGES);
        if dice.below(5) == 0 {
            // One that is not there needs no removing.
            std::fs::remove_file(stage.workspace().join(page(n))).ok();
        } else {
            stage.write(n, &mut dice)?;
        }
        changes += 1;
        tokio::time::sleep(Duration::from_millis(100 + dice.below(1_000))).await;
    }
    Ok(changes)
}
