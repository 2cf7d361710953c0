//! The scan of one root, whole or at some paths.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use gate::{Found, OpenRoot, Root, Step, walk_at};
use markdown::chunk::CHUNKS_MAX;
use sha2::{Digest as _, Sha256};

use super::Progress;
use super::core::{Known, is_believed_empty, is_unknown, kept_time, must_read, settles_soon};
use super::left_out::{LeftOut, Told};
use super::rows::Rows;
use crate::changes::Changes;
use crate::database::Trouble;

/// How far a scan is, over all roots.
pub(super) struct Looked<'a> {
    pub(super) files: u64,
    pub(super) progress: &'a dyn Progress,
    /// The index stops: what was not looked at is not known.
    pub(super) is_stopped: bool,
}

impl Looked<'_> {
    fn one_more(&mut self) -> ControlFlow<()> {
        self.files += 1;
        self.is_stopped = !self.progress.looked_at(self.files);
        if self.is_stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

pub(super) struct RootScan<'a, 'c> {
    /// Its row.
    pub(super) id: i64,
    pub(super) root: &'a Root,
    /// Its place among the roots.
    pub(super) nth: usize,
    pub(super) now_ns: i64,
    pub(super) changes: &'a Changes,
    pub(super) rows: &'a mut Rows<'c>,
    pub(super) left_out: &'a mut LeftOut,
    pub(super) unsettled: &'a mut Changes,
}

/// What was met at a path and below it.
#[derive(Default)]
struct Met {
    files: u64,
    /// Of these nothing is known now.
    unknown: Vec<String>,
}

impl RootScan<'_, '_> {
    /// Looks at these paths below the root; `""` is all of it.
    pub(super) fn run(&mut self, paths: &[PathBuf], looked: &mut Looked<'_>) -> Result<(), Trouble> {
        let open = match self.root.open() {
            Ok(open) => open,
            Err(why) => {
                self.skip("", &format!("{why}; what was indexed of it stays searchable"));
                return Ok(());
            }
        };
        if self.rows.identity(self.id)? != open.identity {
            return self.whole(&open, looked);
        }
        for path in paths {
            let told = Root::told(path);
            // A folder that could not be read may be readable now: then there is more to look at than this path.
            let above = self.left_out.above(self.nth, &told).map(PathBuf::from);
            match above.as_deref().unwrap_or(path) {
                all if all.as_os_str().is_empty() => return self.whole(&open, looked),
                path => self.part(&open, path, looked)?,
            }
            if looked.is_stopped {
                break;
            }
        }
        Ok(())
    }

    fn whole(&mut self, open: &OpenRoot<'_>, looked: &mut Looked<'_>) -> Result<(), Trouble> {
        self.left_out.forget(self.nth, "");
        let mut known = self.rows.known(self.id)?;
        let files_known = known.len();
        let met = self.look(open, Path::new(""), &mut known, looked)?;
        if looked.is_stopped {
            return Ok(());
        }
        let is_same_folder = self.rows.identity(self.id)? == open.identity;
        if met.files == 0 && !is_believed_empty(files_known, is_same_folder) {
            let why = "the folder is empty and not the one it was (is its disk mounted?); what was indexed of it stays searchable";
            self.skip("", why);
            return Ok(());
        }
        self.forget(known, &met.unknown)?;
        self.rows.identify(self.id, open.identity)
    }

    /// The folder is the one it was: what is not there any more is believed to be gone.
    fn part(&mut self, open: &OpenRoot<'_>, path: &Path, looked: &mut Looked<'_>) -> Result<(), Trouble> {
        let told = Root::told(path);
        self.left_out.forget(self.nth, &told);
        // What can't be shown is not in the index, and its cleaned name may be another file's.
        let may_be_known = Path::new(&told) == path;
        let mut known = if may_be_known { self.rows.known_below(self.id, &told)? } else { HashMap::new() };
        let met = self.look(open, path, &mut known, looked)?;
        if looked.is_stopped { Ok(()) } else { self.forget(known, &met.unknown) }
    }

    /// Looks at what is at a path; what is left in `known` after it is gone, or is not known.
    fn look(
        &mut self,
        open: &OpenRoot<'_>,
        path: &Path,
        known: &mut HashMap<String, Known>,
        looked: &mut Looked<'_>,
    ) -> Result<Met, Trouble> {
        let (mut met, mut failed) = (Met::default(), None);
        // How the walk ended is told by `failed`, `looked` and `met`.
        let _ended = walk_at(open, path, &mut |step| match step {
            Step::Folder(_) => ControlFlow::Continue(()),
            Step::Skipped { path, why, unknown_below } => {
                self.skip(&path, &why);
                if unknown_below {
                    met.unknown.push(path);
                }
                ControlFlow::Continue(())
            }
            Step::File(found) => {
                met.files += 1;
                looked.one_more()?;
                match self.file(open, &found, known) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(trouble) => {
                        failed = Some(trouble);
                        ControlFlow::Break(())
                    }
                }
            }
        });
        failed.map_or(Ok(met), Err)
    }

    /// Looks at one file. One that was named is read whatever its size and time say: they may be the old ones, and
    /// whether it may be read is in neither.
    fn file(&mut self, open: &OpenRoot<'_>, found: &Found, known: &mut HashMap<String, Known>) -> Result<(), Trouble> {
        let before = known.get(&found.path).copied();
        let is_named = self.changes.names(&self.root.folder.join(&found.path));
        if !is_named && !must_read(before.as_ref(), found.size, found.mtime_ns) {
            known.remove(&found.path);
            return Ok(());
        }
        let text = match open.read(&found.path) {
            Ok(text) => text,
            Err(why) => {
                // It stays in `known`: what can't be read any more is not found any more.
                self.skip(&found.path, &why.to_string());
                return Ok(());
            }
        };
        known.remove(&found.path);
        let stamp = Known { id: 0, size: found.size, mtime_ns: kept_time(found.mtime_ns, self.now_ns) };
        if settles_soon(found.mtime_ns, self.now_ns) {
            self.unsettled.note(self.root.folder.join(&found.path));
        }
        let hash = Sha256::digest(text.as_bytes());
        if let Some(before) = before
            && self.rows.hash_of(before.id)?.as_slice() == hash.as_slice()
        {
            return self.rows.restamp(before, &stamp);
        }
        let whole = self.rows.put(self.id, &found.path, &stamp, (&text, &hash))?;
        let shown = self.root.shown(&found.path);
        let why = || format!("it has more than {CHUNKS_MAX} passages; the rest is not searched");
        let cut = || Told { path: shown, why: why() };
        self.left_out.note_cut(self.nth, &found.path, (!whole).then(cut));
        Ok(())
    }

    fn forget(&mut self, gone: HashMap<String, Known>, unknown: &[String]) -> Result<(), Trouble> {
        for (path, known) in gone {
            if !is_unknown(&path, unknown) {
                self.rows.delete(known.id)?;
                self.left_out.note_cut(self.nth, &path, None);
            }
        }
        Ok(())
    }

    fn skip(&mut self, path: &str, why: &str) {
        let shown = if path.is_empty() { self.root.title() } else { self.root.shown(path) };
        self.left_out.note(self.nth, path, Told { path: shown, why: why.to_owned() });
    }
}
