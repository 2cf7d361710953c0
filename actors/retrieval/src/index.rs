//! The service of an index: its mailbox never waits for a disk.

mod core;
mod records;
mod scanning;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use messages::index::{Found, Index, Msg, Reach, Reply, View};
use messages::{AskError, Slug};
use runtime::{ReplyPort, Service, ServiceCx, ServiceError};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

use crate::config::{IndexConfig, WatchReport};
use crate::database::Trouble;
use crate::engine::Engine as _;
use crate::library::{Brake, Library};
use crate::open::Wanted;
use crate::scan::{Progress, Report, SKIPPED_SHOWN_MAX};
use crate::search::Question;

/// Searches and openings that run at once.
pub(crate) const RUNNING_MAX: usize = 4;
/// Searches and openings that run or wait; one more is refused.
pub(crate) const WAITING_MAX: usize = 256;
const BUSY_RETRY_MS: u64 = 200;
/// How long a search waits for the first scan after the start; in this crate's tests as long as it takes, since whether a scan
/// ends within a second is for the machine to say.
const FIRST_SCAN_WAIT_MS: u64 = if cfg!(test) { 60_000 } else { 1_000 };
/// A search that takes longer is ended.
const SEARCH_MS_MAX: u64 = 10_000;
/// Connections that read are let go when no search came for so long: an idle index costs no memory.
const REST_AFTER_MS: u64 = 10_000;
/// A long scan is told of in the log each so many files.
const TOLD_EVERY_FILES: u64 = 10_000;
/// See [`even`].
const EVEN_MS: u32 = 50;

/// The index of one workspace, at `ws/<id>/index`.
pub struct IndexService {
    shared: Arc<Shared>,
}

struct Shared {
    library: Library,
    watch: WatchReport,
    /// What the last scan found; `None` before the first has ended.
    report: Mutex<Option<Report>>,
    /// Why the last scan failed.
    failure: Mutex<Option<String>>,
    first_scan: watch::Sender<bool>,
    /// Something may be to be looked at.
    bell: Notify,
    /// A scan runs.
    reading: AtomicBool,
    /// A search found the database damaged: the next scan makes it again.
    damaged: AtomicBool,
    looked_at: AtomicU64,
    /// A search found no database: the next scan is one of everything.
    missing: AtomicBool,
    /// Scans that have ended, and those of them that looked at everything.
    scans: AtomicU64,
    scans_of_all: AtomicU64,
    stopping: AtomicBool,
    running: Semaphore,
    waiting: Arc<Semaphore>,
    /// Searches answered so far.
    answered: AtomicU64,
    /// A task waits to let connections go.
    resting: AtomicBool,
    /// One at a time brings records up to date or takes them out, so that nothing that was read before it was erased is
    /// written after.
    records: tokio::sync::Mutex<()>,
}

impl Progress for Shared {
    fn looked_at(&self, files: u64) -> bool {
        self.looked_at.store(files, Ordering::Relaxed);
        if files.is_multiple_of(TOLD_EVERY_FILES) {
            tracing::info!(index = %self.library.place().file().display(), files, "the index is being brought up to date");
        }
        !self.stopping.load(Ordering::Relaxed)
    }
}

