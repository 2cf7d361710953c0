//! The service of a watcher: it hears of changes and wakes the index. It keeps no truth: after a lost event or a
//! restart the index finds by itself what changed.

mod core;
mod folders;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use messages::Address;
use runtime::{ReplyPort, Service, ServiceCx, ServiceError};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use self::core::Pending;
use self::folders::{FOLDERS_WATCHED_MAX, Folders, Gathered};
use crate::config::{IndexConfig, WatchReport};
use crate::watch::{Msg, Reply, Watch};

/// Changes are gathered until nothing happened for so long,
const QUIET_MS: u64 = 200;
/// but no longer than this.
const GATHER_MS_MAX: u64 = 800;
/// How often folders are looked at that can't be watched.
const POLL_MS: u64 = 2_000;

/// The watcher of one workspace, at `ws/<id>/watcher`; it wakes `ws/<id>/index`.
pub struct WatcherService {
    config: IndexConfig,
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
        Ok(Self { config, standing: Arc::default() })
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
            standing: self.standing.clone(),
            gathered: gathered.clone(),
        };
        let folders = Folders::new(self.config.roots(), FOLDERS_WATCHED_MAX, gathered);
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
    standing: Arc<Mutex<Standing>>,
    gathered: Gathered,
}

impl Watching {
    async fn run(self, folders: Folders) {
        let Some(mut folders) = on_thread(folders, Folders::watch_all).await else { return };
        loop {
            self.tell(&folders);
            // After the watches stand, never before: what changed meanwhile is found by this scan.
            self.cx.system.wake(&self.index);
            let pending = self.next(!folders.polled().is_empty()).await;
            let looked = on_thread(folders, move |folders| follow(folders, pending)).await;
            let Some(looked) = looked else { return };
            folders = looked;
        }
    }

    /// What happened, once it is quiet or, for folders that are polled, once it is time.
    async fn next(&self, is_polled: bool) -> Pending {
        if is_polled {
            // It may have been heard of, or not.
            drop(timeout(Duration::from_millis(POLL_MS), self.gathered.heard_something()).await);
        } else {
            self.gathered.heard_something().await;
        }
        let began = Instant::now();
        let quiet = Duration::from_millis(QUIET_MS);
        while began.elapsed() < Duration::from_millis(GATHER_MS_MAX)
            && timeout(quiet, self.gathered.heard_something()).await.is_ok()
        {}
        self.gathered.take()
    }

    fn tell(&self, folders: &Folders) {
        self.report.set(folders.polled().to_vec());
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        *standing = Standing { folders: folders.len() as u64, polled: folders.polled().to_vec() };
    }
}

/// Looking through folders blocks. `None` when the node shuts down. A panic goes on here, so that the supervisor hears it.
async fn on_thread(mut folders: Folders, work: impl FnOnce(&mut Folders) + Send + 'static) -> Option<Folders> {
    let done = spawn_blocking(move || {
        work(&mut folders);
        folders
    });
    match done.await {
        Ok(folders) => Some(folders),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => None,
        },
    }
}

fn follow(folders: &mut Folders, pending: Pending) {
    if let Some(why) = pending.failure {
        folders.poll(&why);
    } else if pending.all {
        folders.watch_all();
    } else {
        // Those that went first: a renamed folder keeps its watch under the old name until it is given back.
        folders.unwatch(&pending.gone);
        folders.watch_new(&pending.new_folders);
        folders.watch_missing();
    }
}

#[cfg(test)]
mod tests;
