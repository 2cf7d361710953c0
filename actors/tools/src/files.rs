//! Files of a workspace within a scope, as blocking calls through the gate. The service puts them on threads.

use gate::{Draft, Expect, Listed, Refused, Root, Wanted, find_file, find_folder};
use messages::tool::{Class, Failure, Output, Reply};

use crate::arguments::{MdList, MdRead, MdWrite};
use crate::core::{file_text, listing, no_file, no_folder, no_place, replaced, unreadable, unwritten, written};
use crate::scope::{holds_file, leads_below};

/// The most names on one page of a folder.
pub(crate) const NAMES_MAX: usize = 500;

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
        let admits = |below: &str, is_folder: bool| {
            let shown = root.shown(below);
            if is_folder { leads_below(&self.paths, &shown) } else { holds_file(&self.paths, &shown) }
        };
        // One more than is shown, to know whether there are more.
        let wanted = Wanted { folder, after: &asked.after, limit: NAMES_MAX + 1, admits: &admits };
        let mut listed = match root.open().and_then(|open| open.list(&wanted)) {
            Ok(listed) => listed,
            Err(Refused::NotThere | Refused::Records) => return Err(no_folder(path)),
            Err(why) => return Err(unreadable(path, &why)),
        };
        if path.is_empty() {
            listed.extend(self.mounts(&asked.after));
            listed.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let has_more = listed.len() > NAMES_MAX;
        listed.truncate(NAMES_MAX);
        Ok(listing(&listed, has_more))
    }

    /// Mounts that are folders at the top, after a name.
    fn mounts(&self, after: &str) -> impl Iterator<Item = Listed> {
        let shown =
            move |root: &&Root| !root.is_own() && root.name.as_str() > after && leads_below(&self.paths, &root.name);
        self.roots.iter().filter(shown).map(|root| Listed { name: root.name.clone(), bytes: None })
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
