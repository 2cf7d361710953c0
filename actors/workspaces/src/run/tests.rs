//! The decisions of a run, on a journal that refuses what the store refuses.

mod budgets;
mod circles;
mod desk;
pub(crate) mod ground;
pub(crate) mod ledger;
mod recovery;
mod refusals;
mod replay;
mod spawning;
