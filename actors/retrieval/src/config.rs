//! What an index covers.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::gate::core::RECORDS;

/// The most folders that can be mounted into one workspace's index.
pub const MOUNTS_MAX: usize = 64;
const MOUNT_NAME_BYTES_MAX: usize = 64;

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

/// A folder that is searched under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The first segment of its paths: `notes` for `notes/plan.md`.
    pub name: String,
    /// Where it is.
    pub folder: PathBuf,
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
        if self.mounts.len() > MOUNTS_MAX {
            return Err(format!("{} folders are mounted; {MOUNTS_MAX} are allowed", self.mounts.len()));
        }
        for (n, mount) in self.mounts.iter().enumerate() {
            if let Some(why) = bad_name(&mount.name) {
                return Err(format!("`{}` can't be the name of a mounted folder: {why}", mount.name));
            }
            if self.mounts.iter().take(n).any(|other| other.name == mount.name) {
                return Err(format!("two mounted folders have the name `{}`; rename one", mount.name));
            }
        }
        Ok(())
    }
}

fn bad_name(name: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > MOUNT_NAME_BYTES_MAX {
        Some("use 1 to 64 bytes")
    } else if name.starts_with('.') || !name.chars().all(plain) {
        Some("use letters, digits, `-`, `_` and `.`, and no dot at the beginning")
    } else if RECORDS.contains(&name) {
        Some("the workspace keeps its own records under this name")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(names: &[&str]) -> IndexConfig {
        let mounts = names.iter().map(|name| Mount { name: (*name).into(), folder: "/x".into() }).collect();
        IndexConfig { mounts, ..IndexConfig::default() }
    }

    #[test]
    fn names_of_mounts_are_one_plain_segment_and_different() {
        assert_eq!(with(&["notes", "wiki-2", "ä.b"]).check(), Ok(()));
        for bad in ["", "a/b", ".git", "..", "logs", "tasks", "a b", "a\u{202e}", &"x".repeat(65)] {
            assert!(with(&[bad]).check().is_err(), "{bad:?}");
        }
        assert!(with(&["a", "b", "a"]).check().unwrap_err().contains("rename one"));
        assert!(with(&[&"x".repeat(64)]).check().is_ok());
    }

    #[test]
    fn the_number_of_mounts_is_limited_at_its_edge() {
        let names: Vec<String> = (0..=MOUNTS_MAX).map(|n| format!("m{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(with(&names[..MOUNTS_MAX]).check().is_ok());
        assert!(with(&names).check().is_err());
    }
}
