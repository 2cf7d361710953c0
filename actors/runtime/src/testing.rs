//! For tests of other crates: a store that answers as a test says, and a node on it.

use std::sync::{Arc, Mutex, PoisonError};

use messages::Address;
use messages::store::{Commit, CommitError, Committed, Query, QueryError, Rows};

use crate::kind::Kind;
use crate::port::{BoxFuture, Clock, Store, SystemClock};
use crate::system::{Options, System, SystemParts};
use crate::units::UnitClaimer;

type OnCommit = Box<dyn FnMut(&Commit) -> Result<Committed, CommitError> + Send>;
type OnQuery = Box<dyn FnMut(&Query) -> Result<Rows, QueryError> + Send>;

/// A store whose answers a test gives.
pub struct ScriptedStore {
    on_commit: Mutex<OnCommit>,
    on_query: Mutex<OnQuery>,
}

impl ScriptedStore {
    /// Commits and queries are answered by these.
    pub fn new(
        on_commit: impl FnMut(&Commit) -> Result<Committed, CommitError> + Send + 'static,
        on_query: impl FnMut(&Query) -> Result<Rows, QueryError> + Send + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { on_commit: Mutex::new(Box::new(on_commit)), on_query: Mutex::new(Box::new(on_query)) })
    }
}

impl Store for ScriptedStore {
    fn commit(&self, commit: Commit) -> BoxFuture<Result<Committed, CommitError>> {
        let answer = (self.on_commit.lock().unwrap_or_else(PoisonError::into_inner))(&commit);
        Box::pin(async move { answer })
    }

    fn query(&self, query: Query) -> BoxFuture<Result<Rows, QueryError>> {
        let answer = (self.on_query.lock().unwrap_or_else(PoisonError::into_inner))(&query);
        Box::pin(async move { answer })
    }
}

/// Holds every unit without a lock.
pub struct NoLocks;

impl UnitClaimer for NoLocks {
    fn hold(&self, _: &Address) -> Result<Box<dyn Send + Sync>, String> {
        Ok(Box::new(()))
    }
}

/// A node on a scripted store; start it with [`System::start`] where its actors are needed.
pub fn system(store: Arc<ScriptedStore>, kinds: Vec<Kind>, options: Options) -> System {
    system_at(store, kinds, options, Arc::new(SystemClock))
}

/// The same with a clock of the test's.
pub fn system_at(store: Arc<ScriptedStore>, kinds: Vec<Kind>, options: Options, clock: Arc<dyn Clock>) -> System {
    let (node, incarnation) = ("test".to_owned(), "1".to_owned());
    let parts = SystemParts { node, incarnation, store, clock, claimer: Arc::new(NoLocks), far: None, options };
    System::new(parts, kinds)
}
