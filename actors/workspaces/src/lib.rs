//! Where the work happens: workspaces and their contexts.
//!
//! ```text
//!   inbox row ──wake──► context: take (frozen turn, policy) ─► queue ─► one turn runs ─► outbox row ─► its lane
//!                          ▲                                                                    │
//!                          └────────── settle (outcome, log entry, audit) ◄──── wake ───────────┘
//! ```
//!
//! Tasks go the same way in steps that are rows, in slots that their workspace gives:
//!
//! ```text
//!   /task ──► queued ──claim──► task: model, tool, model … (journal) ──► succeeded ──► post ──► lane of the chat
//!                ▲ workspace: slots, fairness      │ crash, failure, quota, subtasks
//!                └─────────────────────────────────┘
//! ```
//!
//! What is worth keeping of a conversation goes, a part at a time, into a file that people edit ([`Memory`]).
//!
//! What may be called: the entities [`Context`], [`Memory`], [`Task`] and [`Workspace`] to register, each with its deps
//! ([`ContextDeps`], [`MemoryDeps`], [`TaskDeps`], [`WorkspaceDeps`]) and all with [`WorkFacts`]; the files: [`Layout`], [`definition`],
//! and [`render::entry`], by which a log can be compared with its entries.

mod asks;
pub mod commands;
mod context;
pub mod definition;
mod facts;
mod layout;
mod memory;
pub mod render;
mod run;

mod task;
mod why;
mod workspace;

pub use context::{Context, ContextDeps};
pub use facts::WorkFacts;
pub use layout::{Layout, LayoutError, log_path};
pub use memory::{Memory, MemoryDeps};
pub use task::{Task, TaskDeps};
pub use workspace::{Workspace, WorkspaceDeps};
