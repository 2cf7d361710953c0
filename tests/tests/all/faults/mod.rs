//! Disks that fail, files that are damaged, nodes that are in each other's way: the node fails closed, says so, and goes
//! on when it can.

mod damage;
mod disk;
pub(crate) mod doubts;
pub(crate) mod driver;
mod locks;
pub(crate) mod world;
