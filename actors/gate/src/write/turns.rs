//! Two writes of one file go one after the other. Only one process writes into a workspace.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::root::Identity;

/// Locks among which all files are divided; two files that meet at one wait for each other without need.
const STRIPES: usize = 64;

static LOCKS: [Mutex<()>; STRIPES] = [const { Mutex::new(()) }; STRIPES];

/// Waits until no other write of this file runs. Each holds it for a few changes of the disk.
pub(super) fn take(folder: Identity, name: &str) -> Option<MutexGuard<'static, ()>> {
    let mut hasher = DefaultHasher::new();
    (folder, name).hash(&mut hasher);
    let stripe = usize::try_from(hasher.finish() % STRIPES as u64).unwrap_or(0);
    LOCKS.get(stripe).map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner))
}
