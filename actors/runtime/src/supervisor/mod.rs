//! Our own small supervisor, with the usual words: permanent, transient and temporary children, one-for-one and
//! rest-for-one, intensity within a period, backoff that only a stable run resets.

mod actor;
mod closing;
mod core;
mod spec;

pub(crate) use actor::{Order, REOPEN, spawn_root};
pub(crate) use spec::Start;
pub use spec::{Child, Children, Intensity, Restart, Strategy};
