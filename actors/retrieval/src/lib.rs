//! Search over the Markdown of a workspace, and the pages of its files for people; all is opened through the gate.
//!
//! ```text
//!   IndexService    ws/<id>/index     answers searches and opens files; brings its database up to date beside its mailbox
//!   WatcherService  ws/<id>/watcher   hears of changed folders and wakes the index; keeps no truth
//! ```
//!
//! The database `index.sqlite`, in `.index` of the workspace where no other folder is given, is derived from the files: it can be deleted at any time, and is made
//! again by itself when it is missing, damaged or of another version. A scan compares what the folders hold with it: where the
//! watcher heard of changes, and everywhere at the start, after lost events, where folders are polled, and now and then.
//! What changed is put down beside the wake, in memory ([`WatchReport`]): lost with it, it is found by the scan of the start.
//!
//! | what | where |
//! |---|---|
//! | what is covered | [`IndexConfig`], [`Mount`] |
//! | the services | [`IndexService`], [`WatcherService`], and the watcher's words [`watch::Watch`] |
//! | a check by an operator | [`verify`] |
//!
//! Invariants: nothing outside the folders is ever read (every path is opened beneath its folder, no symbolic link is
//! followed, only regular files); nothing in a mounted folder is ever written; records of a workspace (logs, contexts,
//! tasks, approvals, mail, drafts) are never searched, also not by a mount that holds them; a folder that is away keeps its
//! part of the index.

mod changes;
mod config;
mod database;
mod engine;
mod index;
#[cfg(test)]
mod left_out_tests;
mod library;
pub mod measure;
mod open;
mod passages;
mod pool;
#[cfg(test)]
mod reach_tests;
mod records;
mod scan;
mod search;
#[cfg(test)]
mod testing;
mod vectors;
mod verify;
pub mod watch;
mod watcher;

pub use config::{IndexConfig, WatchReport};
pub use gate::Mount;
pub use index::IndexService;
pub use verify::verify;
pub use watcher::WatcherService;
