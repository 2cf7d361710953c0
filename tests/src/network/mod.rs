//! A network of a test's own: each host is a network namespace with an address, and a switch passes what they send, or cuts,
//! delays and loses it by direction. The TCP of the kernel runs over it.
//!
//! ```text
//!  process ── TCP ── device `wire` ──┐ packets                 packets ┌── device `wire` ── TCP ── process
//!          namespace of one host     └──► Switch: Way of each pair ────┘      namespace of another
//! ```
//!
//! Namespaces have no names and devices end with their file: nothing is left on the machine, however a test ends.
//! Where a machine allows none of it, [`Proxies`] cut links between processes of one host.

mod namespace;
mod proxy;
mod switch;
mod way;
mod wires;

pub use namespace::refused;
pub use proxy::Proxies;
pub use switch::Network;
pub use way::Way;
pub use wires::{Wires, hosts};
