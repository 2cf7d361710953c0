//! A store that answers as a test says and writes down what it was asked, and a node on it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use messages::admin::ActorView;
use messages::store::{Commit, CommitError, Committed, Query, QueryError, Rows, TimerRow, WorkRows, Write};
use messages::{Address, Moment};
use runtime::testing::NoLocks;
use runtime::{
    BoxFuture, Child, Children, Clock, Far, Intensity, Kind, Options, Restart, ShiftedClock, Store, Strategy, System,
    SystemParts, TimersService, UnitClaimer,
};
use tokio::sync::Semaphore;

use crate::probe::{Deps, Probe};

/// Nothing here takes longer unless it is broken. The tests' time is tokio's own and costs nothing.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(120);

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    pub(crate) fn push(&self, what: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.all().iter().filter(|entry| *entry == what).count()
    }

    pub(crate) fn has(&self, what: &str) -> bool {
        self.count(what) > 0
    }
}

/// A door that tests hold shut.
pub(crate) struct Door {
    shut: AtomicBool,
    pass: Semaphore,
    waiting: AtomicU64,
}

impl Door {
    pub(crate) fn open_one() -> Arc<Self> {
        Arc::new(Self { shut: AtomicBool::new(false), pass: Semaphore::new(0), waiting: AtomicU64::new(0) })
    }

    pub(crate) fn shut_one() -> Arc<Self> {
        let door = Self::open_one();
        door.shut();
        door
    }

    pub(crate) fn shut(&self) {
        self.shut.store(true, Ordering::SeqCst);
    }

    /// From now on all go through.
    pub(crate) fn open(&self) {
        self.shut.store(false, Ordering::SeqCst);
        self.pass.add_permits(1_000);
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::SeqCst)
    }

    pub(crate) async fn go(&self) {
        if self.shut.load(Ordering::SeqCst) {
            let _waits = Waits::of(&self.waiting);
            self.pass.acquire().await.unwrap().forget();
        }
    }
}

/// Counted until it went through, or was given up.
struct Waits<'a>(&'a AtomicU64);

impl<'a> Waits<'a> {
    fn of(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The store of a test.
pub(crate) struct Book {
    pub(crate) trace: Trace,
    /// How the next commits are answered; those after them are written.
    pub(crate) answers: Mutex<VecDeque<CommitError>>,
    /// How all commits of entities are answered.
    pub(crate) refuses: Mutex<Option<CommitError>>,
    pub(crate) no_reads: Mutex<VecDeque<QueryError>>,
    pub(crate) commits: Mutex<Vec<Commit>>,
    pub(crate) dates: Mutex<BTreeMap<(Address, String), Moment>>,
    pub(crate) unfinished: Mutex<Vec<Address>>,
    pub(crate) due_asked: AtomicU64,
    pub(crate) commit_door: Arc<Door>,
    pub(crate) work_door: Arc<Door>,
    epochs: AtomicU64,
}

impl Book {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            trace: Trace::default(),
            answers: Mutex::default(),
            refuses: Mutex::default(),
            no_reads: Mutex::default(),
            commits: Mutex::default(),
            dates: Mutex::default(),
            unfinished: Mutex::default(),
            due_asked: AtomicU64::new(0),
            commit_door: Door::open_one(),
            work_door: Door::open_one(),
            epochs: AtomicU64::new(0),
        })
    }

    pub(crate) fn answer_next(&self, errors: impl IntoIterator<Item = CommitError>) {
        self.answers.lock().unwrap().extend(errors);
    }

    pub(crate) fn refuse_all(&self, error: Option<CommitError>) {
        *self.refuses.lock().unwrap() = error;
    }

    pub(crate) fn strand(&self, address: &Address) {
        self.unfinished.lock().unwrap().push(address.clone());
    }

    pub(crate) fn date(&self, address: &Address, name: &str) -> Option<Moment> {
        self.dates.lock().unwrap().get(&(address.clone(), name.to_owned())).copied()
    }

    pub(crate) fn put_date(&self, address: &Address, name: &str, due: Moment) {
        self.dates.lock().unwrap().insert((address.clone(), name.to_owned()), due);
    }

    fn write(&self, commit: &Commit) -> Committed {
        let mut done = Committed::default();
        for write in &commit.writes {
            match write {
                Write::Audit { action, .. } => self.trace.push(format!("commit {action}")),
                Write::UnitClaim { unit, .. } => {
                    self.trace.push(format!("claim {unit}"));
                    done.epochs.push(self.epochs.fetch_add(1, Ordering::SeqCst) + 1);
                }
                Write::TimerPut { entity, name, due } => self.put_date(entity, name, *due),
                Write::TimerDrop { entity, name } => {
                    self.trace.push(format!("drop {name}"));
                    self.dates.lock().unwrap().remove(&(entity.clone(), name.clone()));
                }
                other => self.trace.push(other.name()),
            }
        }
        done
    }

    fn answer(&self, query: &Query) -> Rows {
        match query {
            Query::Unit { unit } => {
                self.trace.push(format!("rows {unit}"));
                Rows::Unit(None)
            }
            Query::Unfinished { after, limit } => {
                let mut all = self.unfinished.lock().unwrap().clone();
                all.retain(|address| after.as_ref().is_none_or(|after| address > after));
                all.sort();
                all.truncate(*limit as usize);
                Rows::Addresses(all)
            }
            Query::Due { now, .. } => {
                self.due_asked.fetch_add(1, Ordering::SeqCst);
                let dates = self.dates.lock().unwrap();
                let row = |((entity, name), due): (&(Address, String), &Moment)| TimerRow {
                    entity: entity.clone(),
                    name: name.clone(),
                    due: *due,
                };
                let mut due: Vec<_> = dates.iter().filter(|(_, due)| **due <= *now).map(row).collect();
                due.sort_by_key(|row| row.due);
                Rows::Timers(due)
            }
            _ => Rows::Work(WorkRows::default()),
        }
    }
}

