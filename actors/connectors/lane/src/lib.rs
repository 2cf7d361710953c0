//! A lane: the way by which replies leave for one chat, one at a time, whichever connector it is of.
//!
//! ```text
//!  pending ──mark──► sending ──confirmed──────► sent
//!     ▲                 ├──surely not sent────► pending (again, not before)
//!     └─────────────────┤──refused────────────► failed
//!                       └──not known──────────► in doubt
//! ```
//! The mark is committed before anything is sent, and the lease is looked at right before a socket is written to. A row found in `sending` at a start is asked about, never sent again.
//!
//! Call [`Lane`] (an entity to register), [`LaneDeps`], [`LaneFacts`]; implement [`Sink`].

mod core;
mod port;
mod shell;

pub use core::{ATTEMPTS_MAX, LaneFacts};
pub use port::{Found, MaySend, Sending, Sink};
pub use shell::{Lane, LaneDeps};
