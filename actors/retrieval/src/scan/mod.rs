//! A scan: the database is brought up to what the folders hold now. Files are read one at a time, and only those whose
//! size or time is new.

mod core;
mod rows;

use std::collections::HashMap;
use std::ops::ControlFlow;

use gate::{Found, OpenRoot, Root, Step, walk};
use sha2::{Digest as _, Sha256};

pub(crate) use self::core::Known;
use self::core::{is_believed_empty, is_unknown, kept_time, must_read};
use self::rows::Rows;
use crate::database::{Place, Trouble};

/// Left-out files that are told in full; the rest is counted.
pub(crate) const SKIPPED_SHOWN_MAX: usize = 20;

/// What a scan found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) files: u64,
    pub(crate) passages: u64,
    pub(crate) skipped: Vec<String>,
    pub(crate) skipped_total: u64,
}

impl Report {
    fn skip(&mut self, path: &str, why: &str) {
        self.skipped_total += 1;
        if self.skipped.len() < SKIPPED_SHOWN_MAX {
            self.skipped.push(format!("{path}: {why}"));
        }
    }
}

/// How a scan is watched and stopped.
pub(crate) trait Progress {
    /// So many files were looked at; `false` stops the scan.
    fn looked_at(&self, files: u64) -> bool;
}

/// Scans all roots. `now_ns` is the time, nanoseconds since the Unix epoch. A database that turns out damaged is made
/// again, once.
pub(crate) fn scan(place: &Place, roots: &[Root], now_ns: i64, progress: &dyn Progress) -> Result<Report, Trouble> {
    match scan_once(place, roots, now_ns, progress) {
        Err(Trouble::Damaged(why)) => {
            tracing::warn!(index = %place.file().display(), "made again: {why}");
            place.delete()?;
            scan_once(place, roots, now_ns, progress)
        }
        scanned => scanned,
    }
}

fn scan_once(place: &Place, roots: &[Root], now_ns: i64, progress: &dyn Progress) -> Result<Report, Trouble> {
    let connection = place.write()?;
    let mut rows = Rows::new(&connection);
    let mut report = Report::default();
    rows.forget_roots_but(roots)?;
    let mut looked = 0;
    for root in roots {
        let mut scan = RootScan { id: rows.root(root)?, root, now_ns, rows: &mut rows, report: &mut report };
        let go_on = scan.run(&mut looked, progress)?;
        rows.commit()?;
        if !go_on {
            break;
        }
    }
    (report.files, report.passages) = rows.counts()?;
    Ok(report)
}

struct RootScan<'a, 'c> {
    id: i64,
    root: &'a Root,
    now_ns: i64,
    rows: &'a mut Rows<'c>,
    report: &'a mut Report,
}

impl RootScan<'_, '_> {
    /// Gives whether the scan may go on to the next root.
    fn run(&mut self, looked: &mut u64, progress: &dyn Progress) -> Result<bool, Trouble> {
        let open = match self.root.open() {
            Ok(open) => open,
            Err(why) => {
                self.report.skip(&self.root.title(), &format!("{why}; what was indexed of it stays searchable"));
                return Ok(true);
            }
        };
        let mut known = self.rows.known(self.id)?;
        let (files_known, mut seen, mut unknown) = (known.len(), 0u64, Vec::new());
        let mut failed: Option<Trouble> = None;
        let mut stopped = false;
        // How the walk ended is told by `failed`, `stopped` and `unknown`.
        let _ended = walk(&open, &mut |step| match step {
            Step::Folder(_) => ControlFlow::Continue(()),
            Step::Skipped { path, why, unknown_below } => {
                self.report.skip(&self.root.shown(&path), &why);
                if unknown_below {
                    unknown.push(path);
                }
                ControlFlow::Continue(())
            }
            Step::File(found) => {
                (seen, *looked) = (seen + 1, *looked + 1);
                stopped = !progress.looked_at(*looked);
                if stopped {
                    return ControlFlow::Break(());
                }
                match self.file(&open, &found, &mut known) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(trouble) => {
                        failed = Some(trouble);
                        ControlFlow::Break(())
                    }
                }
            }
        });
        if let Some(trouble) = failed {
            return Err(trouble);
        }
        if !stopped {
            self.forget(&open, known, (files_known, seen), &unknown)?;
        }
        Ok(!stopped)
    }

    /// Looks at one file; what is left in `known` at the end is gone.
    fn file(&mut self, open: &OpenRoot<'_>, found: &Found, known: &mut HashMap<String, Known>) -> Result<(), Trouble> {
        let before = known.get(&found.path).copied();
        if !must_read(before.as_ref(), found.size, found.mtime_ns) {
            known.remove(&found.path);
            return Ok(());
        }
        let text = match open.read(&found.path) {
            Ok(text) => text,
            Err(why) => {
                // It stays in `known`: what can't be read any more is not found any more.
                self.report.skip(&self.root.shown(&found.path), &why.to_string());
                return Ok(());
            }
        };
        known.remove(&found.path);
        let stamp = Known { id: 0, size: found.size, mtime_ns: kept_time(found.mtime_ns, self.now_ns) };
        let hash = Sha256::digest(text.as_bytes());
        if let Some(before) = before
            && self.rows.hash_of(before.id)?.as_slice() == hash.as_slice()
        {
            return self.rows.restamp(before, &stamp);
        }
        let whole = self.rows.put(self.id, &found.path, &stamp, (&text, &hash))?;
        if !whole {
            let why = format!("it has more than {} passages; the rest is not searched", markdown::chunk::CHUNKS_MAX);
            self.report.skip(&self.root.shown(&found.path), &why);
        }
        Ok(())
    }

    fn forget(
        &mut self,
        open: &OpenRoot<'_>,
        gone: HashMap<String, Known>,
        (files_known, seen): (usize, u64),
        unknown: &[String],
    ) -> Result<(), Trouble> {
        let same_folder = self.rows.identity(self.id)? == open.identity;
        if seen == 0 && !is_believed_empty(files_known, same_folder) {
            let why = "the folder is empty and not the one it was (is its disk mounted?); what was indexed of it stays searchable";
            self.report.skip(&self.root.title(), why);
            return Ok(());
        }
        for (path, known) in gone {
            if !is_unknown(&path, unknown) {
                self.rows.delete(known.id)?;
            }
        }
        self.rows.identify(self.id, open.identity)
    }
}

#[cfg(test)]
mod tests;
