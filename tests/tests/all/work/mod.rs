//! Work end to end: tasks and their slots, times, budgets, models, and what survives of them.

pub(crate) mod budgets;
pub(crate) mod desk;
pub(crate) mod erased;
mod fairness;
pub(crate) mod known_failures;
pub(crate) mod memory;
pub(crate) mod models;
pub(crate) mod records;
pub(crate) mod restarts;
pub(crate) mod settle;
pub(crate) mod site;
pub(crate) mod times;
