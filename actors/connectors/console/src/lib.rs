//! The console: people and programs on this machine talk to the node over a unix socket, and this crate is both ends.
//!
//! ```text
//!   terminal ─┐                           ┌─ session ── commits events, wakes the context
//!   batch ────┼─ Client ══ JSON lines ════┤
//!   program ──┘                           └─ Sessions ◄── lanes send replies (a lane::Sink)
//! ```
//! An event is acknowledged after it is on disk; a reply counts as delivered when the client says that it has flushed
//! it. So neither a killed client nor a killed node loses or doubles anything; what was in between is known to be in
//! doubt.
//!
//! | what | where |
//! |---|---|
//! | [`ConsoleService`], [`ConsoleConfig`], [`Console`] | the actor at `connector/console` |
//! | [`Sessions`] | who is attached; the lanes' [`lane::Sink`]; [`Sessions::attach`] for a client in the same process |
//! | [`client::Client`] | the other end: submit events, take frames, acknowledge replies |
//! | [`batch::run`] | standard input, a line an event |
//! | [`terminal::run`] | a person at a terminal |
//! | [`wire`] | the frames themselves and their limits |
//! | [`escape`] | what may be shown on a terminal |

pub mod batch;
pub mod client;
pub mod escape;
mod port;
mod registry;
mod service;
mod session;
mod socket;
pub mod terminal;
#[cfg(test)]
mod testing;
pub mod wire;

pub use port::Duplex;
pub use registry::{AttachError, CONNECTOR, DELIVERY_MS_MAX, Sessions};
pub use service::{Console, ConsoleConfig, ConsoleService, Described, Msg, NoChat, SESSIONS_MAX, SessionView};
pub use session::Knows;
pub use socket::socket_path;
