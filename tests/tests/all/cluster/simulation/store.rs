//! The hub's store: the real one, in its real file, behind a disk that takes simulated time. Each commit and each query is
//! done between two moments of the simulation, so that the store's own threads make no difference to it.

use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use messages::store::{Accepted, Commit, CommitError, Committed, Fence, Owner, Query, QueryError, Rows, Write};
use runtime::{BoxFuture, Store};
use store::{OpenOptions, StoreHandle};
use tokio::sync::{mpsc, oneshot};

use super::network::elapsed;
use super::outside::{Control, Outside};

/// Commits that wait for the disk.
const QUEUE_MAX: usize = 1_024;

type Answer = Result<Committed, CommitError>;
type Job = (Commit, Option<oneshot::Sender<Answer>>);

/// The open store of the hub that runs. With the hub it goes, whatever else still names it.
#[derive(Clone, Default)]
pub(super) struct Disk(Arc<Mutex<Option<StoreHandle>>>);

impl Disk {
    /// Opens it for a hub that starts; the one before is dead.
    pub(super) fn open(&self, folder: &Path) -> Result<(), String> {
        let mut handle = self.0.lock().unwrap();
        // Dropped and not closed: nothing is written that a killed process would not have written.
        drop(handle.take());
        *handle = Some(store::open(folder, &OpenOptions::new("simulated")).map_err(|e| e.to_string())?);
        Ok(())
    }

    fn handle(&self) -> StoreHandle {
        self.0.lock().unwrap().clone().unwrap()
    }
}

pub(super) struct SimStore {
    disk: Disk,
    outside: Arc<Outside>,
    queue: mpsc::Sender<Job>,
}

impl SimStore {
    /// Takes commits one after the other, as long as this node runs.
    pub(super) fn start(disk: Disk, outside: &Arc<Outside>) -> Arc<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(write(disk.clone(), outside.clone(), jobs));
        Arc::new(Self { disk, outside: outside.clone(), queue })
    }
}

impl Store for SimStore {
    fn commit(&self, commit: Commit) -> BoxFuture<Answer> {
        let early = (self.outside.control == Control::AnswersFirst).then(|| unwritten(&commit)).flatten();
        let (answer, answered) = oneshot::channel();
        let sender = early.is_none().then_some(answer);
        if self.queue.try_send((commit, sender)).is_err() {
            return Box::pin(std::future::ready(Err(CommitError::Busy { limit: QUEUE_MAX })));
        }
        Box::pin(async move {
            match early {
                Some(early) => Ok(early),
                None => answered.await.unwrap_or_else(|_| Err(CommitError::Unknown("the hub ended".into()))),
            }
        })
    }

    fn query(&self, query: Query) -> BoxFuture<Result<Rows, QueryError>> {
        let (disk, outside) = (self.disk.clone(), self.outside.clone());
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(outside.within(1, 3))).await;
            at_once(disk.handle().query(query))
        })
    }
}

/// What words would be answered with that are not in the store yet.
fn unwritten(commit: &Commit) -> Option<Committed> {
    let accepted = |write: &Write| match write {
        Write::InboxPut { id, .. } => Some(Accepted { id: id.clone(), seq: 0, duplicate: false }),
        _ => None,
    };
    let inbox: Vec<Accepted> = commit.writes.iter().filter_map(accepted).collect();
    (!inbox.is_empty()).then_some(Committed { inbox, epochs: Vec::new() })
}

async fn write(disk: Disk, outside: Arc<Outside>, mut jobs: mpsc::Receiver<Job>) {
    while let Some((commit, sender)) = jobs.recv().await {
        tokio::time::sleep(outside.disk()).await;
        let done = at_once(disk.handle().commit(as_controlled(&commit, outside.control)));
        let now = elapsed();
        outside.trace(now, &told(&commit, &done));
        outside.check(|checks| match &done {
            Ok(done) => checks.took(now, &commit, done),
            Err(error) => checks.refused(error),
        });
        let later = Duration::from_millis(outside.within(0, 3));
        tokio::spawn(async move {
            tokio::time::sleep(later).await;
            sender.map(|sender| drop(sender.send(done))).unwrap_or_default();
        });
    }
}

fn as_controlled(commit: &Commit, control: Control) -> Commit {
    let no_fence = control == Control::NoFence && commit.by != Owner::Runtime;
    let fences = if no_fence { Vec::new() } else { commit.fences.clone() };
    Commit { fences, ..commit.clone() }
}

fn told(commit: &Commit, done: &Answer) -> String {
    let fences: Vec<String> = commit.fences.iter().map(|Fence { unit, epoch }| format!("{unit}@{epoch}")).collect();
    let writes: Vec<String> = commit
        .writes
        .iter()
        .map(|write| match write {
            Write::InboxPut { event, .. } => format!("put {event}"),
            Write::InboxSettle { seq, .. } => format!("settle {seq}"),
            Write::UnitClaim { unit, node, .. } => format!("claim {unit} for {node}"),
            other => other.name().to_owned(),
        })
        .collect();
    let end = match done {
        Ok(_) => "taken".to_owned(),
        Err(error) => format!("refused: {error}"),
    };
    format!("commit {fences:?} {writes:?} {end}")
}

/// Waits for another thread without leaving this one: the simulated time stands still meanwhile.
fn at_once<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut work = pin!(tokio::task::unconstrained(work));
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// The store as the hub's own actors have it, and what other nodes ask by their links: a hub that is busy comes to it late.
/// What the hub itself decides does not wait behind it.
pub(super) struct BusyStore(pub(super) Arc<SimStore>);

impl Store for BusyStore {
    fn commit(&self, commit: Commit) -> BoxFuture<Answer> {
        let store = self.0.clone();
        Box::pin(async move {
            tokio::time::sleep(store.outside.hub_is_busy_for()).await;
            store.commit(commit).await
        })
    }

    fn query(&self, query: Query) -> BoxFuture<Result<Rows, QueryError>> {
        self.0.query(query)
    }
}
