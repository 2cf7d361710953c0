//! What a scan decides about a file. Nothing here reads a disk or a clock.

/// A file changed so shortly before a scan may change again without a new time (the disk's clock ticks in
/// milliseconds): its time is not believed until it is older than this.
pub(crate) const SETTLED_AFTER_NS: i64 = 1_000_000_000;
/// A time this far ahead comes from a clock that is a little fast, and is waited for; what is further ahead never settles.
const AHEAD_NS_MAX: i64 = 10_000_000_000;
/// Kept in place of a time that is not believed; no file has it.
pub(crate) const UNSETTLED: i64 = i64::MIN;

/// What the index knows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) id: i64,
    pub(crate) size: u64,
    pub(crate) mtime_ns: i64,
}

/// Whether the file has to be read to know whether it changed.
pub(crate) fn must_read(known: Option<&Known>, size: u64, mtime_ns: i64) -> bool {
    known.is_none_or(|known| known.size != size || known.mtime_ns != mtime_ns)
}

/// The time that is kept of a file that was read now.
pub(crate) fn kept_time(mtime_ns: i64, now_ns: i64) -> i64 {
    if mtime_ns > now_ns.saturating_sub(SETTLED_AFTER_NS) { UNSETTLED } else { mtime_ns }
}

/// Whether a file that was read now is to be looked at again once its time has settled, even when nothing more is heard
/// of it.
pub(crate) fn settles_soon(mtime_ns: i64, now_ns: i64) -> bool {
    kept_time(mtime_ns, now_ns) == UNSETTLED && mtime_ns < now_ns.saturating_add(AHEAD_NS_MAX)
}

/// Whether a root that shows no file is believed to be empty: a disk that is not mounted shows an empty folder, and it
/// is another folder than before.
pub(crate) fn is_believed_empty(files_known: usize, same_folder: bool) -> bool {
    files_known == 0 || same_folder
}

/// Whether a path is below one of the folders (or files) of which nothing is known now; `""` is all.
pub(crate) fn is_unknown(path: &str, unknown: &[String]) -> bool {
    unknown.iter().any(|at| {
        at.is_empty() || path.strip_prefix(at.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_of_the_same_size_and_time_is_not_read() {
        let known = Known { id: 1, size: 5, mtime_ns: 7 };
        assert!(!must_read(Some(&known), 5, 7));
        assert!(must_read(Some(&known), 6, 7));
        assert!(must_read(Some(&known), 5, 8));
        assert!(must_read(None, 5, 7));
    }

    #[test]
    fn a_time_is_believed_once_it_is_old_enough() {
        let now = 10 * SETTLED_AFTER_NS;
        assert_eq!(kept_time(now - SETTLED_AFTER_NS, now), now - SETTLED_AFTER_NS);
        assert_eq!(kept_time(now - SETTLED_AFTER_NS + 1, now), UNSETTLED);
        assert_eq!(kept_time(now + 5, now), UNSETTLED);
    }

    #[test]
    fn a_file_of_now_is_looked_at_again_and_one_of_the_far_future_is_not() {
        let now = 100 * SETTLED_AFTER_NS;
        assert!(!settles_soon(now - SETTLED_AFTER_NS, now));
        assert!(settles_soon(now - SETTLED_AFTER_NS + 1, now));
        assert!(settles_soon(now + AHEAD_NS_MAX - 1, now));
        assert!(!settles_soon(now + AHEAD_NS_MAX, now));
    }

    #[test]
    fn unknown_folders_cover_what_is_below_them_and_nothing_beside() {
        let unknown = ["a/b".to_owned()];
        assert!(is_unknown("a/b/c.md", &unknown) && is_unknown("a/b", &unknown));
        assert!(!is_unknown("a/bc.md", &unknown));
        assert!(is_unknown("x", &[String::new()]));
    }

    #[test]
    fn another_empty_folder_in_its_place_is_not_believed() {
        assert!(is_believed_empty(0, false) && is_believed_empty(3, true));
        assert!(!is_believed_empty(3, false));
    }
}
