//! What an index covers.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use gate::{Mount, Root, check_mounts};

/// What an index covers, and where. The index and the watcher of a workspace are given clones of one value.
#[derive(Debug, Clone, Default)]
pub struct IndexConfig {
    /// The workspace's own folder. The database is in `.index` below it.
    pub workspace_folder: PathBuf,
    /// Folders that are read beside it and never written.
    pub mounts: Vec<Mount>,
    /// By which the watcher tells the index how well it watches; `WatchReport::default()`.
    pub watch: WatchReport,
}

/// What a watcher has to say about folders it can't watch; shared by the clones of one [`IndexConfig`].
#[derive(Debug, Clone, Default)]
pub struct WatchReport(Arc<Mutex<Vec<String>>>);

impl WatchReport {
    pub(crate) fn set(&self, lines: Vec<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = lines;
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl IndexConfig {
    /// Checks the mounts' names.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_mounts(&self.mounts)
    }

    /// The folders that are covered: the workspace's own, then the mounts.
    pub(crate) fn roots(&self) -> Vec<Root> {
        gate::roots(&self.workspace_folder, &self.mounts)
    }
}
