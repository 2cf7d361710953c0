//! The inspector: how the node stands, and which actors live. Address `admin`.
//!
//! Call [`AdminService`] with [`AdminConfig`].

mod memory;
mod service;

pub use memory::rss_bytes;
pub use service::{AdminConfig, AdminService, StoreHealth};
