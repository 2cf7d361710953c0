//! One folder of knowledge, and what is read beneath it.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat2};
use rustix::io::Errno;

use crate::core::{FILE_BYTES_MAX, admits_folders, concerns, may_write, told};
use crate::refused::Refused;

/// A resolution that met a rename is tried again; so often.
const TRIES_MAX: usize = 8;

/// Device and inode: what a folder is, whatever it is called.
pub type Identity = (u64, u64);

/// A folder that is covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The first segment of its paths; empty for the workspace's own folder.
    pub name: String,
    /// Where it is.
    pub folder: PathBuf,
    /// Folders at its top that are not its knowledge.
    pub(crate) top_taken: Vec<String>,
    /// Folders of records that must not be reached through it.
    pub(crate) guarded: Vec<PathBuf>,
}

/// A root that is there.
pub struct OpenRoot<'a> {
    /// Which.
    pub root: &'a Root,
    /// What it is, whatever it is called.
    pub identity: Identity,
    fd: OwnedFd,
    guarded: Vec<Identity>,
}

impl Root {
    /// It is the workspace's own folder, the only one that is written.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.name.is_empty()
    }

    /// A path below this root as people see it.
    #[must_use]
    pub fn shown(&self, path: &str) -> String {
        match (self.name.as_str(), path) {
            ("", path) => path.to_owned(),
            (name, "") => name.to_owned(),
            (name, path) => format!("{name}/{path}"),
        }
    }

    /// The root as people see it.
    #[must_use]
    pub fn title(&self) -> String {
        let name = if self.name.is_empty() { "workspace" } else { &self.name };
        format!("{name} -> {}", self.folder.display())
    }

    /// Whether a whole path of a folder below this root may hold knowledge; `""` is the root.
    #[must_use]
    pub fn admits_folder(&self, path: &str) -> bool {
        admits_folders(path, &self.top_taken)
    }

    /// Whether something that happened at a path below this root can matter to a walk of it: hidden names, records and
    /// files that are no texts can't. `is_file`: it is known to be no folder.
    #[must_use]
    pub fn concerns(&self, below: &Path, is_file: bool) -> bool {
        concerns(below, is_file, &self.top_taken)
    }

    /// A path below this root as a walk tells of it: names that can't be shown are cleaned.
    #[must_use]
    pub fn told(below: &Path) -> String {
        told(below)
    }

    /// Whether a path below this root may be written. Nothing here says whether it is there.
    ///
    /// # Errors
    /// Why it may not, to be put after the path: `is among the workspace's own records`.
    pub fn may_write(&self, path: &str) -> Result<(), &'static str> {
        if self.is_own() { may_write(path, &self.top_taken) } else { Err("is in a mounted folder, which is only read") }
    }

    /// Takes hold of the folder.
    ///
    /// # Errors
    /// [`Refused`] when it is not there, may not be read, or is one of records.
    pub fn open(&self) -> Result<OpenRoot<'_>, Refused> {
        let fd = open(&self.folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let identity = identity(&fstat(&fd)?);
        let guarded = self.guarded.iter().filter_map(|path| rustix::fs::stat(path).ok()).map(|s| self::identity(&s));
        let guarded: Vec<Identity> = guarded.collect();
        if guarded.contains(&identity) || self.is_within_guarded()? {
            return Err(Refused::Records);
        }
        Ok(OpenRoot { root: self, identity, fd, guarded })
    }

    fn is_within_guarded(&self) -> Result<bool, Refused> {
        let real = self.folder.canonicalize().map_err(Refused::Io)?;
        Ok(self.guarded.iter().filter_map(|path| path.canonicalize().ok()).any(|guarded| real.starts_with(guarded)))
    }
}

impl OpenRoot<'_> {
    pub(crate) fn beneath(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Refused> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // A pipe or a terminal must not hold us up; openat2 refuses these flags beside PATH, which opens nothing.
        let calm = if flags.contains(OFlags::PATH) { OFlags::empty() } else { OFlags::NONBLOCK | OFlags::NOCTTY };
        let flags = flags | calm;
        let path = if path.is_empty() { "." } else { path };
        for _ in 1..TRIES_MAX {
            match openat2(&self.fd, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                opened => return Ok(opened?),
            }
        }
        Ok(openat2(&self.fd, path, flags, Mode::empty(), resolve)?)
    }

    /// Opens a folder below the root, `""` for the root itself.
    pub(crate) fn folder(&self, path: &str) -> Result<OwnedFd, Refused> {
        let fd = self.beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        if self.is_guarded(&fstat(&fd)?) { Err(Refused::Records) } else { Ok(fd) }
    }

    /// No folder above a path is one of records.
    pub(crate) fn check_guards(&self, path: &str) -> Result<(), Refused> {
        if self.guarded.is_empty() {
            return Ok(());
        }
        let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        folders
            .map(|folder| self.beneath(folder, OFlags::PATH))
            .try_for_each(|fd| if self.is_guarded(&fstat(fd?)?) { Err(Refused::Records) } else { Ok(()) })
    }

    pub(crate) fn is_guarded(&self, stat: &Stat) -> bool {
        self.guarded.contains(&identity(stat))
    }

    /// Reads a file below the root. Whether its path is one of knowledge is for who asks: see [`crate::find_file`].
    ///
    /// # Errors
    /// [`Refused`] with what is wrong with it.
    pub fn read(&self, path: &str) -> Result<String, Refused> {
        self.check_guards(path)?;
        read_text(self.beneath(path, OFlags::RDONLY)?)
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn read_text(fd: OwnedFd) -> Result<String, Refused> {
    let bytes = read_bytes(fd)?.0;
    if bytes.contains(&0) {
        return Err(Refused::Binary);
    }
    String::from_utf8(bytes).map_err(|_| Refused::NotUtf8)
}

/// What a regular file holds, and its mode.
pub(crate) fn read_bytes(fd: OwnedFd) -> Result<(Vec<u8>, Mode), Refused> {
    let stat = fstat(&fd)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Refused::NotRegular);
    }
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    if size > FILE_BYTES_MAX {
        return Err(Refused::TooLarge(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    File::from(fd).take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(Refused::Io)?;
    let length = bytes.len() as u64;
    if length > FILE_BYTES_MAX {
        return Err(Refused::TooLarge(length));
    }
    Ok((bytes, Mode::from_raw_mode(stat.st_mode)))
}

pub(crate) fn identity(stat: &Stat) -> Identity {
    (stat.st_dev, stat.st_ino)
}