/// The book, as actors hold it.
struct Shelf(Arc<Book>);

impl Store for Shelf {
    fn commit(&self, commit: Commit) -> BoxFuture<Result<Committed, CommitError>> {
        let book = self.0.clone();
        Box::pin(async move {
            book.commit_door.go().await;
            let always = book.refuses.lock().unwrap().clone();
            if let Some(error) = book.answers.lock().unwrap().pop_front().or(always) {
                book.trace.push("refused");
                return Err(error);
            }
            book.commits.lock().unwrap().push(commit.clone());
            Ok(book.write(&commit))
        })
    }

    fn query(&self, query: Query) -> BoxFuture<Result<Rows, QueryError>> {
        let book = self.0.clone();
        Box::pin(async move {
            if matches!(query, Query::Unit { .. })
                && let Some(error) = book.no_reads.lock().unwrap().pop_front()
            {
                return Err(error);
            }
            if let Query::Work { context, .. } = &query {
                book.trace.push(format!("read {context}"));
                book.work_door.go().await;
            }
            Ok(book.answer(&query))
        })
    }
}

/// A node and what a test holds of it.
pub(crate) struct Node {
    pub(crate) system: System,
    pub(crate) book: Arc<Book>,
    pub(crate) trace: Trace,
    pub(crate) deps: Arc<Deps>,
    pub(crate) clock: Arc<ShiftedClock>,
}

/// How a test wants its node.
pub(crate) struct Wish {
    pub(crate) options: Options,
    pub(crate) timers: bool,
    pub(crate) intensity: Intensity,
    pub(crate) claimer: Arc<dyn UnitClaimer>,
    pub(crate) far: Option<Arc<dyn Far>>,
    /// More children of the root, before the supervisor of probes.
    pub(crate) more: Vec<Child>,
}

impl Default for Wish {
    fn default() -> Self {
        let options = Options { passivate_after: Duration::from_secs(1_000_000), ..Options::default() };
        let intensity = Intensity { restarts_max: 50, ..Intensity::STOP_CHILD };
        Self { options, timers: false, intensity, claimer: Arc::new(NoLocks), far: None, more: Vec::new() }
    }
}

/// Addresses of probes that belong to no unit.
pub(crate) fn probe(name: &str) -> Address {
    Address::parse(&format!("probe/{name}")).unwrap()
}

/// Their supervisor.
pub(crate) fn probes() -> Address {
    Address::parse("probes").unwrap()
}

pub(crate) fn children(intensity: Intensity, list: Vec<Child>) -> Children {
    Children { strategy: Strategy::OneForOne, intensity, list }
}

impl Node {
    pub(crate) async fn new() -> Self {
        Self::with(Wish::default()).await
    }

    pub(crate) async fn with(wish: Wish) -> Self {
        let book = Book::new();
        let deps = Deps::new(book.trace.clone());
        let kind = |pattern| Kind::entity::<Probe>(pattern, |_| Some(probes()), deps.clone(), Arc::new(()));
        let clock = Arc::new(ShiftedClock::default());
        let parts = SystemParts {
            node: "test".into(),
            incarnation: "1".into(),
            store: Arc::new(Shelf(book.clone())),
            clock: clock.clone(),
            claimer: wish.claimer,
            far: wish.far,
            options: wish.options,
        };
        let system = System::new(parts, vec![kind("probe/*"), kind("ws/*/context/*")]);
        let mut list = wish.more;
        list.push(Child::supervisor(probes(), Restart::Permanent, children(wish.intensity, Vec::new())));
        if wish.timers {
            let timers = || -> BoxFuture<_> { Box::pin(async { Ok(TimersService::default()) }) };
            list.push(Child::service(Address::fixed("timers"), Restart::Permanent, timers));
        }
        let root = Intensity { restarts_max: 50, ..Intensity::ESCALATE };
        system.start(children(root, list)).await.unwrap();
        Self { system, trace: book.trace.clone(), book, deps, clock }
    }

    pub(crate) fn view(&self, address: &Address) -> Option<ActorView> {
        self.system.actors().into_iter().find(|view| view.address == address.as_str())
    }

    pub(crate) fn state(&self, address: &Address) -> String {
        self.view(address).map(|view| view.state).unwrap_or_default()
    }

    /// Waits until it is so, and says what happened when it never comes to be.
    pub(crate) async fn until(&self, what: &str, so: impl Fn() -> bool) {
        let looks = async {
            while !so() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let waited = tokio::time::timeout(WAIT_MAX, looks).await;
        assert!(waited.is_ok(), "it never came to be that {what}: {:?}", self.trace.all());
    }

    /// All that can happen without time passing, and a little more, has happened.
    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }
}
