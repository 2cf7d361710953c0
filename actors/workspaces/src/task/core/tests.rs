//! The decisions of tasks and their workspace, on the tables of a small store that refuses what the real one refuses, with
//! every point at which an actor or the process can end.

mod actor;
mod cancelling;
mod crash;
mod doubts;
mod ends;
mod lines;
mod people;
mod promises;
mod reads;
mod sim;
mod slots;
mod stories;
mod tables;
mod times;
mod world;
