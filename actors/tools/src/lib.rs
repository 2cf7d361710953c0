//! The tools that a model may use: what it is told of them, and the service that performs those that need I/O.
//!
//! | what | where |
//! |---|---|
//! | all tools with schema, risk and repetition | [`registry`] |
//! | typed arguments | [`arguments`], [`MdRead`], [`MdList`], [`MdWrite`], [`Search`] |
//! | the service at `tools` ([`messages::tool::Tools`]) | [`ToolsService`], [`ToolsConfig`] |
//!
//! `spawn_task` and `post` are rows of the commit that ends their step: whoever uses them writes them, and they never come
//! here. Whether a tool may be used is decided before; here only its scope and its arguments are judged.
//!
//! Invariants: what is out of scope reads, byte for byte, as what is not there; a result has at most
//! [`messages::tool::RESULT_BYTES_MAX`] bytes; a failure has changed nothing; each tool runs so often at once and no more.

mod arguments;
mod core;
mod files;
mod limits;
mod registry;
mod scope;
mod service;
mod throttle;

pub use arguments::{MdList, MdRead, MdWrite, Search, arguments};
pub use registry::registry;
pub use service::{ToolsConfig, ToolsService};

#[cfg(test)]
mod tests;
