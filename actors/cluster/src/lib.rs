//! Links between nodes: who may connect, what may pass, and what is known when.
//!
//! ```text
//!  dial ──► TCP ──► TLS 1.3, mutual ──► hello, verdict ──► old link to this peer ends ──► gate, clocks ──► ractor_cluster
//!  listen ─┘        3 s, 64 at once     3 s, by the certificate's name                                    3 s until ready
//!
//!  Link::ask ──► envelope {token, to, deadline, …} ──► region of the peer ──► may it? ──► Serve ──► answer, always
//! ```
//!
//! ractor_cluster carries the frames, and is trusted with nothing else: it has no failure detector, no reconnect, no TLS
//! that a silent client can't block, and lets a peer say anything to anyone. So we listen and dial ourselves, agree with
//! the peer before it is handed over, and read every frame that comes in.
//!
//! | what | where |
//! |---|---|
//! | [`Cluster`], [`Config`] | a node's end of all its links |
//! | [`Link`], [`Up`] | a link that is up: ask, close; the set of all |
//! | [`Serve`], [`Call`], [`Peer`] | what is done with what peers ask |
//! | [`Trust`], [`PeerIdentity`] | certificates, injected |
//! | [`Net`], [`LeaseClock`] | sockets and the clock of leases, injected: a simulation has its own |
//! | [`VERSIONS`], [`limits`] | what is spoken; every number |
//!
//! Invariants: the region is the only remotable actor; it answers every call; a call is accepted only with the link's own
//! token, under the roles of the peer's certificate; nothing of a peer reaches ractor before both ends agreed; each wait is
//! bounded. A frozen or cut off peer costs 5 s and 16 MiB at most. Deliberately absent: messages without an answer,
//! process groups, names, actors that are made for others.

mod allowed;
mod chance;
mod clock;
mod cluster;
mod connect;
mod dial;
mod envelope;
mod gate;
mod hello;
pub mod limits;
mod links;
mod listen;
mod member;
mod net;
mod parts;
mod refused;
mod region;
mod serve;
mod sessions;
mod switch;
#[cfg(test)]
mod tests;
mod trust;
mod unproven;
mod writer;

pub use clock::{BootTime, LeaseClock};
pub use cluster::{Cluster, Config};
pub use hello::{VERSIONS, Versions};
pub use links::{Answering, Link, Up};
pub use member::{Begin, BeginOnce, ClusterService, Hands, Member, Others, Reign, RemoteStore};
pub use net::{Net, Socket, Stream, Tcp};
pub use serve::{Call, Peer, Serve, Served};
pub use trust::{PeerIdentity, Trust};
