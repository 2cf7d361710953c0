//! Work end to end: tasks and their slots, times, budgets, models, and what survives of them.

mod budgets;
pub(crate) mod erased;
mod fairness;
mod known_failures;
mod memory;
mod models;
mod records;
mod restarts;
mod settle;
pub(crate) mod site;
mod times;
