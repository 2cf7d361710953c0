//! The service of a watcher: it hears of changes, puts down what changed and wakes the index. It keeps no truth: after a
//! lost event or a restart the index looks at everything.

mod core;
mod folders;
mod gathered;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use messages::Address;
use runtime::{ReplyPort, Service, ServiceCx, ServiceError};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use self::core::Pending;
use self::folders::Folders;
use self::gathered::Gathered;
use crate::changes::Changes;
use crate::config::{IndexConfig, WatchReport};
use crate::watch::{Msg, Reply, Watch};

pub(crate) use self::folders::FOLDERS_WATCHED_MAX;

/// Changes are gathered until nothing happened for so long,
const QUIET_MS: u64 = 200;
/// but no longer than this.
const GATHER_MS_MAX: u64 = 800;
/// How often folders are looked at that can't be watched, and roots that are not there are looked for.
const POLL_MS: u64 = 2_000;
/// How often it is looked whether the roots are the folders they were, when nothing is heard.
const ROOTS_MS: u64 = 60_000;

/// The watcher of one workspace, at `ws/<id>/watcher`; it wakes `ws/<id>/index`.
pub struct WatcherService {
    config: IndexConfig,
    folders_max: usize,
    standing: Arc<Mutex<Standing>>,
}

#[derive(Debug, Clone, Default)]
struct Standing {
    folders: u64,
    polled: Vec<String>,
}

impl WatcherService {
    /// A watcher of the folders of an index; `config` is a clone of the index's own.
    ///
    /// # Errors
    /// [`ServiceError`] when a mount's name can't be used. Folders that can't be watched are no error: they are polled.
    pub fn open(config: IndexConfig) -> Result<Self, ServiceError> {
        config.check().map_err(ServiceError::new)?;
        Ok(Self { config, folders_max: FOLDERS_WATCHED_MAX, standing: Arc::default() })
    }

    #[cfg(test)]
    pub(crate) fn with_folders_max(self, folders_max: usize) -> Self {
        Self { folders_max, ..self }
    }
}

impl Service for WatcherService {
    type Proto = Watch;

    async fn started(&mut self, cx: &ServiceCx) -> Result<(), ServiceError> {
        let Some(workspace) = cx.address.workspace_of() else {
            return Err(ServiceError(format!(
                "{} is not in a workspace; a watcher lives at ws/<id>/watcher",
                cx.address
            )));
        };
        let gathered = Gathered::default();
        let watching = Watching {
            index: Address::index(&workspace),
            cx: cx.clone(),
            report: self.config.watch.clone(),
            polls: self.config.poll,
            standing: self.standing.clone(),
            gathered: gathered.clone(),
        };
        let folders = Folders::new(self.config.roots(), self.folders_max, gathered);
        cx.spawn("watch", watching.run(folders));
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Watch>, _cx: &ServiceCx) -> Result<(), ServiceError> {
        match msg {
            Msg::Describe => {
                let Standing { folders, polled } = self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone();
                reply.send(Reply::Described { folders, polled });
            }
        }
        Ok(())
    }
}

struct Watching {
    index: Address,
    cx: ServiceCx,
    report: WatchReport,
    /// The configuration says to watch nothing.
    polls: bool,
    standing: Arc<Mutex<Standing>>,
    gathered: Gathered,
}

impl Watching {
    async fn run(self, folders: Folders) {
        let begin = if self.polls { Folders::poll_as_told } else { Folders::watch_all };
        let begun = on_thread(folders, move |folders| {
            begin(folders);
            changes(folders, BTreeSet::new())
        });
        let Some((mut folders, mut changes)) = begun.await else { return };
        let teller = self.report.teller();
        loop {
            self.tell(&folders);
            if !changes.is_empty() {
                // After the watches stand, never before: what changed meanwhile is found by this scan.
                teller.tell(changes);
                self.cx.system.wake(&self.index);
            }
            let pending = self.next(&folders).await;
            let Some(looked) = on_thread(folders, |folders| follow(folders, pending)).await else { return };
            (folders, changes) = looked;
        }
    }

    /// What happened, once it is quiet, or nothing once it is time to look.
    async fn next(&self, folders: &Folders) -> Pending {
        let look_after = if folders.is_polling() || folders.has_missing() { POLL_MS } else { ROOTS_MS };
        // It may have been heard of, or not.
        drop(timeout(Duration::from_millis(look_after), self.gathered.heard_something()).await);
        let began = Instant::now();
        let quiet = Duration::from_millis(QUIET_MS);
        while began.elapsed() < Duration::from_millis(GATHER_MS_MAX)
            && timeout(quiet, self.gathered.heard_something()).await.is_ok()
        {}
        self.gathered.take()
    }

    fn tell(&self, folders: &Folders) {
        self.report.set(folders.polled().to_vec(), folders.is_polling());
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        *standing = Standing { folders: folders.len() as u64, polled: folders.polled().to_vec() };
    }
}

/// Looking through folders blocks. `None` when the node shuts down. A panic goes on here, so that the supervisor hears it.
async fn on_thread<T: Send + 'static>(
    mut folders: Folders,
    work: impl FnOnce(&mut Folders) -> T + Send + 'static,
) -> Option<(Folders, T)> {
    let done = spawn_blocking(move || {
        let given = work(&mut folders);
        (folders, given)
    });
    match done.await {
        Ok(done) => Some(done),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => None,
        },
    }
}

/// Brings the watches up to what happened, and gives what the index is to look at.
fn follow(folders: &mut Folders, pending: Pending) -> Changes {
    if let Some(why) = pending.failure {
        folders.poll_because(&why);
    } else if !folders.is_polling() && (pending.all || folders.have_moved()) {
        folders.watch_all();
    } else {
        // Those that went first: a renamed folder keeps its watch under the old name until it is given back.
        folders.unwatch(&pending.gone);
        folders.watch_new(&pending.folders);
    }
    changes(folders, pending.changed)
}

fn changes(folders: &mut Folders, named: BTreeSet<PathBuf>) -> Changes {
    if folders.may_have_missed() { Changes::Everything } else { Changes::Names(named) }
}

#[cfg(test)]
mod kinds_tests;
#[cfg(test)]
mod tests;
