//! Files of a workspace within a scope, as blocking calls through the gate. The service puts them on threads.

use std::cell::Cell;
use std::ops::ControlFlow;

use gate::{Draft, Expect, Listed, OpenRoot, Refused, Root, Step, Wanted, find_file, find_folder, walk_from};
use messages::tool::{Class, Failure, Output, Reply};

use crate::arguments::{MdList, MdRead, MdWrite};
use crate::core::{file_text, listing, no_file, no_folder, no_place, replaced, unreadable, unwritten, written};
use crate::scope::{holds_file, is_told, leads_below};

/// The most names on one page of a folder.
pub(crate) const NAMES_MAX: usize = 500;
/// Names that one listing looks at to find out which folders hold something in scope; what is not found by then is not
/// listed, and can still be read by its path.
const LOOKED_AT_MAX: u64 = 200_000;

/// What may be touched for one turn.
pub(crate) struct Files {
    /// The workspace's own folder, then its mounts.
    pub(crate) roots: Vec<Root>,
    /// Path patterns.
    pub(crate) paths: Vec<String>,
}

/// By which a write is done once.
pub(crate) struct Key {
    /// Unique to the step.
    pub(crate) name: String,
    /// It had been begun before.
    pub(crate) again: bool,
}

/// What is asked of files.
pub(crate) enum Asked {
    Read(MdRead),
    List(MdList),
    Write(MdWrite),
}

impl Files {
    /// Does what is asked.
    pub(crate) fn perform(&self, asked: &Asked, key: &Key) -> Reply {
        match asked {
            Asked::Read(read) => self.read(read).map_or_else(Reply::Failed, Reply::Done),
            Asked::List(list) => self.list(list).map_or_else(Reply::Failed, Reply::Done),
            Asked::Write(write) => self.write(write, key),
        }
    }

    /// A part of a file.
    fn read(&self, asked: &MdRead) -> Result<Output, Failure> {
        let path = asked.path.trim();
        let found = if holds_file(&self.paths, path) { find_file(&self.roots, path) } else { None };
        let (root, below) = found.ok_or_else(|| no_file(path))?;
        match root.open().and_then(|open| open.read(below)) {
            Ok(text) => file_text(path, &text, asked.offset),
            Err(Refused::NotThere | Refused::Records) => Err(no_file(path)),
            Err(why) => Err(unreadable(path, &why)),
        }
    }

    /// A page of a folder.
    fn list(&self, asked: &MdList) -> Result<Output, Failure> {
        let path = asked.folder.trim().trim_end_matches('/');
        let found = if leads_below(&self.paths, path) { find_folder(&self.roots, path) } else { None };
        let (root, folder) = found.ok_or_else(|| no_folder(path))?;
        let left = Cell::new(LOOKED_AT_MAX);
        let listed = root.open().and_then(|open| {
            if !path.is_empty() && !self.is_shown(&open, folder, &left) {
                return Err(Refused::NotThere);
            }
            let admits = |below: &str, is_folder: bool| {
                if is_folder { self.is_shown(&open, below, &left) } else { holds_file(&self.paths, &root.shown(below)) }
            };
            // One more than is shown, to know whether there are more.
            open.list(&Wanted { folder, after: &asked.after, limit: NAMES_MAX + 1, admits: &admits })
        });
        let mut listed = match listed {
            Ok(listed) => listed,
            Err(Refused::NotThere | Refused::Records) => return Err(no_folder(path)),
            Err(why) => return Err(unreadable(path, &why)),
        };
        if path.is_empty() {
            listed.extend(self.mounts(&asked.after, &left));
            listed.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let has_more = listed.len() > NAMES_MAX;
        listed.truncate(NAMES_MAX);
        Ok(listing(&listed, has_more))
    }

    /// Mounts that are folders at the top, after a name.
    fn mounts(&self, after: &str, left: &Cell<u64>) -> impl Iterator<Item = Listed> {
        let shown = move |root: &&Root| {
            let holds_some = || root.open().is_ok_and(|open| self.is_shown(&open, "", left));
            !root.is_own() && root.name.as_str() > after && (is_told(&self.paths, &root.name) || holds_some())
        };
        self.roots.iter().filter(shown).map(|root| Listed { name: root.name.clone(), bytes: None })
    }

    /// Whether a folder is told of: one that a pattern names, or all of which is in scope, or which holds something that
    /// is. One that patterns only happen to fit, and that holds nothing in scope, is as one that is not there.
    fn is_shown(&self, open: &OpenRoot<'_>, below: &str, left: &Cell<u64>) -> bool {
        let folder = open.root.shown(below);
        is_told(&self.paths, &folder) || leads_below(&self.paths, &folder) && self.holds_some(open, below, left)
    }

    fn holds_some(&self, open: &OpenRoot<'_>, below: &str, left: &Cell<u64>) -> bool {
        let mut found = false;
        // It ends where something was found, where nothing is left to look at, or where all was looked at.
        let _end = walk_from(open, below, &mut |step| {
            found |= matches!(&step, Step::File(file) if holds_file(&self.paths, &open.root.shown(&file.path)));
            left.set(left.get().saturating_sub(1));
            if found || left.get() == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        found
    }

    /// Writes a file.
    fn write(&self, asked: &MdWrite, key: &Key) -> Reply {
        match self.try_write(asked, key) {
            Ok(output) => Reply::Done(output),
            Err(Ok(failure)) => Reply::Failed(failure),
            Err(Err(unknown)) => Reply::Unknown(unknown),
        }
    }

    fn try_write(&self, asked: &MdWrite, key: &Key) -> Result<Output, Result<Failure, String>> {
        let (path, bad) = (asked.path.trim(), |message| Ok(Failure { class: Class::Arguments, message }));
        let replaced = replaced(&asked.replaces).map_err(bad)?;
        if !holds_file(&self.paths, path) {
            return Err(Ok(if replaced.is_some() { no_file(path) } else { no_place(path) }));
        }
        let expect = replaced.as_deref().map_or(Expect::Absent, Expect::Hash);
        let draft = Draft { path, text: &asked.text, expect, key: &key.name, again: key.again };
        let root = self.roots.first().ok_or_else(|| Ok(no_place(path)))?;
        let open = root.open().map_err(|why| Ok(unreadable("the workspace's folder", &why)))?;
        match open.write(&draft) {
            Ok(_) => Ok(written(path, &asked.text, replaced.is_none())),
            Err(why) => Err(unwritten(path, &why)),
        }
    }
}
