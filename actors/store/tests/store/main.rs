//! The store through its interface: what it promises to actors, on real files.

// The whole crate is tests; clippy's allowances for them reach no function that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod acting;
mod cas;
mod disk;
#[cfg(feature = "failpoints")]
mod failpoints;
mod groups;
mod limits;
mod memory;
mod model;
mod notices;
mod oldest;
mod opening;
mod owners;
mod queries;
mod queues;
mod restoring;
mod retention;
mod steps;
mod subjects;
mod task_queries;
mod tasks;
mod upgrade;
mod verifying;
mod work;
mod world;
