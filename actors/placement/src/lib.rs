//! Which node holds which unit: pure decisions.

pub mod holder;
pub mod hub;
mod rendezvous;
pub mod table;
pub mod timers;

pub use holder::Holder;
pub use hub::Hub;
pub use rendezvous::{rank, weight};
pub use table::Table;
pub use timers::Monotonic;
