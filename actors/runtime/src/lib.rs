//! What every actor stands on.
//!
//! ```text
//!   Ref::wake / Ref::ask          someone knows only an address and a protocol
//!        │
//!     System ── directory ──► mailbox (bounded, with a gauge) ──► Host<E> : an entity       decide → commit → answer → perform
//!        │ not open                                          └─► ServiceHost<S> : a plain actor
//!     region ── Kind ──► supervisor ──► opens it             (restart with backoff, a storm ends in a stopped actor)
//!        ▲
//!     timers : the sweep each second, dates that are rows, passivation
//! ```
//!
//! | what | where |
//! |---|---|
//! | [`Entity`], [`Decision`], [`Cx`], [`World`] | an actor with rows: pure decisions, committed before anything leaves |
//! | [`Service`], [`ServiceCx`], [`ReplyPort`] | an actor without rows |
//! | [`System`], [`Ref`] | the node: references, store, clock, feed |
//! | [`Kind`] | what opens an address on demand |
//! | [`Children`], [`Strategy`], [`Restart`] | supervision |
//! | [`KindView`], [`Meters`], [`Histogram`] | what is measured: actors by kind, counts by label, distributions |
//! | [`Store`], [`Clock`], [`Far`] | what is injected |
//!
//! Invariants: no `ActorRef` leaves this crate; no ask without a deadline; nothing outside this crate spawns an actor;
//! a decision does no I/O. Deliberately absent: broadcast, named global registries, timers in memory that matter.

mod again;
mod alarms;
mod census;
mod directory;
mod entity;
mod far;
mod feed;
mod gauge;
mod histogram;
mod host;
mod kind;
mod mail;
mod meters;
pub mod port;
mod reference;
mod region;
mod service;
mod service_host;
mod slow;
mod soon;
mod supervisor;
mod system;
mod tasks;
pub mod testing;
mod timers;
mod units;
mod wire;

pub use again::Again;
pub use census::KindView;
pub use entity::{AskId, Cx, Decision, Entity, SlowKey, World};
pub use far::{Far, Word};
pub use feed::Feed;
pub use histogram::{Histogram, HistogramView};
pub use kind::Kind;
pub use meters::{METER_LABELS_MAX, Meters};
pub use port::{BoxFuture, Clock, ShiftedClock, Store, StorePort, SystemClock};
pub use reference::Ref;
pub use service::{ReplyPort, Service, ServiceCx, ServiceError};
pub use supervisor::{Child, Children, Intensity, Restart, Strategy};
pub use system::{Options, System, SystemParts};
pub use timers::TimersService;
pub use units::UnitClaimer;
pub use wire::ENVELOPE_BYTES_MAX;
