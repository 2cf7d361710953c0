//! A scan: the database is brought up to what the folders hold now, everywhere or where something changed. Files are
//! read one at a time, and only those whose size or time is new, or that were named.

mod core;
mod left_out;
mod root;
mod rows;

use std::path::PathBuf;
use std::sync::Arc;

use gate::Root;

pub(crate) use self::core::Known;
use self::left_out::{LeftOut, Told};
use self::root::{Looked, RootScan};
use self::rows::Rows;
use crate::changes::Changes;
use crate::database::{Place, Trouble};

pub(crate) use self::core::SETTLED_AFTER_NS;
pub(crate) use self::left_out::SKIPPED_SHOWN_MAX;

/// What a scan found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) files: u64,
    pub(crate) passages: u64,
    /// All that is left out, as far as it is kept by path.
    pub(crate) left_out: Arc<[Told]>,
    /// The first of them in words, and how many there are.
    pub(crate) skipped: Vec<String>,
    pub(crate) skipped_total: u64,
}

/// How a scan is watched and stopped.
pub(crate) trait Progress {
    /// So many files were looked at; `false` stops the scan.
    fn looked_at(&self, files: u64) -> bool;
}

/// What is scanned, and where to.
#[derive(Clone, Copy)]
pub(crate) struct Covered<'a> {
    pub(crate) place: &'a Place,
    pub(crate) roots: &'a [Root],
}

/// What an index remembers from one scan to the next. It may be lost: the next scan is one of everything then.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    /// Everything was looked at, and since then all that was asked for.
    is_whole: bool,
    left_out: LeftOut,
    unsettled: Changes,
}

impl Scanner {
    /// Looks at what changed; at everything when this is the first scan, when the one before failed or was stopped, and
    /// when the database was made anew since. `now_ns` is the time, nanoseconds since the Unix epoch. A database that
    /// turns out damaged is made again, once. Gives also whether everything was looked at.
    pub(crate) fn scan(
        &mut self,
        of: Covered<'_>,
        changes: &Changes,
        now_ns: i64,
        progress: &dyn Progress,
    ) -> Result<(Report, bool), Trouble> {
        match self.scan_once(of, changes, now_ns, progress) {
            Err(Trouble::Damaged(why)) => {
                tracing::warn!(index = %of.place.file().display(), "made again: {why}");
                of.place.delete()?;
                self.scan_once(of, &Changes::Everything, now_ns, progress)
            }
            scanned => scanned,
        }
    }

    /// Files that are to be looked at again once their times have settled.
    pub(crate) fn take_unsettled(&mut self) -> Changes {
        std::mem::take(&mut self.unsettled)
    }

    pub(crate) fn has_unsettled(&self) -> bool {
        !self.unsettled.is_empty()
    }

    fn scan_once(
        &mut self,
        of: Covered<'_>,
        changes: &Changes,
        now_ns: i64,
        progress: &dyn Progress,
    ) -> Result<(Report, bool), Trouble> {
        let connection = of.place.write()?;
        let mut rows = Rows::new(&connection);
        let of_all = *changes == Changes::Everything || !self.is_whole || !rows.holds(of.roots)?;
        // Until this scan has ended well.
        self.is_whole = false;
        if of_all {
            self.left_out.clear();
            self.unsettled = Changes::default();
            rows.forget_roots_but(of.roots)?;
        }
        let mut looked = Looked { files: 0, progress, is_stopped: false };
        for (nth, root) in of.roots.iter().enumerate() {
            let paths = if of_all { vec![PathBuf::new()] } else { changes.below(&root.folder) };
            if paths.is_empty() {
                continue;
            }
            let (left_out, unsettled) = (&mut self.left_out, &mut self.unsettled);
            let id = rows.root(root)?;
            RootScan { id, root, nth, now_ns, changes, rows: &mut rows, left_out, unsettled }
                .run(&paths, &mut looked)?;
            rows.commit()?;
            if looked.is_stopped {
                break;
            }
        }
        self.is_whole = !looked.is_stopped;
        let mut report = Report::default();
        (report.files, report.passages) = rows.counts()?;
        self.left_out.tell(&mut report);
        Ok((report, of_all))
    }
}

#[cfg(test)]
mod cost_tests;
#[cfg(test)]
mod equal_tests;
#[cfg(test)]
mod tests;
