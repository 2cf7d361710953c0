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
//! | [`task`] | tasks: states and their table, what one is made of, budgets |
//! | [`step`] | the journal of turns and tasks, usage and what it costs |
//! | [`offer`] | the models that can be asked, their prices, which is asked for what |
//! | [`store`] | commits, writes, queries, rows |
//! | [`cluster`], [`membership`], [`envelope`] | what hub and nodes say to each other of who holds which unit |
//! | [`context`], [`lane`], [`memory`], [`workspace`], [`index`], [`model`], [`tool`], [`admin`], [`alarms`], [`retention`] | one protocol each |
//! | [`meter`] | names of what is counted |

pub mod address;
pub mod admin;
pub mod alarms;
pub mod cluster;
pub mod context;
pub mod envelope;
pub mod id;
pub mod index;
pub mod lane;
pub mod membership;
pub mod memory;
pub mod meter;
pub mod model;
pub mod offer;
pub mod protocol;
pub mod retention;
pub mod step;
pub mod store;
pub mod task;
pub mod tool;
pub mod turn;
pub mod workspace;

pub use address::Address;
pub use id::{InboundId, Moment, Slug, Trace};
pub use memory::MemoryId;
pub use protocol::{AskError, Protocol};
pub use task::TaskId;
