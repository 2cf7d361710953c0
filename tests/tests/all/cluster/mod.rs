//! The same program on several nodes: chat on a connector, work on a worker, the store on the hub.

mod chaos;
mod declared;
mod kills;
mod people;
mod previews;
mod shape;
mod shared;
pub(crate) mod world;
