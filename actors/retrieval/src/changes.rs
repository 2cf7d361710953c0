//! What has changed below the folders and has not been looked at yet. Nothing here touches a disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Names that wait to be looked at; beyond them everything is looked through again.
pub(crate) const NAMES_WAITING_MAX: usize = 1_024;

/// What is to be looked at; bounded, however much happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Changes {
    /// Nothing is known of what changed, or too much did.
    Everything,
    /// These names, and what is below those that are folders. Whole paths; at most [`NAMES_WAITING_MAX`].
    Names(BTreeSet<PathBuf>),
}

impl Default for Changes {
    fn default() -> Self {
        Self::Names(BTreeSet::new())
    }
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Names(names) if names.is_empty())
    }

    pub(crate) fn add(&mut self, more: Self) {
        match (&mut *self, more) {
            (Self::Everything, _) => {}
            (_, Self::Everything) => *self = Self::Everything,
            (Self::Names(_), Self::Names(more)) => more.into_iter().for_each(|name| self.note(name)),
        }
    }

    pub(crate) fn note(&mut self, name: PathBuf) {
        if let Self::Names(names) = self {
            names.insert(name);
            if names.len() > NAMES_WAITING_MAX {
                *self = Self::Everything;
            }
        }
    }

    /// Whether something is known to have happened at just this name.
    pub(crate) fn names(&self, name: &Path) -> bool {
        matches!(self, Self::Names(names) if names.contains(name))
    }

    /// What is to be looked at below one folder, relative to it and none below another; `""` is all of it.
    pub(crate) fn below(&self, folder: &Path) -> Vec<PathBuf> {
        match self {
            Self::Everything => vec![PathBuf::new()],
            Self::Names(names) => topmost(names.iter().filter_map(|name| below(name, folder))),
        }
    }
}

/// A path relative to a folder; `""` for the folder itself and all above it, which took it along.
pub(crate) fn below<'p>(path: &'p Path, folder: &Path) -> Option<&'p Path> {
    match path.strip_prefix(folder) {
        Ok(below) => Some(below),
        Err(_) => folder.starts_with(path).then(|| Path::new("")),
    }
}

/// Those of some paths, in order, that are not below another of them.
pub(crate) fn topmost<'p>(paths: impl Iterator<Item = &'p Path>) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in paths {
        if kept.last().is_none_or(|above| !path.starts_with(above)) {
            kept.push(path.to_path_buf());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Changes {
        Changes::Names(all.iter().map(PathBuf::from).collect())
    }

    #[test]
    fn what_is_below_another_name_is_looked_at_once() {
        let changes = names(&["/n/a/b.md", "/n/a", "/n/a!", "/n/a/b", "/n/c/d", "/other/x"]);
        let below: Vec<PathBuf> = ["a", "a!", "c/d"].map(PathBuf::from).into();
        assert_eq!(changes.below(Path::new("/n")), below);
        assert_eq!(changes.below(Path::new("/elsewhere")), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_folder_that_is_taken_along_is_looked_at_whole() {
        for changes in [names(&["/n/a", "/n/a/b/c.md"]), names(&["/n/a/b"]), Changes::Everything] {
            assert_eq!(changes.below(Path::new("/n/a/b")), [PathBuf::new()]);
        }
    }

    #[test]
    fn too_many_names_mean_everything() {
        let mut changes = Changes::default();
        for n in 0..NAMES_WAITING_MAX {
            changes.note(format!("/{n}").into());
        }
        assert!(matches!(&changes, Changes::Names(names) if names.len() == NAMES_WAITING_MAX));
        changes.add(names(&["/0"]));
        assert_ne!(changes, Changes::Everything);
        changes.add(names(&["/more"]));
        assert_eq!(changes, Changes::Everything);
        changes.add(Changes::default());
        assert!(changes == Changes::Everything && !changes.is_empty());
    }
}
