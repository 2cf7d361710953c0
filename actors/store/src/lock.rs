//! Locks that keep two nodes off one folder. The operating system frees them when the process ends, however it ends.
//!
//! A workspace's folder may be shared by the nodes of one cluster: who of them writes is said by the unit's epoch and its
//! lease, and a node that was frozen still has its lock. So those share it, and everybody else is kept off:
//!
//! | who comes | nobody is there | a node that stands alone | nodes of its cluster | nodes of another |
//! |---|---|---|---|---|
//! | a node that stands alone | takes it alone | refused | refused | refused |
//! | a node of a cluster | takes it, and writes down the cluster | refused | shares it | refused |

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a lock file says of its holder is shorter: a pid, a node's name, a cluster's fingerprint.
const HOLDER_BYTES_MAX: u64 = 256;
/// Looks at a folder of which another node of the cluster is just taking hold, and the wait between them.
const LOOKS_MAX: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

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
    /// Nodes of a cluster that we do not belong to hold it.
    #[error(
        "{} is used by the node `{node}` of another cluster (pid {pid} on its host); one workspace's files belong to one installation: stop that node or use another folder",
        folder.display()
    )]
    OfOthers {
        /// The folder.
        folder: PathBuf,
        /// The node that came first.
        node: String,
        /// Its process id.
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

/// The lock of one workspace's folder: its files have one installation that writes. Held until it is dropped.
#[derive(Debug)]
pub struct WorkspaceLock {
    _lock: FolderLock,
}

/// A node of a cluster, as it takes hold of a workspace's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterNode {
    /// What no other cluster has: the fingerprint of its authority.
    pub cluster: String,
    /// The node's name.
    pub node: String,
}

/// Locks a workspace's folder by `<folder>/.lock`, for a node that stands alone or for one of a cluster. The folder must
/// exist.
///
/// # Errors
/// [`LockError::InUse`] when another process has it, [`LockError::OfOthers`] when nodes of another cluster do,
/// [`LockError::Io`] when the file can't be made.
pub fn lock_workspace(folder: &Path, of: Option<&ClusterNode>) -> Result<WorkspaceLock, LockError> {
    let lock = match of {
        None => lock(folder, LOCK)?,
        Some(of) => share(folder, of)?,
    };
    Ok(WorkspaceLock { _lock: lock })
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

/// The file by which a workspace's folder is locked.
const LOCK: &str = ".lock";

/// Locks `folder` by the file `name` in it, and writes this process's id into that file.
pub(crate) fn lock(folder: &Path, name: &str) -> Result<FolderLock, LockError> {
    let path = folder.join(name);
    let io = |why| LockError::Io { path: path.clone(), why };
    let mut file = open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(in_use(folder, &mut file)),
        Err(TryLockError::Error(why)) => return Err(io(why)),
    }
    write(&mut file, &std::process::id().to_string()).map_err(io)?;
    Ok(FolderLock { _file: file })
}

/// Locks a workspace's folder together with the other nodes of a cluster.
fn share(folder: &Path, of: &ClusterNode) -> Result<FolderLock, LockError> {
    let path = folder.join(LOCK);
    let io = |why| LockError::Io { path: path.clone(), why };
    let mut refused = None;
    for _ in 0..LOOKS_MAX {
        // Anew each time: a lock that is changed from one kind into the other is given up in between.
        let mut file = open(&path).map_err(io)?;
        if may(file.try_lock()).map_err(io)? {
            write(&mut file, &format!("{} {} {}", std::process::id(), of.node, of.cluster)).map_err(io)?;
        }
        if may(file.try_lock_shared()).map_err(io)? {
            match holder(&mut file) {
                Holder::Node { cluster, .. } if cluster == of.cluster => return Ok(FolderLock { _file: file }),
                Holder::Node { pid, node, .. } => {
                    refused = Some(LockError::OfOthers { folder: folder.to_owned(), node, pid });
                }
                Holder::Alone(_) => {}
            }
        } else {
            refused = Some(in_use(folder, &mut file));
        }
        drop(file);
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Err(refused.unwrap_or(LockError::InUse { folder: folder.to_owned(), pid: "?".to_owned() }))
}

fn may(tried: Result<(), TryLockError>) -> std::io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(why)) => Err(why),
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    // Not truncated: it may say who has the lock.
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path)
}

