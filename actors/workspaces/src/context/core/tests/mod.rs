//! The decisions of a context, on the tables of a small store that refuses what the real one refuses.

mod crash;
mod deletes;
mod edits;
mod erases;
mod expiry;
mod files;
mod memory;
mod model;
mod opening;
mod people;
mod sim;
mod stops;
mod words;
