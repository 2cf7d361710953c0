//! The same program on several nodes: chat on a connector, work on a worker, the store on the hub.

mod accounts;
mod certificates;
mod chaos;
mod cuts;
mod declared;
mod drain;
mod fence;
mod foreign;
mod kills;
mod large;
mod markers;
mod people;
mod previews;
mod restore;
mod rolling;
mod shape;
mod shared;
mod simulation;
mod versions;
pub(crate) mod world;
