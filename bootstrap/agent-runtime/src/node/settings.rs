//! From configuration to what a node is started with.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use admin::{AlarmChat, AlarmLimits};
use anyhow::{Context as _, bail};
use config::{Config, LoadOptions, MemoryOfErased, Override, Watch, Workspace};
use gate::Mount;
use messages::cluster::Role;
use messages::retention::Policy as Retention;
use messages::task::WorkLimits;
use messages::turn::Chat;
use messages::{Address, Slug};
use models::ModelsConfig;
use runtime::Options;

use super::cluster::ClusterSettings;
use super::limits::limits;
use super::models::models;
use super::secrets::Lookup;

use crate::cli::Where;

/// Bytes in a mebibyte.
const BYTES_OF_MIB: u64 = 1 << 20;

/// Everything a node is started with.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) data: PathBuf,
    pub(crate) options: Options,
    pub(crate) models: ModelsConfig,
    pub(crate) limits: WorkLimits,
    /// Where health and metrics are told; `None`: nowhere.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) alarms: AlarmLimits,
    /// How long what is kept.
    pub(crate) retention: Retention,
    /// By workspace.
    pub(crate) mounts: BTreeMap<String, Vec<Mount>>,
    /// Workspaces whose folders are looked at again and again instead of being watched.
    pub(crate) polled: BTreeSet<String>,
    /// Its place among others; `None`: it stands alone.
    pub(crate) cluster: Option<ClusterSettings>,
    /// Lines that a person sees first.
    pub(crate) welcome: Vec<String>,
}

/// Reads the configuration: file, environment, and what the command line says of the data folder.
pub(crate) fn load(place: &Where) -> anyhow::Result<Config> {
    let data = place.data.as_ref().map(|data| Override {
        key: "node.data".to_owned(),
        value: data.display().to_string(),
        flag: "--data".to_owned(),
    });
    let options = LoadOptions {
        file: place.config.clone(),
        env: env(),
        env_not_keys: vec!["AGENT_RUNTIME_CONFIG".to_owned()],
        overrides: data.into_iter().collect(),
    };
    Ok(Config::load(&options)?)
}

/// The environment, but for what only tests of the program set (`AGENT_RUNTIME_TEST_…`): no key of ours begins so.
fn env() -> Vec<(String, String)> {
    let text =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    text.filter(|(name, _)| !name.starts_with("AGENT_RUNTIME_TEST")).collect()
}

impl Settings {
    /// This node takes that on; one that stands alone takes on everything.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.cluster.as_ref().is_none_or(|cluster| cluster.roles.has(role))
    }

    /// `place` is where the configuration came from, for messages. `notes`: a folder of the person's own for one workspace,
    /// beside those of the configuration.
    pub(crate) fn new(config: &Config, place: &Where, notes: Option<(&str, PathBuf)>) -> anyhow::Result<Self> {
        let secrets = Lookup::new(config, place)?;
        let options = Options {
            force_wire_form: config.runtime.force_wire_form,
            passivate_after: Duration::from_secs(config.runtime.passivate_after_s),
            mailbox_max: usize::try_from(config.runtime.mailbox_max).unwrap_or(usize::MAX),
        };
        let mut all = config.workspaces.clone();
        if let Some((workspace, folder)) = notes {
            let folders = &mut all.entry(workspace.to_owned()).or_default().notes;
            folders.retain(|known| *known != folder);
            folders.insert(0, folder);
        }
        let polled = all.iter().filter(|(_, of)| of.watch == Watch::Poll).map(|(id, _)| id.clone()).collect();
        Ok(Self {
            name: config.node.name.clone(),
            data: absolute(&config.node.data)?,
            options,
            models: models(config, &env(), &|name| secrets.value(name))?,
            limits: limits(config),
            listen: config.http.address(),
            alarms: alarm_limits(&config.alarms),
            retention: retention(&config.retention),
            mounts: mounts(&all),
            polled,
            cluster: ClusterSettings::of(&config.node),
            welcome: Vec::new(),
        })
    }
}

/// The folders of notes, by workspace.
pub(crate) fn mounts(all: &BTreeMap<String, Workspace>) -> BTreeMap<String, Vec<Mount>> {
    let of = |workspace: &Workspace| {
        workspace.mounts().into_iter().map(|m| Mount { name: m.name, folder: m.path }).collect()
    };
    all.iter().map(|(id, workspace)| (id.clone(), of(workspace))).collect()
}

/// How long what is kept. The schema keeps the days small.
fn retention(of: &config::Retention) -> Retention {
    let days = |days: Option<u64>| days.map(|days| u32::try_from(days).unwrap_or(u32::MAX));
    Retention {
        messages_days: days(of.messages_days),
        memory: of.memory == MemoryOfErased::Erase,
        audit_days: days(of.audit_days),
        archive: of.audit_archive,
    }
}

/// When alarms are raised, and who is told.
pub(crate) fn alarm_limits(alarms: &config::Alarms) -> AlarmLimits {
    AlarmLimits {
        disk_free_percent: alarms.disk_free_percent,
        disk_free_bytes: alarms.disk_free_mib.saturating_mul(BYTES_OF_MIB),
        mailbox_wait_ms: alarms.mailbox_wait_s.saturating_mul(1_000),
        tell: alarms.chat().and_then(|(workspace, context)| alarm_chat(workspace, context)),
    }
}

/// The console's chat of a context.
fn alarm_chat(workspace: &str, context: &str) -> Option<AlarmChat> {
    // The schema has let nothing else through.
    let (workspace, context) = (Slug::parse(workspace).ok()?, Slug::parse(context).ok()?);
    let chat = Chat { connector: console::CONNECTOR.into(), chat: format!("{workspace}/{context}") };
    Some(AlarmChat { context: Address::context(&workspace, &context), chat })
}

/// The person's own folder, as it is on disk.
pub(crate) fn notes_folder(folder: &std::path::Path) -> anyhow::Result<PathBuf> {
    let found = folder.canonicalize().with_context(|| {
        format!("the notes folder {} can't be used; give an existing folder of Markdown files", folder.display())
    })?;
    if !found.is_dir() {
        bail!("the notes folder {} is not a folder; give the folder that holds the files", folder.display());
    }
    Ok(found)
}

pub(crate) fn absolute(path: &std::path::Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("the data folder {} can't be named", path.display()))
}
