//! What is durable: one writer over SQLite, a few readers, an audit chain.
//!
//! ```text
//!   StoreHandle ── commit ──► queue (1,024) ──► writer thread: one transaction a group, a refused request leaves nothing
//!        │                                          └─► audit chain, in the same transaction
//!        └──────── query ───► queue (1,024) ──► reader threads: one view of the store a query
//! ```
//!
//! | what | for |
//! |---|---|
//! | [`open`], [`OpenOptions`], [`OpenError`] | opening `<data>/agent-runtime`: folder, lock, key, schema, threads |
//! | [`StoreHandle`] | the `runtime::Store` of the node; [`StoreHandle::health`], [`StoreHandle::close`] |
//! | [`StoreService`] | the actor `store` |
//! | [`lock_workspace`] | one installation for a workspace's files |
//! | [`verify()`], [`verify::for_each_log`] | proving the promises over the whole store, beside a running node |
//! | [`backup::snapshot`], [`restore::fork`] | a copy beside a running node; a copy that becomes a store of its own |
//! | [`audit`] | how the audit chain is made, and how an outsider verifies it |
//!
//! Invariants: SQL stands in this crate alone; there is one writer, and one lock keeps a second node off; a refused
//! request leaves nothing behind; nothing is committed whose audit record is not; a commit is answered only once it is
//! on disk. An error before COMMIT is [`Unavailable`](messages::store::CommitError::Unavailable); an error at COMMIT is
//! looked up in the file, by the number that each group writes into it, before it is answered. Deliberately absent: a
//! linger before a group, a retry of anyone's commit, deletion of rows.
//!
//! Markers for tests that kill the process (feature `failpoints`): `store.group.begin`, `store.before_commit`,
//! `store.after_commit`, `store.before_answer`.

pub mod audit;
pub mod backup;
mod connection;
mod core;
mod handle;
mod lock;
mod measure;
mod open;
mod quick;
mod reader;
pub mod restore;
mod schema;
mod service;
mod shared;
pub mod verify;
mod writer;

pub use handle::{CloseError, QUEUE_COMMITS_MAX, QUEUE_QUERIES_MAX, StoreHandle};
pub use lock::{ClusterNode, LockError, StoreLock, WorkspaceLock, lock_store, lock_workspace};
pub use open::{OpenError, OpenOptions, open};
pub use service::StoreService;
pub use shared::{CommitStats, Health};
pub use verify::verify;
