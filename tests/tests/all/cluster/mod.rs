//! The same program on several nodes: chat on a connector, work on a worker, the store on the hub.

mod certificates;
mod chaos;
mod kills;
mod large;
mod shape;
pub(crate) mod world;
