//! A memory at work on tables, with every point at which the process can end.

mod crash;
mod sim;
mod stories;
