//! The gate in our half of a link: what a peer's bytes must be to reach ractor_cluster at all.

mod core;
mod protobuf;
mod reader;
#[cfg(test)]
mod tests;

pub(crate) use self::core::Gate;
pub(crate) use reader::GateReader;