impl IndexService {
    /// An index over a workspace's folder and its mounts. Nothing is read yet: scanning begins when it is started, and
    /// goes on beside the mailbox.
    ///
    /// # Errors
    /// [`ServiceError`] when a mount's name can't be used. A folder that is not there is no error; `Describe` tells it.
    pub fn open(config: IndexConfig) -> Result<Self, ServiceError> {
        config.check().map_err(ServiceError::new)?;
        let shared = Shared {
            library: Library::new(&config),
            watch: config.watch,
            report: Mutex::default(),
            failure: Mutex::default(),
            first_scan: watch::Sender::new(false),
            bell: Notify::new(),
            reading: AtomicBool::new(false),
            damaged: AtomicBool::new(false),
            looked_at: AtomicU64::new(0),
            missing: AtomicBool::new(false),
            scans: AtomicU64::new(0),
            scans_of_all: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            running: Semaphore::new(RUNNING_MAX),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            answered: AtomicU64::new(0),
            resting: AtomicBool::new(false),
            records: tokio::sync::Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl Drop for IndexService {
    fn drop(&mut self) {
        // A thread can't be aborted: the scan sees this at its next file.
        self.shared.stopping.store(true, Ordering::Relaxed);
    }
}

impl Service for IndexService {
    type Proto = Index;

    async fn started(&mut self, cx: &ServiceCx) -> Result<(), ServiceError> {
        let (shared, cx_of_scans) = (self.shared.clone(), cx.clone());
        cx.spawn("scan", async move { scanning::keep_up(shared, &cx_of_scans).await });
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Index>, cx: &ServiceCx) -> Result<(), ServiceError> {
        if let Some(answer) = self.shared.at_once(&msg) {
            reply.send(answer);
            return Ok(());
        }
        let Ok(place) = self.shared.waiting.clone().try_acquire_owned() else {
            let what = format!("{WAITING_MAX} searches run or wait");
            reply.fail(AskError::Busy { what, retry_after: Duration::from_millis(BUSY_RETRY_MS) });
            return Ok(());
        };
        let (shared, cx_of_work) = (self.shared.clone(), cx.clone());
        cx.spawn("search", async move {
            let mut reply = reply;
            let answered = tokio::select! {
                answered = answer(&shared, msg, &cx_of_work) => Some(answered),
                () = reply.closed() => None,
            };
            match answered {
                Some(Ok(answer)) => reply.send(answer),
                Some(Err(why)) => reply.fail(AskError::Failed(why)),
                None => drop(reply),
            }
            drop(place);
            rest_after(&shared).await;
        });
        Ok(())
    }

    async fn woken(&mut self, _cx: &ServiceCx) -> Result<(), ServiceError> {
        self.shared.bell.notify_one();
        Ok(())
    }
}

/// Lets connections go once no search has come for a while. One task at a time waits for that.
async fn rest_after(shared: &Shared) {
    shared.answered.fetch_add(1, Ordering::SeqCst);
    if shared.resting.swap(true, Ordering::SeqCst) {
        return;
    }
    loop {
        let answered = shared.answered.load(Ordering::SeqCst);
        sleep(Duration::from_millis(REST_AFTER_MS)).await;
        if answered == shared.answered.load(Ordering::SeqCst) {
            break;
        }
    }
    // Cleared first: a search that is answered from here on waits for itself.
    shared.resting.store(false, Ordering::SeqCst);
    shared.library.rest();
}

async fn answer(shared: &Arc<Shared>, msg: Msg, cx: &ServiceCx) -> Result<Reply, String> {
    let began = Instant::now();
    let forgets = matches!(msg, Msg::Forget { .. });
    if !forgets {
        let mut first_scan = shared.first_scan.subscribe();
        // Whether it ended or not: what is there by then is searched.
        drop(timeout(Duration::from_millis(FIRST_SCAN_WAIT_MS), first_scan.wait_for(|ended| *ended)).await);
    }
    let _running = shared.running.acquire().await.map_err(|closed| closed.to_string())?;
    let own = own_records(&msg).cloned();
    let behind = match &own {
        Some(context) => records::bring_up(shared, context, cx).await,
        None => false,
    };
    let _one = if forgets { Some(shared.records.lock().await) } else { None };
    let done = work(shared, msg, cx).await.map(|reply| noted(reply, behind));
    if own.is_some() {
        even(began).await;
    }
    done
}

/// Whose records the message reaches.
fn own_records(msg: &Msg) -> Option<&Slug> {
    match msg {
        Msg::Search { reach, .. } | Msg::Open { reach, .. } => reach.records_of.as_ref(),
        _ => None,
    }
}

fn noted(reply: Reply, behind: bool) -> Reply {
    match reply {
        Reply::Found(found) => Reply::Found(Found { behind: found.behind || behind, ..found }),
        reply => reply,
    }
}

/// Who asks by hand hears at a multiple of [`EVEN_MS`], so that the time tells nothing of what lies out of reach.
async fn even(began: Instant) {
    let step = u64::from(EVEN_MS);
    let passed = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let next = Duration::from_millis((passed / step + 1).saturating_mul(step));
    sleep(next.saturating_sub(began.elapsed())).await;
}

async fn work(shared: &Arc<Shared>, msg: Msg, cx: &ServiceCx) -> Result<Reply, String> {
    let brake = Arc::new(Brake::default());
    let (worker, held) = (shared.clone(), brake.clone());
    // Whoever stops waiting, by time or because the asker is gone, ends the work too.
    let _ended = PulledOnDrop(brake);
    let work = spawn_blocking(move || worker.serve(&msg, &held));
    let longest = Duration::from_millis(SEARCH_MS_MAX);
    let served = match timeout(longest, work).await {
        Ok(served) => served.map_err(|panic| panic.to_string())?,
        Err(_) => Err(Trouble::TooSlow(longest)),
    };
    match served {
        Ok(Some(reply)) => Ok(reply),
        Ok(None) => {
            shared.missing.store(true, Ordering::SeqCst);
            cx.wake_me();
            Ok(Reply::Found(Found { behind: true, ..Found::default() }))
        }
        Err(trouble) => {
            if matches!(trouble, Trouble::Damaged(_)) {
                shared.damaged.store(true, Ordering::SeqCst);
                cx.wake_me();
            }
            Err(trouble.to_string())
        }
    }
}

struct PulledOnDrop(Arc<Brake>);

impl Drop for PulledOnDrop {
    fn drop(&mut self) {
        self.0.pull();
    }
}

impl Shared {
    /// What waits for nobody.
    fn at_once(&self, msg: &Msg) -> Option<Reply> {
        match msg {
            Msg::Describe(None) => Some(Reply::Described(self.view())),
            Msg::Rebuild => {
                self.damaged.store(true, Ordering::SeqCst);
                self.bell.notify_one();
                Some(Reply::Done)
            }
            _ => None,
        }
    }

    /// `None`: there is no database; a scan is due.
    fn serve(&self, msg: &Msg, brake: &Brake) -> Result<Option<Reply>, Trouble> {
        match msg {
            Msg::Search { query, limit, reach } => {
                let question = Question { query, limit: *limit, reach };
                Ok(self.library.search(question, brake)?.map(Reply::Found))
            }
            Msg::Explain { query, limit } => {
                let reach = Reach::knowledge(vec!["**".to_owned()]);
                let question = Question { query, limit: *limit, reach: &reach };
                Ok(self.library.explain(question, brake)?.map(Reply::Explained))
            }
            Msg::Open { path, page, reach } => self.library.open(Wanted { path, page: *page, reach }).map(Some),
            Msg::Describe(Some(reach)) => self.view_within(reach).map(|view| Some(Reply::Described(view))),
            Msg::Describe(None) | Msg::Rebuild => Ok(self.at_once(msg)),
            Msg::Forget { record, entries } => {
                self.library.forget(record, entries.as_deref()).map(|()| Some(Reply::Done))
            }
        }
    }

    /// How it stands for somebody who may see only some of it.
    fn view_within(&self, reach: &Reach) -> Result<View, Trouble> {
        let counted = self.library.count(reach)?;
        let report = self.report.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
        let (mut skipped, mut skipped_total) = (Vec::new(), 0);
        for told in report.left_out.iter().filter(|told| markdown::paths::any(&reach.paths, &told.path)) {
            skipped_total += 1;
            if skipped.len() < SKIPPED_SHOWN_MAX {
                skipped.push(told.line());
            }
        }
        // How many files were looked at would tell of those that may not be seen.
        let scanning = self.reading.load(Ordering::SeqCst).then_some(counted.files);
        Ok(View { scanning, skipped, skipped_total, ..counted })
    }

    fn view(&self) -> View {
        let report = self.report.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let report = report.unwrap_or_default();
        let mut skipped: Vec<String> =
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        skipped.extend(self.watch.lines());
        let skipped_total = report.skipped_total + skipped.len() as u64;
        skipped.extend(report.skipped);
        skipped.truncate(SKIPPED_SHOWN_MAX);
        View {
            files: report.files,
            passages: report.passages,
            scanning: self.reading.load(Ordering::SeqCst).then(|| self.looked_at.load(Ordering::Relaxed)),
            roots: self.library.roots().iter().map(gate::Root::title).collect(),
            skipped,
            skipped_total,
            scans: self.scans.load(Ordering::Relaxed),
            scans_of_all: self.scans_of_all.load(Ordering::Relaxed),
            bytes: std::fs::metadata(self.library.place().file()).map_or(0, |file| file.len()),
        }
    }
}

#[cfg(test)]
mod tests;
