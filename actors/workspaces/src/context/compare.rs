//! How a log's file is held against its entries, and what that comes to.

use messages::store::{EntryOf, EntryRow, FileStamp, LogRow};

/// How much of a log is compared before it may be written on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needed {
    /// It is all on disk, and nobody has touched it.
    Nothing,
    /// What lies behind its synced mark. What lies before is proven at the logs' date, before the mark goes on.
    Tail,
    Whole,
}

/// What an open has to compare of a log whose file looks like `now`.
pub(super) fn needed(row: &LogRow, now: Option<FileStamp>) -> Needed {
    if now == Some(row.stamp) && row.synced == row.size {
        return Needed::Nothing;
    }
    // A file that ends before the mark lost what was on disk: no crash does that.
    let has_synced = now.is_some_and(|now| now.size >= row.synced);
    if has_tail(row) && has_synced { Needed::Tail } else { Needed::Whole }
}

/// Some of it is known to be on disk, and some is not. With a mark of 0 nothing is: words of it were erased, perhaps. With all
/// of it synced there is no tail that would show whether a file with another stamp may be written on.
pub(super) fn has_tail(row: &LogRow) -> bool {
    0 < row.synced && row.synced < row.size
}

/// What comparing a log with its entries found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Same,
    /// Entries from this offset on are missing or torn.
    Behind(u64),
    Edited,
}

/// A comparison under way, entry after entry.
#[derive(Debug)]
pub(super) struct Comparison {
    synced: u64,
    size: u64,
    /// Only of what lies behind the mark: what it finds must be explained by a torn write alone.
    is_tail: bool,
    next: u64,
    behind: Option<u64>,
}

impl Comparison {
    /// Of all entries from an offset on. What differs behind the synced mark and could be a torn write is ours to write again;
    /// anything else somebody wrote.
    pub(super) fn from(row: &LogRow, from: u64) -> Self {
        Self { synced: row.synced, size: row.size, is_tail: false, next: from, behind: None }
    }

    /// Of the entries behind the synced mark. All that is not plainly a torn write counts as an edit, and the whole decides.
    pub(super) fn tail(row: &LogRow) -> Self {
        Self { is_tail: true, ..Self::from(row, row.synced) }
    }

    /// The offset of the next entry, while there is more to compare.
    pub(super) fn next(&self) -> Option<u64> {
        (self.next < self.size).then_some(self.next)
    }

    /// Where the entries end that were compared.
    pub(super) fn end(&self) -> u64 {
        self.next
    }

    /// Holds the bytes in an entry's place, fewer at the end of the file, against those wanted. False: somebody wrote them.
    pub(super) fn hold(&mut self, entry: &EntryRow, wanted: &[u8], found: &[u8]) -> bool {
        // The mark may lie inside an entry only if somebody moved it.
        if self.is_tail && entry.offset != self.next {
            return false;
        }
        if found != wanted {
            // Words that were erased in the store are ours to erase here, whatever stands there; the tail can't tell.
            let is_erased = !self.is_tail && erased(entry);
            let is_torn = wanted.iter().zip(found).all(|(want, have)| want == have || *have == 0);
            let is_lost = entry.offset < self.synced && !found.is_empty();
            if !is_erased && (!is_torn || is_lost) {
                return false;
            }
            self.behind = self.behind.or(Some(entry.offset));
        }
        self.next = entry.offset + u64::from(entry.length);
        true
    }

    /// What it came to, without a look at what the file has behind the last entry.
    pub(super) fn found(&self) -> Found {
        self.behind.map_or(Found::Same, Found::Behind)
    }

    /// What it came to, all entries compared, when the file has so many bytes.
    pub(super) fn found_in(&self, bytes: Option<u64>) -> Found {
        let is_cut_off = self.is_tail && self.next < self.size;
        if is_cut_off || bytes.is_some_and(|bytes| bytes > self.next) { Found::Edited } else { self.found() }
    }
}

fn erased(entry: &EntryRow) -> bool {
    match &entry.of {
        EntryOf::Inbound(row) => row.redacted,
        EntryOf::Outbound(row) => row.redacted,
    }
}
