//! The folders that are watched, one watch each: those that hold records or are hidden are left out, and their number
//! is limited.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gate::{OpenRoot, Root, Step, walk_from};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use super::core::Pending;

/// The most folders of a workspace that are watched; with more, all are looked at every two seconds instead. The
/// system's own limit is shared by all programs of a user (inotify(7), max_user_watches).
pub(crate) const FOLDERS_WATCHED_MAX: usize = 8_192;

/// Where events are gathered for the task that looks at them.
#[derive(Debug, Clone, Default)]
pub(super) struct Gathered {
    pending: Arc<Mutex<Pending>>,
    bell: Arc<Notify>,
}

impl Gathered {
    pub(super) fn take(&self) -> Pending {
        std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) async fn heard_something(&self) {
        self.bell.notified().await;
    }

    fn hear(&self, event: notify::Result<notify::Event>) {
        if self.pending.lock().unwrap_or_else(PoisonError::into_inner).heard(event) {
            self.bell.notify_one();
        }
    }
}

/// The watches of a workspace. Dropping it ends them.
pub(super) struct Folders {
    roots: Vec<Root>,
    folders_max: usize,
    gathered: Gathered,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    /// Roots that are not there, by place in `roots`.
    missing: Vec<usize>,
    /// Why folders are polled.
    polled: Vec<String>,
}

impl Folders {
    pub(super) fn new(roots: Vec<Root>, folders_max: usize, gathered: Gathered) -> Self {
        Self {
            roots,
            folders_max,
            gathered,
            watcher: None,
            watched: BTreeSet::new(),
            missing: Vec::new(),
            polled: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.watched.len()
    }

    pub(super) fn polled(&self) -> &[String] {
        &self.polled
    }

    /// Watches everything anew.
    pub(super) fn watch_all(&mut self) {
        self.forget();
        self.polled.clear();
        let gathered = self.gathered.clone();
        match notify::recommended_watcher(move |event| gathered.hear(event)) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => return self.poll(&error.to_string()),
        }
        for (n, root) in self.roots.clone().iter().enumerate() {
            if self.watcher.is_none() {
                return;
            }
            match root.open() {
                Ok(open) => self.watch_below(&open, ""),
                Err(why) => {
                    self.missing.push(n);
                    self.polled.push(format!("{}: {why}; it is looked for every 2 s", root.title()));
                }
            }
        }
    }

    /// Watches folders that appeared, with all below them; what is no folder is passed over.
    pub(super) fn watch_new(&mut self, folders: &[PathBuf]) {
        for root in self.roots.clone() {
            let Ok(open) = root.open() else { continue };
            let below = folders.iter().filter_map(|folder| folder.strip_prefix(&root.folder).ok()?.to_str());
            for below in below.filter(|below| root.admits_folder(below)) {
                if self.watcher.is_some() {
                    self.watch_below(&open, below);
                }
            }
        }
    }

    /// Gives back the watches of folders that went away or have another name now, with all below them. When a root went
    /// away everything is watched anew.
    pub(super) fn unwatch(&mut self, gone: &[PathBuf]) {
        if gone.iter().any(|path| self.roots.iter().any(|root| root.folder == *path)) {
            return self.watch_all();
        }
        for path in gone {
            let below: Vec<PathBuf> =
                self.watched.range(path.clone()..).take_while(|p| p.starts_with(path)).cloned().collect();
            for folder in below {
                self.watched.remove(&folder);
                if let Some(watcher) = &mut self.watcher {
                    // Of a folder that is gone the system has taken the watch back already.
                    drop(watcher.unwatch(&folder));
                }
            }
        }
    }

    /// Looks for the roots that were not there; when one has come, everything is watched anew.
    pub(super) fn watch_missing(&mut self) {
        if self.missing.iter().filter_map(|n| self.roots.get(*n)).any(|root| root.open().is_ok()) {
            self.watch_all();
        }
    }

    /// Gives all watches back and says why.
    pub(super) fn poll(&mut self, why: &str) {
        self.forget();
        self.polled = vec![format!("folders are looked at every 2 s, because they can't be watched: {why}")];
    }

    fn forget(&mut self) {
        self.watcher = None;
        self.watched = BTreeSet::new();
        self.missing = Vec::new();
    }

    fn watch_below(&mut self, open: &OpenRoot<'_>, below: &str) {
        let mut failure = None;
        let _ended = walk_from(open, below, &mut |step| {
            let Step::Folder(path) = step else { return ControlFlow::Continue(()) };
            match self.watch(&open.root.folder.join(path)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(why) => {
                    failure = Some(why);
                    ControlFlow::Break(())
                }
            }
        });
        if let Some(why) = failure {
            self.poll(&why);
        }
    }

    fn watch(&mut self, folder: &Path) -> Result<(), String> {
        let Some(watcher) = &mut self.watcher else { return Err("watching has ended".to_owned()) };
        if self.watched.len() >= self.folders_max && !self.watched.contains(folder) {
            return Err(format!("there are more than {} folders; mount a part of them", self.folders_max));
        }
        match watcher.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(folder.to_path_buf());
                Ok(())
            }
            // It went away while we looked.
            Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => Ok(()),
            Err(error) => match &error.kind {
                notify::ErrorKind::Io(io) if io.kind() == std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error.to_string()),
            },
        }
    }
}

#[cfg(test)]
mod tests;
