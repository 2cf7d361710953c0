//! What the runtime promises to every actor, shown with a small entity on a store that answers as the test says.

// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod dates;
mod effects;
mod failing;
mod kit;
mod mailbox;
mod places;
mod probe;
mod sleeping;
mod store_trouble;
mod tree;
mod wire;
