//! Retention: how long words and audit records are kept, and forgetting a person.
//!
//! ```text
//!   once a day: what ended before its time ──mark (row)──► its context erases it, as a delete does
//!   forget a person: their events, page by page ──mark──► the same; waiting and running ones are cancelled
//!   audit: records past their time, up to a signed checkpoint ──► a file ──► cut (a record says so)
//! ```
//!
//! It erases nothing itself: it says what is to be erased, and contexts, memories, tasks and indexes carry that out by the
//! way that a delete goes. All that it is in the middle of is a row.
//!
//! Call [`Retention`] (an entity to register at `retention`), [`RetentionDeps`], [`RetentionFacts`].

mod archive;
mod clean;
mod core;
mod shell;
mod trust;

pub use core::RetentionFacts;
pub use shell::{Retention, RetentionDeps};
