//! Locks that keep two nodes off one folder. The operating system frees them when the process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A pid has no more digits.
const PID_BYTES_MAX: u64 = 20;

/// Why a folder could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error(
        "{} is used by another agent-runtime (pid {pid}); stop it or use another --data",
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The holder's process id as it wrote it down; `?` when it has not yet.
        pid: String,
    },
    /// The lock file can't be made or written.
    #[error("{} can't be locked ({why}); {}", path.display(), advice(why))]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the operating system says.
        why: std::io::Error,
    },
}

/// What to do about an error of the file system.
pub(crate) fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "the disk is full: free some space",
        _ => "make its folder writable",
    }
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    // Held for its lock alone: closing the file frees it.
    _file: File,
}

/// The lock of one workspace's folder: its files have one writer. Held until it is dropped.
#[derive(Debug)]
pub struct WorkspaceLock {
    _lock: FolderLock,
}

/// Locks a workspace's folder by `<folder>/.lock`. The folder must exist.
///
/// # Errors
/// [`LockError::InUse`] when another process has it, [`LockError::Io`] when the file can't be made.
pub fn lock_workspace(folder: &Path) -> Result<WorkspaceLock, LockError> {
    Ok(WorkspaceLock { _lock: lock(folder, ".lock")? })
}

/// The lock of a store's folder, for who changes it while no node serves it. Held until it is dropped.
#[derive(Debug)]
pub struct StoreLock {
    _lock: FolderLock,
}

/// Locks the store in `folder` (`<data>/agent-runtime`), which is there, as a node does.
///
/// # Errors
/// [`LockError::InUse`] when a node serves it, [`LockError::Io`] when the file can't be made.
pub fn lock_store(folder: &Path) -> Result<StoreLock, LockError> {
    Ok(StoreLock { _lock: lock(folder, "lock")? })
}

/// Locks `folder` by the file `name` in it, and writes this process's id into that file.
pub(crate) fn lock(folder: &Path, name: &str) -> Result<FolderLock, LockError> {
    let path = folder.join(name);
    let io = |why| LockError::Io { path: path.clone(), why };
    let mut options = OpenOptions::new();
    // Not truncated: it may hold the pid of whoever has the lock.
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let (folder, pid) = (folder.to_owned(), holder(&mut file));
            return Err(LockError::InUse { folder, pid });
        }
        Err(TryLockError::Error(why)) => return Err(io(why)),
    }
    file.set_len(0).map_err(io)?;
    file.rewind().map_err(io)?;
    file.write_all(std::process::id().to_string().as_bytes()).map_err(io)?;
    Ok(FolderLock { _file: file })
}

fn holder(file: &mut File) -> String {
    let mut pid = String::new();
    match file.take(PID_BYTES_MAX).read_to_string(&mut pid) {
        Ok(_) if pid.bytes().all(|b| b.is_ascii_digit()) && !pid.is_empty() => pid,
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_has_it_and_the_lock_goes_with_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock_workspace(folder.path()).unwrap();
        let error = lock_workspace(folder.path()).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(error.contains(&format!("(pid {pid})")), "{error}");
        assert!(error.contains("use another --data"), "{error}");
        drop(first);
        lock_workspace(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_can_not_be_locked() {
        let folder = tempfile::tempdir().unwrap();
        let error = lock_workspace(&folder.path().join("gone")).unwrap_err();
        assert!(matches!(error, LockError::Io { .. }));
    }
}
