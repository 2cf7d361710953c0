//! Where the work happens: workspaces and their contexts.
//!
//! ```text
//!   inbox row ──wake──► context: take (frozen turn, policy) ─► queue ─► one turn runs ─► outbox row ─► its lane
//!                          ▲                                                                    │
//!                          └────────── settle (outcome, log entry, audit) ◄──── wake ───────────┘
//! ```
//!
//! What may be called: [`Context`] (an entity to register) with [`ContextDeps`] and [`ContextFacts`],
//! [`WorkspaceService`], the files: [`Layout`], [`definition`], and [`render::entry`], by which a log can be compared with
//! its entries.

pub mod commands;
mod context;
pub mod definition;
mod layout;
pub mod render;
mod why;
mod workspace;

pub use context::{Context, ContextDeps, ContextFacts};
pub use layout::{Layout, LayoutError, log_path};
pub use workspace::WorkspaceService;
