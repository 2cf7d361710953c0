//! The inspector: how the node stands, and which actors live. Address `admin`.
//!
//! Call [`AdminService`] with [`AdminConfig`].

mod memory;
mod service;

pub use memory::{rss_bytes, rss_bytes_of};
pub use service::{AdminConfig, AdminService, StoreHealth};
