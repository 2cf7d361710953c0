//! The inspector: how the node stands, which actors live, tasks and what they cost, the models. Address `admin`. And
//! beside it who looks at the node again and again, for alarms, readiness and metrics. Address `alarms`.
//!
//! Call [`AdminService`] and [`AlarmsService`] with [`AdminConfig`].

mod alarms;
mod core;
mod index;
mod memory;
mod metrics;
mod models;
mod service;
mod status;
mod tasks;

pub use alarms::{ALARMS, AlarmChat, AlarmLimits, AlarmName, AlarmsService, LiveLimits};
pub use memory::{rss_bytes, rss_bytes_of};
pub use metrics::{METRICS, Metric, StoreStats};
pub use service::{AdminConfig, AdminService, StoreHealth, StoreStatsNow};
