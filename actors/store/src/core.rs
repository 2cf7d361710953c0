//! What the writer decides, apart from SQLite: whether a commit is well formed, whether its fences hold, what an error
//! means for the group, how long to wait.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use messages::Address;
use messages::store::{COMMIT_WRITES_MAX, Commit, CommitError, Fence};
use rusqlite::ErrorCode;

use crate::measure;

/// The wait before a lost connection is tried again: the first, doubled each time up to the second.
pub(crate) const REOPEN_WAIT_MS_MIN: u64 = 50;
pub(crate) const REOPEN_WAIT_MS_MAX: u64 = 2_000;

/// Refuses a commit that could not be right in any state of the store.
pub(crate) fn refuse(commit: &Commit) -> Result<(), CommitError> {
    if commit.writes.len() > COMMIT_WRITES_MAX {
        let writes = commit.writes.len();
        return Err(refused(format!("a commit of {writes} writes is larger than {COMMIT_WRITES_MAX}; split it")));
    }
    for write in &commit.writes {
        let (owners, by) = (write.owners(), commit.by);
        if !owners.is_empty() && !owners.contains(&by) {
            return Err(refused(format!("{} can't be written by {by:?}", write.name())));
        }
        measure::measure(write).map_err(CommitError::Refused)?;
    }
    commit.check_named().map_err(CommitError::Refused)
}

fn refused(words: String) -> CommitError {
    CommitError::Refused(words)
}

/// Every fence must name the epoch in force; a unit that nobody ever claimed is at 0. A newer one than the store knows
/// is refused too: it was given by a store that this one is an older copy of.
pub(crate) fn fenced(fences: &[Fence], units: &HashMap<Address, u64>) -> Result<(), CommitError> {
    for fence in fences {
        let current = units.get(&fence.unit).copied().unwrap_or(0);
        if fence.epoch != current {
            let unit = fence.unit.clone();
            return Err(CommitError::Fenced { unit, current, stale: fence.epoch });
        }
    }
    Ok(())
}

/// What an error of SQLite means for the request that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The request itself is at fault: it alone is refused.
    Request,
    /// The disk, the file or another program is: nothing of the group can be written now.
    Store,
}

/// Whom to blame for an error inside a request.
pub(crate) fn blame(error: &rusqlite::Error) -> Blame {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch) => Blame::Request,
        Some(_) => Blame::Store,
        None => match error {
            rusqlite::Error::ToSqlConversionFailure(_) => Blame::Request,
            _ => Blame::Store,
        },
    }
}

/// Says what is wrong with the disk or the file, and what to do.
pub(crate) fn advice(error: &rusqlite::Error, folder: &Path) -> String {
    let folder = folder.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            format!("the disk is full: free some space in {folder}; it goes on by itself")
        }
        Some(ErrorCode::SystemIoFailure) => format!(
            "the disk reports an error ({error}): look at the disk of {folder}; it goes on by itself once the disk works"
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            format!("{folder} can't be written ({error}): make it writable; it goes on by itself")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("another program holds {folder}/meta.sqlite: end it; it goes on by itself")
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            format!("{folder}/meta.sqlite is damaged ({error}): stop the node and restore a backup")
        }
        _ => format!("{error} in {folder}/meta.sqlite"),
    }
}

/// How long to wait before the n-th try (from 0) to open the file again.
pub(crate) fn reopen_wait(tries: u32) -> Duration {
    let doubled = REOPEN_WAIT_MS_MIN.checked_shl(tries.min(16)).unwrap_or(REOPEN_WAIT_MS_MAX);
    Duration::from_millis(doubled.min(REOPEN_WAIT_MS_MAX))
}

/// What a group whose COMMIT failed turned out to be, by the number found in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Written,
    Lost,
}

/// Each transaction writes its number; only one writer exists.
pub(crate) fn fate(number_of_group: i64, number_in_file: i64) -> Fate {
    if number_in_file >= number_of_group { Fate::Written } else { Fate::Lost }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
    }

    #[test]
    fn only_what_the_request_brought_is_its_own_fault() {
        use rusqlite::ffi::{
            SQLITE_BUSY, SQLITE_CONSTRAINT_UNIQUE, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_READONLY,
            SQLITE_TOOBIG,
        };
        for code in [SQLITE_CONSTRAINT_UNIQUE, SQLITE_TOOBIG] {
            assert_eq!(blame(&error(code)), Blame::Request, "{code}");
        }
        for code in [SQLITE_BUSY, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_READONLY] {
            assert_eq!(blame(&error(code)), Blame::Store, "{code}");
        }
        assert_eq!(blame(&rusqlite::Error::QueryReturnedNoRows), Blame::Store);
    }

    #[test]
    fn what_a_disk_does_is_said_with_what_to_do() {
        use rusqlite::ffi::{SQLITE_BUSY, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_READONLY};
        for (code, words) in [
            (SQLITE_FULL, "free some space in /data"),
            (SQLITE_IOERR_WRITE, "look at the disk of /data"),
            (SQLITE_READONLY, "make it writable"),
            (SQLITE_BUSY, "another program holds /data/meta.sqlite"),
            (SQLITE_CORRUPT, "restore a backup"),
        ] {
            let said = advice(&error(code), Path::new("/data"));
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn the_wait_for_a_lost_file_doubles_up_to_its_limit() {
        let waits: Vec<_> = (0..8).map(|tries| reopen_wait(tries).as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
        assert_eq!(reopen_wait(u32::MAX).as_millis(), 2_000);
    }

    #[test]
    fn a_group_is_written_if_its_number_is_in_the_file() {
        assert_eq!([fate(7, 6), fate(7, 7)], [Fate::Lost, Fate::Written]);
    }

    #[test]
    fn a_fence_holds_for_the_epoch_in_force_alone() {
        let unit = Address::fixed("ws/home");
        let units = HashMap::from([(unit.clone(), 3)]);
        let check = |epoch| fenced(&[Fence { unit: unit.clone(), epoch }], &units);
        assert_eq!(check(3), Ok(()));
        for stale in [0, 2, 4] {
            let fenced = CommitError::Fenced { unit: unit.clone(), current: 3, stale };
            assert_eq!(check(stale), Err(fenced));
        }
        assert_eq!(fenced(&[], &units), Ok(()));
    }
}