fn write(file: &mut File, text: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}

/// Who a lock file says has it.
enum Holder {
    /// The process id of a node that stands alone; `?` when nothing can be read.
    Alone(String),
    /// The first of the nodes of a cluster.
    Node { pid: String, node: String, cluster: String },
}

fn holder(file: &mut File) -> Holder {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(HOLDER_BYTES_MAX).read_to_string(&mut text));
    let words: Vec<&str> = text.split(' ').collect();
    let is_pid = |pid: &str| !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit());
    match words.as_slice() {
        [pid, node, cluster] if read.is_ok() && is_pid(pid) => {
            Holder::Node { pid: (*pid).to_owned(), node: (*node).to_owned(), cluster: (*cluster).to_owned() }
        }
        [pid] if read.is_ok() && is_pid(pid) => Holder::Alone((*pid).to_owned()),
        _ => Holder::Alone("?".to_owned()),
    }
}

fn in_use(folder: &Path, file: &mut File) -> LockError {
    let (Holder::Alone(pid) | Holder::Node { pid, .. }) = holder(file);
    LockError::InUse { folder: folder.to_owned(), pid }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cluster: &str, node: &str) -> ClusterNode {
        ClusterNode { cluster: cluster.to_owned(), node: node.to_owned() }
    }

    #[test]
    fn a_second_holder_is_told_who_has_it_and_the_lock_goes_with_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock_workspace(folder.path(), None).unwrap();
        let error = lock_workspace(folder.path(), None).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(error.contains(&format!("(pid {pid})")), "{error}");
        assert!(error.contains("use another --data"), "{error}");
        drop(first);
        lock_workspace(folder.path(), None).unwrap();
    }

    #[test]
    fn nodes_of_one_cluster_share_a_folder_and_keep_everybody_else_off() {
        let folder = tempfile::tempdir().unwrap();
        let lock = |of: Option<&ClusterNode>| lock_workspace(folder.path(), of);
        let (one, two, other) = (of("aa", "worker-1"), of("aa", "worker-2"), of("bb", "worker-1"));
        let first = lock(Some(&one)).unwrap();
        let second = lock(Some(&two)).unwrap();
        let again = lock(Some(&one)).unwrap();
        assert!(matches!(lock(None), Err(LockError::InUse { .. })));
        let error = lock(Some(&other)).unwrap_err().to_string();
        assert!(error.contains("the node `worker-1` of another cluster"), "{error}");
        drop((first, again));
        assert!(matches!(lock(None), Err(LockError::InUse { .. })), "one of them is left");
        assert!(matches!(lock(Some(&other)), Err(LockError::OfOthers { .. })));
        drop(second);
        lock(Some(&other)).unwrap();
        let alone = lock(None).unwrap();
        let error = lock(Some(&one)).unwrap_err().to_string();
        assert!(error.contains("is used by another agent-runtime"), "{error}");
        drop(alone);
        lock(Some(&one)).unwrap();
    }

    #[test]
    fn many_nodes_of_a_cluster_that_come_at_once_all_share_it() {
        let folder = tempfile::tempdir().unwrap();
        let all: Vec<_> = (0..8)
            .map(|n| {
                let folder = folder.path().to_owned();
                std::thread::spawn(move || lock_workspace(&folder, Some(&of("aa", &format!("worker-{n}")))))
            })
            .collect();
        let held: Vec<_> = all.into_iter().map(|one| one.join().unwrap().unwrap()).collect();
        assert_eq!(held.len(), 8);
    }

    #[test]
    fn a_folder_that_is_not_there_can_not_be_locked() {
        let folder = tempfile::tempdir().unwrap();
        let error = lock_workspace(&folder.path().join("gone"), None).unwrap_err();
        assert!(matches!(error, LockError::Io { .. }));
    }
}
