//! Input that nobody should give: each is answered with a clear error, and costs nothing else.

mod clock;
mod config;
mod definitions;
mod lines;
mod models;
mod notes;
mod sockets;
