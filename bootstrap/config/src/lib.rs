//! The configuration of a node: its schema, its layers, its error messages.
//!
//! Four layers, the later beating the earlier key by key: built-in defaults, `agent-runtime.toml`, the environment
//! (`AGENT_RUNTIME_NODE__NAME` is `node.name`), the command line. A key that nobody knows is refused, never skipped;
//! a message gives the place, what was expected, and what was probably meant. Secrets are named by file, by variable, or by
//! their name in a store that this crate knows nothing of.
//!
//! What may be called: [`Config::load`] with [`LoadOptions`]; [`Config::keys`] for the secrets it names;
//! [`Workspace::mounts`]; [`schema`], [`reference()`], [`template()`] and [`describe`] for what is documented;
//! [`Config::in_force`] for one key's value and where it comes from; [`Config::differing`] for a reload.

mod core;
mod cross;
mod differ;
mod error;
mod explain;
mod format;
mod keys;
mod layer;
mod load;
mod mounts;
mod origin;
mod reference;
mod schema;
mod template;
mod words;
mod zai;

pub use error::{ConfigError, PROBLEMS_SHOWN_MAX, Problem};
pub use explain::{KeyDescription, describe};
pub use keys::{KEY_BYTES_MAX, SecretOf};
pub use load::{FILE_BYTES_MAX, FILE_NAME, LoadOptions, Override};
pub use mounts::Mount;
pub use origin::Origin;
pub use reference::reference;
pub use schema::{
    ATTEMPTS_MAX, Alarms, Budgets, CENTS_MAX, CONTEXT_TOKENS_MAX, Config, DEADLINE_S_MAX, DISK_FREE_MIB_MAX,
    DISK_FREE_PERCENT_MAX, HEARTBEAT_S_MAX, Http, Level, Log, MAILBOX_MESSAGES_MAX, MAILBOX_WAIT_S_MAX,
    MODEL_TURNS_MAX, MODEL_WAIT_S_MAX, MemoryOfErased, Models, NOTES_FOLDERS_MAX, Node, OFFLINE, PASSIVATE_AFTER_S_MAX,
    PRICE_MAX, PROVIDERS_MAX, Provider, ProviderKind, RETENTION_DAYS_MAX, ROUTE_MODELS_MAX, RUN_S_MAX, RUNNING_MAX,
    Retention, Routes, Runtime, SCHEDULE_S_MAX, Secrets, TOKENS_MAX, TOOL_CALLS_MAX, Tasks, WINDOW_CALLS_MAX,
    WORKSPACES_MAX, Watch, Workspace, ZAI_BASE_URL, ZAI_MODEL, provider_of, schema,
};
pub use template::template;

#[cfg(test)]
mod tests;
