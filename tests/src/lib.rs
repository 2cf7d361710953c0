//! What the tests of the whole stand on: processes, and servers that speak the protocols of the outside.

pub mod chaos;
pub mod cluster;
pub mod deployment;
mod dice;
pub mod fake_model;
pub mod network;
pub mod port;
pub mod process;
pub mod soak;
pub mod story;
mod tap;
