//! The folders that are watched, one watch each: those that hold records or are hidden are left out, and their number
//! is limited.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use gate::{Identity, OpenRoot, Root, Step, walk_from};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::gathered::Gathered;
use crate::changes::{below, topmost};

/// The most folders of a workspace that are watched; with more, all are looked at every two seconds instead. The
/// system's own limit is shared by all programs of a user (inotify(7), max_user_watches).
pub(crate) const FOLDERS_WATCHED_MAX: usize = 8_192;

/// The watches of a workspace. Dropping it ends them.
pub(super) struct Folders {
    roots: Vec<Root>,
    folders_max: usize,
    gathered: Gathered,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, Identity>,
    by_identity: HashMap<Identity, PathBuf>,
    /// A folder is watched under two names. The system tells what happens there under one of them only.
    has_two_names: bool,
    /// What each root is; `None` for one that is not there.
    stands: Vec<Option<Identity>>,
    /// Why folders are polled.
    polled: Vec<String>,
    /// Everything was watched anew, or nothing is watched: everything may have changed.
    is_anew: bool,
}

impl Folders {
    pub(super) fn new(roots: Vec<Root>, folders_max: usize, gathered: Gathered) -> Self {
        Self {
            roots,
            folders_max,
            gathered,
            watcher: None,
            watched: BTreeMap::new(),
            by_identity: HashMap::new(),
            has_two_names: false,
            stands: Vec::new(),
            polled: Vec::new(),
            is_anew: true,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.watched.len()
    }

    pub(super) fn polled(&self) -> &[String] {
        &self.polled
    }

    /// Nothing is watched: all folders are looked at again and again.
    pub(super) fn is_polling(&self) -> bool {
        self.watcher.is_none()
    }

    /// Roots that are not there.
    pub(super) fn has_missing(&self) -> bool {
        self.stands.contains(&None)
    }

    /// Whether everything may have changed since this was asked last, whatever was heard.
    pub(super) fn may_have_missed(&mut self) -> bool {
        std::mem::take(&mut self.is_anew) || self.is_polling() || self.has_two_names
    }

    /// Watches everything anew.
    pub(super) fn watch_all(&mut self) {
        self.forget();
        self.polled.clear();
        let (gathered, roots) = (self.gathered.clone(), self.roots.clone());
        match notify::recommended_watcher(move |event| {
            gathered.hear(event, &|path, is_file| concerns(&roots, path, is_file));
        }) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => return self.poll_because(&error.to_string()),
        }
        for root in self.roots.clone() {
            let opened = root.open();
            self.stands.push(opened.as_ref().ok().map(|open| open.identity));
            match opened {
                Ok(open) => self.watch_below(&open, ""),
                Err(why) => self.polled.push(format!("{}: {why}; it is looked for every 2 s", root.title())),
            }
            if self.watcher.is_none() {
                return;
            }
        }
    }

    /// Watches folders that appeared, with all below them; what is no folder is passed over.
    pub(super) fn watch_new(&mut self, folders: &BTreeSet<PathBuf>) {
        for root in self.roots.clone() {
            let Ok(open) = root.open() else { continue };
            let new = topmost(folders.iter().filter_map(|folder| folder.strip_prefix(&root.folder).ok()));
            for below in new.iter().filter_map(|below| below.to_str()).filter(|below| root.admits_folder(below)) {
                if self.watcher.is_some() {
                    self.watch_below(&open, below);
                }
            }
        }
    }

    /// Gives back the watches of folders that went away or have another name now, with all below them.
    pub(super) fn unwatch(&mut self, gone: &BTreeSet<PathBuf>) {
        for path in gone {
            let below: Vec<PathBuf> = self
                .watched
                .range(path.clone()..)
                .map(|(p, _)| p)
                .take_while(|p| p.starts_with(path))
                .cloned()
                .collect();
            for folder in below {
                if let Some(identity) = self.watched.remove(&folder) {
                    self.by_identity.remove(&identity);
                }
                if let Some(watcher) = &mut self.watcher {
                    // Of a folder that is gone the system has taken the watch back already.
                    drop(watcher.unwatch(&folder));
                }
            }
        }
    }

    /// Whether a root is there that was not, or is not there any more, or is another folder now. Of a disk that was
    /// unmounted, or of a folder above that was renamed, the system tells nothing.
    pub(super) fn have_moved(&self) -> bool {
        let now = self.roots.iter().map(|root| root.open().ok().map(|open| open.identity));
        !self.is_polling() && !now.eq(self.stands.iter().copied())
    }

    /// Gives all watches back and says why.
    pub(super) fn poll_because(&mut self, why: &str) {
        self.poll(&format!("because they can't be watched: {why}"));
    }

    /// Gives all watches back: the configuration says so.
    pub(super) fn poll_as_told(&mut self) {
        self.poll("as `watch = \"poll\"` says");
    }

    fn poll(&mut self, why: &str) {
        self.forget();
        self.polled = vec![format!("folders are looked at every 2 s, {why}")];
    }

    fn forget(&mut self) {
        self.watcher = None;
        self.watched = BTreeMap::new();
        self.by_identity = HashMap::new();
        self.has_two_names = false;
        self.stands = Vec::new();
        self.is_anew = true;
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
            self.poll_because(&why);
        }
    }

    fn watch(&mut self, folder: &Path) -> Result<(), String> {
        let Some(watcher) = &mut self.watcher else { return Err("watching has ended".to_owned()) };
        if self.watched.len() >= self.folders_max && !self.watched.contains_key(folder) {
            return Err(format!("there are more than {} folders; mount a part of them", self.folders_max));
        }
        match watcher.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.note(folder);
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

    fn note(&mut self, folder: &Path) {
        // It went away again: the system will tell.
        let Some(identity) = identity(folder) else { return };
        let other = self.by_identity.insert(identity, folder.to_path_buf());
        self.has_two_names |= other.is_some_and(|other| other != folder && self::identity(&other) == Some(identity));
        self.watched.insert(folder.to_path_buf(), identity);
    }
}

fn identity(folder: &Path) -> Option<Identity> {
    let metadata = std::fs::metadata(folder).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Whether a walk of one of the roots could see what happened there.
fn concerns(roots: &[Root], path: &Path, is_file: bool) -> bool {
    roots.iter().any(|root| below(path, &root.folder).is_some_and(|below| root.concerns(below, is_file)))
}

#[cfg(test)]
mod tests;
