//! All files of knowledge below a root, one folder at a time, without recursion.

use std::ffi::CString;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, Dir, FileType, Stat, statat};
use rustix::io::Errno;

use crate::core::{
    DEPTH_MAX, FILE_BYTES_MAX, FILES_MAX, NAMES_MAX, PATH_BYTES_MAX, admits_file, admits_folder, can_be_shown, cleaned,
    join,
};
use crate::refused::Refused;
use crate::root::OpenRoot;

/// What a walk meets. Paths are relative to the root.
pub enum Step<'a> {
    /// A folder that is read now; `""` is the root.
    Folder(&'a str),
    /// A file of knowledge.
    File(Found),
    /// Something that is left out, and why.
    Skipped {
        /// Which.
        path: String,
        /// Why.
        why: String,
        /// Nothing is known of what is in there: it may still be as it was.
        unknown_below: bool,
    },
}

/// A file as its folder lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Relative to the root.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// When it was changed, in nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
}

/// Visits everything below a root until `visit` breaks. What can't be read is told as skipped, and the walk goes on.
pub fn walk(root: &OpenRoot<'_>, visit: &mut dyn FnMut(Step<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
    walk_from(root, "", visit)
}

/// The same from a folder below the root.
pub fn walk_from(
    root: &OpenRoot<'_>,
    folder: &str,
    visit: &mut dyn FnMut(Step<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    Walk { root, visit, waiting: vec![folder.to_owned()], files: 0, names: 0 }.run()
}

/// Visits what is at a path below a root now, just as a walk of all would meet it: a file, a folder with everything
/// below it, or nothing. Where a folder above it is a link, can't be read or holds records, that is told of the folder.
pub fn walk_at(
    root: &OpenRoot<'_>,
    path: &Path,
    visit: &mut dyn FnMut(Step<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut walk = Walk { root, visit, waiting: Vec::new(), files: 0, names: 0 };
    walk.go_to(path)?;
    walk.run()
}

struct Walk<'r, 'v> {
    root: &'r OpenRoot<'r>,
    visit: &'v mut dyn FnMut(Step<'_>) -> ControlFlow<()>,
    waiting: Vec<String>,
    files: u64,
    names: u64,
}

impl Walk<'_, '_> {
    fn run(&mut self) -> ControlFlow<()> {
        while let Some(folder) = self.waiting.pop() {
            self.folder(&folder)?;
        }
        ControlFlow::Continue(())
    }

    /// Goes down to a path by the same steps as a walk, entering nothing beside it. A folder at its end waits.
    fn go_to(&mut self, path: &Path) -> ControlFlow<()> {
        let mut folder = String::new();
        for name in path.components() {
            let Component::Normal(name) = name else { return ControlFlow::Continue(()) };
            let Ok(name) = CString::new(name.as_bytes()) else { return ControlFlow::Continue(()) };
            // A walk comes here only by opening each folder.
            let opened = match self.root.folder(&folder) {
                Ok(opened) => opened,
                Err(why) => return self.refused(&folder, &why),
            };
            // And it is told of names that are there.
            if let Err(Errno::NOENT) = statat(&opened, &name, AtFlags::SYMLINK_NOFOLLOW) {
                return ControlFlow::Continue(());
            }
            self.entry(&folder, &name, FileType::Unknown)?;
            match self.waiting.pop() {
                Some(below) => folder = below,
                None => return ControlFlow::Continue(()),
            }
        }
        self.waiting.push(folder);
        ControlFlow::Continue(())
    }

    fn folder(&mut self, path: &str) -> ControlFlow<()> {
        let opened =
            self.root.folder(path).and_then(|fd| Dir::read_from(&fd).map(|dir| (fd, dir)).map_err(Refused::from));
        let (_fd, mut dir) = match opened {
            Ok(opened) => opened,
            Err(why) => return self.refused(path, &why),
        };
        (self.visit)(Step::Folder(path))?;
        while let Some(entry) = dir.read() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(errno) => return self.refused(path, &errno.into()),
            };
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            self.names += 1;
            if self.names > NAMES_MAX {
                return self.too_many(&format!("the folder holds more than {NAMES_MAX} names"));
            }
            self.entry(path, entry.file_name(), entry.file_type())?;
        }
        ControlFlow::Continue(())
    }

    fn entry(&mut self, folder: &str, name: &std::ffi::CStr, kind: FileType) -> ControlFlow<()> {
        let Some(name) = name.to_str().ok().filter(|name| can_be_shown(name)) else {
            return self.skip(
                join(folder, &cleaned(&name.to_string_lossy())),
                "its name holds characters that can't be shown; rename it".into(),
                false,
            );
        };
        let path = join(folder, name);
        if name.starts_with('.')
            || !(kind.is_dir() || kind.is_symlink() || kind == FileType::Unknown || admits_file(name))
        {
            return ControlFlow::Continue(());
        }
        let stat = match statat(self.root.as_fd(), &path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(errno) => return self.refused(&path, &errno.into()),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => self.enter(folder, name, path),
            FileType::RegularFile if admits_file(name) => self.file(path, &stat),
            FileType::Symlink => self.refused(&path, &Refused::Link),
            _ if admits_file(name) => self.refused(&path, &Refused::NotRegular),
            _ => ControlFlow::Continue(()),
        }
    }

    fn enter(&mut self, folder: &str, name: &str, path: String) -> ControlFlow<()> {
        let depth = if folder.is_empty() { 0 } else { 1 + folder.matches('/').count() };
        if !admits_folder(name, depth, &self.root.root.top_taken) {
            return ControlFlow::Continue(());
        }
        if depth >= DEPTH_MAX || path.len() > PATH_BYTES_MAX {
            return self.skip(path, format!("it is deeper than {DEPTH_MAX} folders or its path is too long"), false);
        }
        self.waiting.push(path);
        ControlFlow::Continue(())
    }

    fn file(&mut self, path: String, stat: &Stat) -> ControlFlow<()> {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        if size > FILE_BYTES_MAX {
            return self.refused(&path, &Refused::TooLarge(size));
        }
        self.files += 1;
        if self.files > FILES_MAX {
            return self.too_many(&format!("the folder holds more than {FILES_MAX} files; mount a part of it"));
        }
        (self.visit)(Step::File(Found { path, size, mtime_ns: mtime_ns(stat) }))
    }

    /// The rest is left out: what was indexed of it stays.
    fn too_many(&mut self, why: &str) -> ControlFlow<()> {
        self.waiting.clear();
        self.skip(String::new(), why.to_owned(), true)?;
        ControlFlow::Break(())
    }

    fn refused(&mut self, path: &str, why: &Refused) -> ControlFlow<()> {
        match why {
            // It went away while we looked.
            Refused::NotThere if !path.is_empty() => ControlFlow::Continue(()),
            why => self.skip(path.to_owned(), why.to_string(), matches!(why, Refused::Denied | Refused::Io(_))),
        }
    }

    fn skip(&mut self, path: String, why: String, unknown_below: bool) -> ControlFlow<()> {
        (self.visit)(Step::Skipped { path, why, unknown_below })
    }
}

// The fields' types differ between machines.
#[allow(clippy::useless_conversion, clippy::unnecessary_fallible_conversions)]
fn mtime_ns(stat: &Stat) -> i64 {
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
    i64::from(stat.st_mtime).saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}
