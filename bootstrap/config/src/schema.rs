//! The keys: one struct for each table of `agent-runtime.toml`. The doc comments here are the reference that users read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};

use crate::origin::Origins;

/// The most workspaces that may be configured.
pub const WORKSPACES_MAX: u32 = 1_024;
/// The most folders of notes of one workspace.
pub const NOTES_FOLDERS_MAX: u32 = 16;
/// The most model providers.
pub const PROVIDERS_MAX: u32 = 32;
/// The longest an actor may be left idle before it is put to sleep, in seconds.
pub const PASSIVATE_AFTER_S_MAX: u64 = 86_400;
/// The most messages that a mailbox may be allowed to hold.
pub const MAILBOX_MESSAGES_MAX: u64 = 65_536;
/// The most calls at once that a provider may be given.
pub const WINDOW_CALLS_MAX: u64 = 1_024;
/// The longest a model may be waited for, in seconds.
pub const MODEL_WAIT_S_MAX: u64 = 600;
/// The name of the model that is built in; no provider may take it.
pub const OFFLINE: &str = "offline";

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
    /// Workspaces, by id. A workspace need not be named here; this is for what its own `workspace.md` can't say.
    #[schemars(extend("maxProperties" = WORKSPACES_MAX, "x-names" = "slug", "x-name" = "id"))]
    pub workspaces: BTreeMap<String, Workspace>,
    /// Where each key was set, for messages that come later than the load.
    #[serde(skip)]
    pub(crate) origins: Origins,
}

/// This node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Node {
    /// The name of this node in logs, in the store and in `status`.
    #[schemars(extend("format" = "slug"))]
    pub name: String,
    /// The data folder: the store and all workspaces. It is made when it is not there. One node at a time uses it.
    #[schemars(extend("format" = "path"))]
    pub data: PathBuf,
}

impl Default for Node {
    fn default() -> Self {
        Self { name: "node".into(), data: PathBuf::from("./data") }
    }
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

/// Which model answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Models {
    /// The model that answers when a context names none: a provider below, or `offline`, which is built in, needs no
    /// network and answers by quoting what it finds.
    #[schemars(extend("format" = "slug"))]
    pub default: String,
    /// Endpoints of models, by the name under which contexts choose them.
    #[schemars(extend("maxProperties" = PROVIDERS_MAX, "x-names" = "slug", "x-name" = "name"))]
    pub providers: BTreeMap<String, Provider>,
}

impl Default for Models {
    fn default() -> Self {
        Self { default: OFFLINE.into(), providers: BTreeMap::new() }
    }
}

/// An endpoint of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Which protocol it speaks. `openai`: chat completions, as most servers offer them.
    pub kind: ProviderKind,
    /// Where it is, up to and without `/chat/completions`: `https://api.example.org/v1`.
    #[schemars(extend("format" = "http-url"))]
    pub base_url: String,
    /// The model's name at that endpoint.
    #[schemars(length(min = 1, max = 256))]
    pub model: String,
    /// A file that holds the key and nothing else. Only its owner may be able to read it (`chmod 600`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub key_file: Option<PathBuf>,
    /// The environment variable that holds the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "env-name"))]
    pub key_env: Option<String>,
    /// How many calls it is given at once; further ones wait their turn.
    #[serde(default = "window_default")]
    #[schemars(range(min = 1, max = WINDOW_CALLS_MAX))]
    pub window: u64,
    /// Seconds until the first word of an answer must have come.
    #[serde(default = "wait_default")]
    #[schemars(range(min = 1, max = MODEL_WAIT_S_MAX))]
    pub first_byte_s: u64,
    /// Seconds that may pass between two pieces of an answer.
    #[serde(default = "wait_default")]
    #[schemars(range(min = 1, max = MODEL_WAIT_S_MAX))]
    pub idle_s: u64,
}

fn window_default() -> u64 {
    64
}

fn wait_default() -> u64 {
    60
}

/// Which protocol a provider speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Chat completions, as most servers offer them.
    #[default]
    Openai,
}

/// What a node knows of a workspace beyond its own files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Workspace {
    /// Folders of Markdown that the workspace's contexts may search, read only. The first is called `notes`, each
    /// further one after its folder.
    #[schemars(extend("maxItems" = NOTES_FOLDERS_MAX, "items" = { "type": "string", "format": "path" }))]
    pub notes: Vec<PathBuf>,
}

/// The schema of the configuration file, JSON Schema 2020-12 without references.
///
/// Formats of its own: `slug` (a name of a-z, 0-9, - and _), `path`, `http-url`, `env-name`. `x-names` is the format of
/// a table's free keys.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.into_generator().into_root_schema_for::<Config>().to_value()
}
