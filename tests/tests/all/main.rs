//! All tests of the whole, in one binary.
//!
//! - `chaos`: kills under load, and the count afterwards.
//! - `backup`: backups beside a running node, and restored stores.
//! - `bad_input`: what nobody should give.
//! - `cluster`: the same program on several nodes, which are lost, frozen and stopped.
//! - `control`: stop, edit, delete, expiry, edited files, exit codes.
//! - `doctor`: what is told of a node's surroundings: its configuration, its folder, its secrets.
//! - `faults`: disks that fail, damaged files, nodes in each other's way.
//! - `isolation`: what one context has is nothing that another sees, at each surface.
//! - `ops`: health, readiness, metrics, alarms and signals, as an operator meets them.
//! - `pki`: an authority, certificates and their revocation, as an operator meets them.
//! - `retention`: words past their time, people who are forgotten, an audit that is cut.
//! - `rules`: what a machine can keep of the rules by which this repository is built.
//! - `secrets`: the encrypted store of secrets, killed at every step, and what is said when something is wrong with it.
//! - `shapes`: every scenario of `stories`, `work`, `control` and `isolation`, in one process and in clusters.
//! - `stories`: transcripts of chats, played against a real node.
//! - `tree`: the drawn supervision tree against the one of a running node.
//! - `work`: tasks, tools, budgets and models end to end.

// The whole binary is tests: a value that is not there is a failed test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod backup;
mod bad_input;
mod bench;
mod chaos;
mod cluster;
mod control;
mod doctor;
mod faults;
mod isolation;
mod ops;
mod pki;
mod retention;
mod rules;
mod secrets;
mod shapes;
mod soak;
mod stories;
mod trace;
mod tree;
mod work;
