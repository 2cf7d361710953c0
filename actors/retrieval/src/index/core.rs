//! When an index looks at what. Nothing here reads a disk or a clock.

use std::time::Duration;

/// After a scan the next one waits this many times as long as it took, so that a folder that never rests, or a very
/// large one that is polled, does not take a whole core.
const REST_FACTOR: u32 = 2;
/// The longest rest after a scan of what changed: a person waits for what comes next.
const REST_MAX: Duration = Duration::from_secs(10);
/// The longest rest where everything is looked at again and again: nobody knows whether anything changed.
const REST_OF_POLLING_MAX: Duration = Duration::from_secs(120);

/// Everything is looked at again so long after the last time, when changes were heard of meanwhile. Events tell almost
/// all. They tell nothing of what is written through a memory map or through another name of the file, of disks that are
/// mounted or unmounted below a folder, and a folder that comes and goes while it is looked at may slip through. A look at
/// 10,000 files costs some 30 ms, so that six in an hour cost nothing; and where nobody writes nothing slips through.
const ALL_AFTER_CHANGES: Duration = Duration::from_secs(10 * 60);
/// And so long, when nothing was heard of: for changes that tell no events at all.
const ALL_AFTER_QUIET: Duration = Duration::from_secs(60 * 60);
/// And so long after a scan that failed: its cause, a full disk or missing permissions, may be gone.
const ALL_AFTER_FAILURE: Duration = Duration::from_secs(60);

/// How the scans since the last one of everything went.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Since {
    /// Changes were heard of.
    pub(super) heard: bool,
    /// The last one failed.
    pub(super) failed: bool,
}

/// How long after the last scan of everything, or after one that failed, everything is looked at again.
pub(super) fn all_after(since: Since) -> Duration {
    match since {
        Since { failed: true, .. } => ALL_AFTER_FAILURE,
        Since { heard: true, .. } => ALL_AFTER_CHANGES,
        _ => ALL_AFTER_QUIET,
    }
}

/// How long an index rests after a scan.
pub(super) fn rest(took: Duration, polls: bool) -> Duration {
    took.saturating_mul(REST_FACTOR).min(if polls { REST_OF_POLLING_MAX } else { REST_MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_looked_at_sooner_after_changes_and_soonest_after_a_failure() {
        assert_eq!(all_after(Since { heard: true, failed: true }), ALL_AFTER_FAILURE);
        assert_eq!(all_after(Since { heard: true, failed: false }), ALL_AFTER_CHANGES);
        assert_eq!(all_after(Since::default()), ALL_AFTER_QUIET);
    }

    #[test]
    fn a_long_scan_rests_longer_where_it_is_polled() {
        assert_eq!(rest(Duration::from_secs(1), false), Duration::from_secs(2));
        assert_eq!(rest(Duration::from_secs(30), false), REST_MAX);
        assert_eq!(rest(Duration::from_secs(30), true), Duration::from_secs(60));
        assert_eq!(rest(Duration::from_secs(300), true), REST_OF_POLLING_MAX);
    }
}
