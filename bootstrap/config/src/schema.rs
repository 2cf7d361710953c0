//! The keys: one struct for each table of `agent-runtime.toml`. The doc comments here are the reference that users read.

mod models;
mod node;
mod operate;
mod retention;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};

use crate::origin::Origins;

pub use models::{
    CONTEXT_TOKENS_MAX, MODEL_WAIT_S_MAX, Models, OFFLINE, PRICE_MAX, PROVIDERS_MAX, Provider, ProviderKind,
    ROUTE_MODELS_MAX, Routes, WINDOW_CALLS_MAX, ZAI_BASE_URL, ZAI_MODEL, provider_of,
};
pub use node::Node;
pub use operate::{Alarms, DISK_FREE_MIB_MAX, DISK_FREE_PERCENT_MAX, Http, MAILBOX_WAIT_S_MAX, Secrets};
pub use retention::{MemoryOfErased, RETENTION_DAYS_MAX, Retention};
pub use work::{
    ATTEMPTS_MAX, Budgets, CENTS_MAX, DEADLINE_S_MAX, HEARTBEAT_S_MAX, MODEL_TURNS_MAX, RUN_S_MAX, RUNNING_MAX,
    SCHEDULE_S_MAX, TOKENS_MAX, TOOL_CALLS_MAX, Tasks,
};

/// The most workspaces that may be configured.
pub const WORKSPACES_MAX: u32 = 1_024;
/// The most folders of notes of one workspace.
pub const NOTES_FOLDERS_MAX: u32 = 16;
/// The longest an actor may be left idle before it is put to sleep, in seconds.
pub const PASSIVATE_AFTER_S_MAX: u64 = 86_400;
/// The most messages that a mailbox may be allowed to hold.
pub const MAILBOX_MESSAGES_MAX: u64 = 65_536;

/// The configuration of a node, from all layers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// This node.
    pub node: Node,
    /// What is logged. Logs go to the standard error stream.
    pub log: Log,
    /// How the actors run. The defaults fit; change them when a measurement says so.
    pub runtime: Runtime,
    /// Which model answers.
    pub models: Models,
    /// What work may cost. Hard: a call that might go beyond one of these is not made.
    pub budgets: Budgets,
    /// How much runs at once, and for how long.
    pub tasks: Tasks,
    /// Where `serve` tells health, readiness and metrics.
    pub http: Http,
    /// When an alarm is raised.
    pub alarms: Alarms,
    /// The store of secrets.
    pub secrets: Secrets,
    /// How long what is kept.
    pub retention: Retention,
    /// Workspaces, by id. A workspace need not be named here; this is for what its own `workspace.md` can't say.
    #[schemars(extend("maxProperties" = WORKSPACES_MAX, "x-names" = "slug", "x-name" = "id"))]
    pub workspaces: BTreeMap<String, Workspace>,
    /// Where each key was set, for messages that come later than the load.
    #[serde(skip)]
    pub(crate) origins: Origins,
}

/// What is logged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The least severe level that is logged.
    pub level: Level,
    /// One JSON object a line instead of text.
    pub json: bool,
}

/// How severe a line of the log is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Only what failed.
    Error,
    /// Also what is suspicious.
    Warn,
    /// Also what a person who runs the node wants to know.
    #[default]
    Info,
    /// Also each decision.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    /// The name as it is written in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How the actors run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Runtime {
    /// Messages between actors of this node take the form they would have between nodes. Slower; for tests.
    pub force_wire_form: bool,
    /// An actor that has been idle for so many seconds is put to sleep; its address still works.
    #[schemars(range(min = 1, max = PASSIVATE_AFTER_S_MAX))]
    pub passivate_after_s: u64,
    /// A mailbox refuses when so many messages wait in it; the sender keeps its durable copy and tries again.
    #[schemars(range(min = 1, max = MAILBOX_MESSAGES_MAX))]
    pub mailbox_max: u64,
}

impl Default for Runtime {
    fn default() -> Self {
        Self { force_wire_form: false, passivate_after_s: 600, mailbox_max: 1_024 }
    }
}

/// What a node knows of a workspace beyond its own files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Workspace {
    /// Folders of Markdown that the workspace's contexts may search, read only. The first is called `notes`, each
    /// further one after its folder.
    #[schemars(extend("maxItems" = NOTES_FOLDERS_MAX, "items" = { "type": "string", "format": "path" }))]
    pub notes: Vec<PathBuf>,
    /// How changes in the workspace's folders come to be known. `events`: the system tells them, and they are found within
    /// two seconds. `poll`: all folders are looked at every two seconds, or less often when they are large; for disks of
    /// other machines, which tell nothing of what those change.
    pub watch: Watch,
}

/// How changes come to be known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Watch {
    /// The system tells them.
    #[default]
    Events,
    /// By looking again and again.
    Poll,
}

/// The schema of the configuration file, JSON Schema 2020-12 without references.
///
/// Formats of its own: `slug` (a name of a-z, 0-9, - and _), `secret-name` (the same without _), `path`, `http-url`,
/// `env-name`, `listen`, `peer`, `role`. `x-names` is the format of
/// a table's free keys.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.into_generator().into_root_schema_for::<Config>().to_value()
}
