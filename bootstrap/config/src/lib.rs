//! The configuration of a node: its schema, its layers, its error messages.
//!
//! Four layers, the later beating the earlier key by key: built-in defaults, `agent-runtime.toml`, the environment
//! (`AGENT_RUNTIME_NODE__NAME` is `node.name`), the command line. A key that nobody knows is refused, never skipped;
//! a message gives the place, what was expected, and what was probably meant. Secrets are named by file or variable.
//!
//! What may be called: [`Config::load`] with [`LoadOptions`]; [`Config::keys`] for the secrets it names;
//! [`Workspace::mounts`]; [`schema`] and [`reference()`] for what is documented.

mod core;
mod cross;
mod error;
mod format;
mod keys;
mod layer;
mod load;
mod mounts;
mod origin;
mod reference;
mod schema;
mod words;

pub use error::{ConfigError, PROBLEMS_SHOWN_MAX, Problem};
pub use keys::{KEY_BYTES_MAX, Secret};
pub use load::{FILE_BYTES_MAX, FILE_NAME, LoadOptions, Override};
pub use mounts::Mount;
pub use origin::Origin;
pub use reference::reference;
pub use schema::{
    Config, Level, Log, MAILBOX_MESSAGES_MAX, MODEL_WAIT_S_MAX, Models, NOTES_FOLDERS_MAX, Node, OFFLINE,
    PASSIVATE_AFTER_S_MAX, PROVIDERS_MAX, Provider, ProviderKind, Runtime, WINDOW_CALLS_MAX, WORKSPACES_MAX, Workspace,
    schema,
};

#[cfg(test)]
mod tests;
