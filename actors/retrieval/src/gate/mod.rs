//! The gate: the only code that opens knowledge, and only beneath its folder.
//!
//! Everything is resolved by the kernel with `openat2` and RESOLVE_BENEATH, NO_SYMLINKS and NO_MAGICLINKS (openat2(2)):
//! there is no path to check and then open, so nothing can be exchanged in between.

pub(crate) mod core;
mod walk;

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat2};
use rustix::io::Errno;

use self::core::{FILE_BYTES_MAX, RECORDS};
use crate::config::IndexConfig;

pub(crate) use walk::{Found, Step, walk, walk_from};

/// A resolution that met a rename is tried again; so often.
const TRIES_MAX: usize = 8;

/// Device and inode: what a folder is, whatever it is called.
pub(crate) type Identity = (u64, u64);

/// A folder that is covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    /// The first segment of its paths; empty for the workspace's own folder.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) folder: PathBuf,
    /// Folders at its top that are not its knowledge.
    pub(crate) top_taken: Vec<String>,
    /// Folders of records that must not be reached through it.
    guarded: Vec<PathBuf>,
}

/// A root that is there.
pub(crate) struct OpenRoot<'a> {
    pub(crate) root: &'a Root,
    pub(crate) identity: Identity,
    fd: OwnedFd,
    guarded: Vec<Identity>,
}

/// Why a file or folder is left out. `Display` is for people.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("it is not there")]
    NotThere,
    #[error("it is a symbolic link, or reached by one; links are not followed")]
    Link,
    #[error("it is not a regular file")]
    NotRegular,
    #[error("it has {0} bytes; {FILE_BYTES_MAX} are allowed")]
    TooLarge(u64),
    #[error("it is not text (it holds NUL bytes)")]
    Binary,
    #[error("it is not UTF-8 text; save it as UTF-8")]
    NotUtf8,
    #[error("it holds this workspace's own records")]
    Records,
    #[error("it may not be read (permission denied)")]
    Denied,
    #[error("it can't be read: {0}")]
    Io(std::io::Error),
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => Self::NotThere,
            Errno::LOOP | Errno::XDEV => Self::Link,
            // A socket, or a device without a driver.
            Errno::NXIO | Errno::NODEV => Self::NotRegular,
            Errno::ACCESS | Errno::PERM => Self::Denied,
            other => Self::Io(other.into()),
        }
    }
}

/// The folders that an index covers: the workspace's own, then the mounts.
pub(crate) fn roots(config: &IndexConfig) -> Vec<Root> {
    let workspace = &config.workspace_folder;
    let mut top_taken: Vec<String> = RECORDS.iter().map(|name| (*name).to_owned()).collect();
    top_taken.extend(config.mounts.iter().map(|mount| mount.name.clone()));
    let own = Root { name: String::new(), folder: workspace.clone(), top_taken, guarded: Vec::new() };
    // A mount may be a folder above the workspace: its records are not knowledge there either, nor those of its siblings.
    let siblings = workspace.parent().filter(|parent| parent.file_name().is_some_and(|name| name == "workspaces"));
    let guarded: Vec<PathBuf> =
        [Some(workspace.as_path()), siblings].into_iter().flatten().map(Path::to_path_buf).collect();
    let mounts = config.mounts.iter().map(|mount| Root {
        name: mount.name.clone(),
        folder: mount.folder.clone(),
        top_taken: Vec::new(),
        guarded: guarded.clone(),
    });
    std::iter::once(own).chain(mounts).collect()
}

impl Root {
    /// A path below this root as people see it.
    pub(crate) fn shown(&self, path: &str) -> String {
        match (self.name.as_str(), path) {
            ("", path) => path.to_owned(),
            (name, "") => name.to_owned(),
            (name, path) => format!("{name}/{path}"),
        }
    }

    /// The root as people see it.
    pub(crate) fn title(&self) -> String {
        let name = if self.name.is_empty() { "workspace" } else { &self.name };
        format!("{name} -> {}", self.folder.display())
    }

    /// Takes hold of the folder.
    pub(crate) fn open(&self) -> Result<OpenRoot<'_>, Refused> {
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
    fn beneath(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Refused> {
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
    fn folder(&self, path: &str) -> Result<OwnedFd, Refused> {
        let fd = self.beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        if self.is_guarded(&fstat(&fd)?) { Err(Refused::Records) } else { Ok(fd) }
    }

    fn is_guarded(&self, stat: &Stat) -> bool {
        self.guarded.contains(&identity(stat))
    }

    /// Reads a file below the root.
    pub(crate) fn read(&self, path: &str) -> Result<String, Refused> {
        if !self.guarded.is_empty() {
            let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
            folders
                .map(|folder| self.beneath(folder, OFlags::PATH))
                .try_for_each(|fd| if self.is_guarded(&fstat(fd?)?) { Err(Refused::Records) } else { Ok(()) })?;
        }
        let fd = self.beneath(path, OFlags::RDONLY)?;
        let stat = fstat(&fd)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Refused::NotRegular);
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        if size > FILE_BYTES_MAX {
            return Err(Refused::TooLarge(size));
        }
        read_text(fd, size)
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn read_text(fd: OwnedFd, size: u64) -> Result<String, Refused> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    File::from(fd).take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(Refused::Io)?;
    let length = bytes.len() as u64;
    if length > FILE_BYTES_MAX {
        return Err(Refused::TooLarge(length));
    }
    if bytes.contains(&0) {
        return Err(Refused::Binary);
    }
    String::from_utf8(bytes).map_err(|_| Refused::NotUtf8)
}

fn identity(stat: &Stat) -> Identity {
    (stat.st_dev, stat.st_ino)
}

#[cfg(test)]
mod tests;
