//! A folder beside a file that is being made or looked at. It is its maker's as long as that lives, and goes with it.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The lock in it.
const LOCK: &str = "lock";

/// The folder; removed when it is dropped.
pub(super) struct Scratch {
    folder: PathBuf,
    _lock: File,
}

impl Scratch {
    /// `<file>.<ending>`, mode 0700 and empty: what somebody left there who was cut off is removed.
    pub(super) fn beside(file: &Path, ending: &str) -> anyhow::Result<Self> {
        let mut name = file.file_name().with_context(|| format!("{} names no file", file.display()))?.to_owned();
        name.push(format!(".{ending}"));
        Self::at(file.with_file_name(name))
    }

    /// This folder itself.
    pub(super) fn at(folder: PathBuf) -> anyhow::Result<Self> {
        let failed =
            || format!("{} can't be made; make its folder writable and see that the disk has room", folder.display());
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).with_context(failed)?;
        let lock = File::create(folder.join(LOCK)).inspect_err(|_| {
            // Nothing is in it that could not be written.
            std::fs::remove_dir(&folder).ok();
        });
        let lock = lock.with_context(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("{} is used by another agent-runtime; wait for its end", folder.display())
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(failed),
        }
        let scratch = Self { folder, _lock: lock };
        scratch.empty()?;
        Ok(scratch)
    }

    fn empty(&self) -> anyhow::Result<()> {
        let failed = || format!("what is left in {} can't be removed", self.folder.display());
        for entry in std::fs::read_dir(&self.folder).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            let removed = if entry.file_type().with_context(failed)?.is_dir() {
                std::fs::remove_dir_all(entry.path())
            } else if entry.file_name() == LOCK {
                Ok(())
            } else {
                std::fs::remove_file(entry.path())
            };
            removed.with_context(failed)?;
        }
        Ok(())
    }

    /// The folder itself.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A place in it.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A folder in it, mode 0700.
    pub(super) fn make(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.join(name);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("{} can't be made", folder.display()))?;
        Ok(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            crate::logging::say(&format!("{} can't be removed ({error}); delete it", self.folder.display()));
        }
    }
}
