//! What actors say to each other.
//!
//! This crate is the vocabulary of the runtime: ids, addresses, one file per kind of actor with its protocol, and the
//! whole durable vocabulary ([`store::Write`], [`store::Query`]) on one page. It does no I/O and depends on nothing of
//! ours; every other crate meets its siblings only through it.
//!
//! | module | what it names |
//! |---|---|
//! | [`address`] | where an actor is: `ws/home/context/general` |
//! | [`id`] | what an inbound event, a trace, a slug and a moment look like |
//! | [`protocol`] | the [`protocol::Protocol`] trait, and how an ask can fail |
//! | [`turn`] | chats, principals, the frozen turn, outcomes |
//! | [`store`] | commits, writes, queries, rows |
//! | [`context`], [`lane`], [`workspace`], [`index`], [`model`], [`admin`] | one protocol each |

pub mod address;
pub mod admin;
pub mod context;
pub mod id;
pub mod index;
pub mod lane;
pub mod model;
pub mod protocol;
pub mod store;
pub mod turn;
pub mod workspace;

pub use address::Address;
pub use id::{InboundId, Moment, Slug, Trace};
pub use protocol::{AskError, Protocol};
