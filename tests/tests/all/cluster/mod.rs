//! The same program on several nodes: chat on a connector, work on a worker, the store on the hub.

mod certificates;
mod chaos;
mod cuts;
mod fence;
mod kills;
mod large;
mod rolling;
mod shape;
mod shared;
mod simulation;
mod versions;
pub(crate) mod world;
