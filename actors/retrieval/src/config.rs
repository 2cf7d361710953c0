//! What an index covers.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gate::{Mount, Root, check_mounts};

use crate::changes::Changes;
use crate::database::{FOLDER, Place};

/// What an index covers, and where. The index and the watcher of a workspace are given clones of one value.
#[derive(Debug, Clone, Default)]
pub struct IndexConfig {
    /// The workspace's own folder.
    pub workspace_folder: PathBuf,
    /// Where the database is; empty: in `.index` below the workspace's folder.
    pub index_folder: PathBuf,
    /// Folders that are read beside it and never written.
    pub mounts: Vec<Mount>,
    /// Look at all folders every two seconds instead of watching them: for disks of other machines, which tell no changes.
    pub poll: bool,
    /// By which the watcher tells the index what changed and how well it watches; `WatchReport::default()`.
    pub watch: WatchReport,
}

/// What the watcher of a workspace tells its index: which folders it can't watch, and what has changed; shared by the
/// clones of one [`IndexConfig`].
#[derive(Debug, Clone, Default)]
pub struct WatchReport(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    lines: Vec<String>,
    /// Everything is looked at again and again.
    polls: bool,
    changes: Changes,
    /// Watchers that are there. What none of them tells of has not changed.
    tellers: usize,
}

/// A watcher that tells of changes. When it is dropped nobody does, and everything may have changed.
pub(crate) struct Teller(WatchReport);

impl WatchReport {
    pub(crate) fn set(&self, lines: Vec<String>, polls: bool) {
        let mut told = self.lock();
        (told.lines, told.polls) = (lines, polls);
    }

    pub(crate) fn polls(&self) -> bool {
        self.lock().polls
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    /// What is to be looked at now; everything when nobody tells.
    pub(crate) fn take(&self) -> Changes {
        let mut told = self.lock();
        let changes = std::mem::take(&mut told.changes);
        if told.tellers > 0 { changes } else { Changes::Everything }
    }

    /// From now on changes are told.
    pub(crate) fn teller(&self) -> Teller {
        let mut told = self.lock();
        told.tellers += 1;
        told.changes = Changes::Everything;
        drop(told);
        Teller(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Teller {
    pub(crate) fn tell(&self, changes: Changes) {
        self.0.lock().changes.add(changes);
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.lock().tellers -= 1;
    }
}

impl IndexConfig {
    /// Checks the mounts' names.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_mounts(&self.mounts)
    }

    /// Where the database is.
    pub(crate) fn place(&self) -> Place {
        let own = self.index_folder.as_os_str().is_empty();
        Place::new(if own { self.workspace_folder.join(FOLDER) } else { self.index_folder.clone() })
    }

    /// The folders that are covered: the workspace's own, then the mounts.
    pub(crate) fn roots(&self) -> Vec<Root> {
        gate::roots(&self.workspace_folder, &self.mounts)
    }
}
