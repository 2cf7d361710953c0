//! What the runtime stands on and does not build itself: the store and the clock, as traits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use messages::Moment;
use messages::store::{Commit, CommitError, Committed, Query, QueryError, Rows};

/// A future that can be kept in a trait object.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// The store, the same near and far.
pub trait Store: Send + Sync + 'static {
    /// Writes all of a commit or nothing, and answers when it is on disk.
    fn commit(&self, commit: Commit) -> BoxFuture<Result<Committed, CommitError>>;
    /// Reads; never waits for the writer.
    fn query(&self, query: Query) -> BoxFuture<Result<Rows, QueryError>>;
}

/// The store as actors hold it.
pub type StorePort = Arc<dyn Store>;

/// Where the time comes from. Injected, so that a test can set it forward and back.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock. It may jump; nothing relies on its going forward.
    fn now(&self) -> Moment;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    // The one place where the wall clock is read.
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The machine's clock shifted by an offset that can be changed while it runs.
#[derive(Debug, Default)]
pub struct ShiftedClock {
    shift_ms: AtomicI64,
}

impl ShiftedClock {
    /// From now on the clock is `ms` milliseconds off the machine's.
    pub fn shift_to(&self, ms: i64) {
        self.shift_ms.store(ms, Ordering::SeqCst);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Moment {
        SystemClock.now().plus_ms(self.shift_ms.load(Ordering::SeqCst))
    }
}
