//! What the rest of the node holds of the store.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use messages::store::{Commit, CommitError, Query, QueryError, Rows};
use runtime::port::{BoxFuture, Store};
use tokio::sync::oneshot;

use crate::audit::AuditKey;
use crate::connection::Place;
use crate::core;
use crate::lock::FolderLock;
use crate::quick::Quick;
use crate::reader::{self, Read};
use crate::shared::{CommitStats, Health, Shared};
use crate::writer::{self, Job, Open, Writer};

/// The most commits that wait for the writer; one more is refused with [`CommitError::Busy`].
pub const QUEUE_COMMITS_MAX: usize = 1_024;
/// The most queries that wait for a reader; one more is refused with [`QueryError::Busy`].
pub const QUEUE_QUERIES_MAX: usize = 1_024;
/// Reads that run at a time.
const READERS: usize = 2;

/// The open store. Cheap to clone; the threads end, and the lock is freed, with [`StoreHandle::close`] or the last
/// clone.
#[derive(Clone)]
pub struct StoreHandle {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    shared: Arc<Shared>,
    commits: Mutex<Option<SyncSender<Job>>>,
    queries: Mutex<Option<SyncSender<Read>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    lock: Mutex<Option<FolderLock>>,
    quick: Quick,
}

/// The store was closed, but not in good order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store was closed, and all it had accepted is written, but the last group was refused: {0}")]
pub struct CloseError(pub String);

impl StoreHandle {
    /// Starts the threads over an open file.
    pub(crate) fn start(place: Place, lock: FolderLock, key: AuditKey, open: Open) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (commits, jobs) = sync_channel(QUEUE_COMMITS_MAX);
        let (queries, reads) = sync_channel(QUEUE_QUERIES_MAX);
        let inner = Inner {
            place: place.clone(),
            shared: shared.clone(),
            commits: Mutex::new(Some(commits)),
            queries: Mutex::new(Some(queries)),
            threads: Mutex::default(),
            lock: Mutex::new(Some(lock)),
            quick: Quick::new(&place.folder),
        };
        // If one thread can't be started, dropping this ends those that were.
        let handle = Self { inner: Arc::new(inner) };
        let key = Arc::new(key);
        let folder = place.folder.clone();
        handle.spawn("store-writer", {
            let shared = shared.clone();
            move || keep_writing(&place, &key, &shared, &Mutex::new(jobs), open)
        })?;
        let reads = Arc::new(Mutex::new(reads));
        for _ in 0..READERS {
            let (folder, shared, reads) = (folder.clone(), shared.clone(), reads.clone());
            handle.spawn("store-reader", move || reader::run(&folder, &shared, &reads))?;
        }
        Ok(handle)
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work)?;
        hold(&self.inner.threads).push(thread);
        Ok(())
    }

    /// How the store stands. Touches no file.
    #[must_use]
    pub fn health(&self) -> Health {
        self.inner.shared.health(hold(&self.inner.commits).is_some())
    }

    /// How commits went since it was opened. Touches no file.
    #[must_use]
    pub fn stats(&self) -> CommitStats {
        self.inner.shared.stats()
    }

    /// The folder it lies in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.inner.place.folder
    }

    /// Writes what waits, signs the end of the audit chain, ends the threads and frees the lock. Blocks until that is
    /// done. All clones are closed with it; closing again does nothing.
    ///
    /// # Errors
    /// [`CloseError`] when the disk refused the last thing it was asked for.
    pub fn close(&self) -> Result<(), CloseError> {
        if hold(&self.inner.commits).is_none() {
            return Ok(());
        }
        self.inner.shared.close();
        self.inner.end();
        if self.inner.shared.is_refusing() {
            return Err(CloseError(self.inner.shared.last_error()));
        }
        Ok(())
    }

    fn put(&self, commit: Commit) -> Result<oneshot::Receiver<writer::Answer>, CommitError> {
        core::refuse(&commit)?;
        let (answer, answered) = oneshot::channel();
        let queue = hold(&self.inner.commits);
        let Some(sender) = queue.as_ref() else {
            return Err(CommitError::Unavailable("it is closed".into()));
        };
        self.inner.shared.queued();
        match sender.try_send(Job { commit, answer, at: Instant::now() }) {
            Ok(()) => Ok(answered),
            Err(refused) => {
                self.inner.shared.taken(1);
                Err(match refused {
                    TrySendError::Full(_) => CommitError::Busy { limit: QUEUE_COMMITS_MAX },
                    TrySendError::Disconnected(_) => {
                        CommitError::Unavailable("the writer has ended; restart the node".into())
                    }
                })
            }
        }
    }

    fn ask(&self, query: Query) -> Result<oneshot::Receiver<reader::Answer>, QueryError> {
        let (answer, answered) = oneshot::channel();
        let queue = hold(&self.inner.queries);
        let Some(sender) = queue.as_ref() else {
            return Err(QueryError::Unavailable("it is closed".into()));
        };
        let waiting = &self.inner.shared.queries;
        waiting.fetch_add(1, Ordering::Relaxed);
        match sender.try_send(Read { query, answer }) {
            Ok(()) => Ok(answered),
            Err(refused) => {
                waiting.fetch_sub(1, Ordering::Relaxed);
                Err(match refused {
                    TrySendError::Full(_) => QueryError::Busy { limit: QUEUE_QUERIES_MAX },
                    TrySendError::Disconnected(_) => {
                        QueryError::Unavailable("the readers have ended; restart the node".into())
                    }
                })
            }
        }
    }
}

impl Store for StoreHandle {
    fn commit(&self, commit: Commit) -> BoxFuture<Result<messages::store::Committed, CommitError>> {
        let put = self.put(commit);
        Box::pin(async move {
            let unknown = || CommitError::Unknown("the writer ended before it answered".into());
            put?.await.unwrap_or_else(|_| Err(unknown()))
        })
    }

    fn query(&self, query: Query) -> BoxFuture<Result<Rows, QueryError>> {
        if let Some(answer) = self.inner.quick.read(&query) {
            if let Err(QueryError::Unavailable(why)) = &answer {
                self.inner.shared.unread(why);
            }
            return Box::pin(std::future::ready(answer));
        }
        let asked = self.ask(query);
        Box::pin(async move {
            let ended = || QueryError::Unavailable("the reader ended before it answered".into());
            asked?.await.unwrap_or_else(|_| Err(ended()))
        })
    }
}

impl Inner {
    /// Ends the threads once they have done what waits, then frees the lock.
    fn end(&self) {
        self.quick.close();
        drop(hold(&self.commits).take());
        drop(hold(&self.queries).take());
        for thread in hold(&self.threads).drain(..) {
            if let Err(panic) = thread.join() {
                tracing::error!(panic = writer::words(&*panic), "a thread of the store failed");
            }
        }
        drop(hold(&self.lock).take());
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end();
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The writer's thread. A panic outside a group ends one writer; the next opens the file anew and goes on with the
/// queue. Only the jobs in its hands are answered with [`CommitError::Unknown`].
fn keep_writing(place: &Place, key: &Arc<AuditKey>, shared: &Arc<Shared>, queue: &Mutex<Receiver<Job>>, open: Open) {
    let mut open = Some(open);
    for restarts in 0.. {
        let writer = Writer::new(place.clone(), key.clone(), shared.clone(), open.take());
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| writer.run(queue)));
        let Err(panic) = worked else { return };
        shared.restarts.fetch_add(1, Ordering::Relaxed);
        shared.refuses(&format!("the writer failed ({}); it is started again", writer::words(&*panic)));
        std::thread::sleep(core::reopen_wait(restarts));
    }
}
