//! The inspector: how the node stands, which actors live, tasks and what they cost, the models. Address `admin`.
//!
//! Call [`AdminService`] with [`AdminConfig`].

mod core;
mod index;
mod memory;
mod models;
mod service;
mod status;
mod tasks;

pub use memory::{rss_bytes, rss_bytes_of};
pub use service::{AdminConfig, AdminService, StoreHealth};
