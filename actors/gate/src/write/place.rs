//! A folder that is held open, and the changes that are made in it. Names are single segments.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;

use rustix::fs::unlinkat;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, fchmod, fstat, fsync, mkdirat, openat, renameat, renameat_with};
use rustix::io::Errno;

use super::WriteError;
use crate::refused::Refused;
use crate::root::{Identity, OpenRoot, identity, read_bytes};

/// A folder below a root.
pub(super) struct Place(OwnedFd);

/// What stands under a name.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    pub(super) mode: Mode,
}

impl Place {
    /// Opens a folder that is there.
    pub(super) fn open(root: &OpenRoot<'_>, path: &str) -> Result<Self, Refused> {
        root.folder(path).map(Self)
    }

    /// Opens a folder, making what is missing of it. `again`: what may have been made before a crash is made durable too.
    pub(super) fn make(root: &OpenRoot<'_>, path: &str, again: bool) -> Result<Self, WriteError> {
        match root.folder(path) {
            Err(Refused::NotThere) => {}
            Ok(_) if again => {}
            opened => return Ok(Self(opened?)),
        }
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let mut above = Self::open(root, "")?;
        for folder in ends.filter_map(|end| path.get(..end)).filter(|folder| !folder.is_empty()) {
            above = above.child(root, folder, again)?;
        }
        Ok(above)
    }

    fn child(&self, root: &OpenRoot<'_>, path: &str, again: bool) -> Result<Self, WriteError> {
        let opened = match root.folder(path) {
            Err(Refused::NotThere) => {
                let name = path.rsplit('/').next().unwrap_or(path);
                match mkdirat(&self.0, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(errno.into()),
                }
                let opened = root.folder(path);
                self.sync()?;
                opened
            }
            opened => {
                if again {
                    self.sync()?;
                }
                opened
            }
        };
        match opened {
            Err(Refused::NotThere) => Err(WriteError::NoFolder),
            opened => Ok(Self(opened?)),
        }
    }

    /// What it is, whatever it is called.
    pub(super) fn identity(&self) -> Result<Identity, WriteError> {
        Ok(identity(&fstat(&self.0)?))
    }

    /// What a file holds; `None` when it is not there.
    pub(super) fn read(&self, name: &str) -> Result<Option<Text>, Refused> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match openat(&self.0, name, flags, Mode::empty()) {
            Ok(fd) => read_bytes(fd).map(|(bytes, mode)| Some(Text { bytes, mode })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Writes a new file and waits until the disk has it. When that fails nothing is left of it.
    pub(super) fn put(&self, name: &str, bytes: &[u8], mode: Option<Mode>) -> Result<(), WriteError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.0, name, flags, Mode::from_raw_mode(0o666))?);
        super::marks::passed("gate.new.begun");
        let written = file.write_all(bytes).and_then(|()| {
            if let Some(mode) = mode {
                fchmod(&file, mode)?;
            }
            file.sync_all()
        });
        written.map_err(|error| {
            drop(self.remove(name));
            WriteError::Io(error)
        })
    }

    /// Takes a file away; one that is not there is no error.
    pub(super) fn remove(&self, name: &str) -> Result<(), WriteError> {
        match unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Moves a file to a name in another folder, over what is there.
    pub(super) fn rename(&self, from: &str, to: &Self, name: &str) -> Result<(), WriteError> {
        Ok(renameat(&self.0, from, &to.0, name)?)
    }

    /// Gives a file a name that is free; [`WriteError::Exists`] when it is not.
    pub(super) fn rename_new(&self, from: &str, to: &str) -> Result<(), WriteError> {
        match renameat_with(&self.0, from, &self.0, to, RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => Err(WriteError::Exists),
            Err(Errno::INVAL) => Err(can_not("rename without replacing")),
            renamed => Ok(renamed?),
        }
    }

    /// Exchanges what two names stand for, at once.
    pub(super) fn exchange(&self, one: &str, other: &str) -> Result<(), WriteError> {
        match renameat_with(&self.0, one, &self.0, other, RenameFlags::EXCHANGE) {
            Err(Errno::NOENT) => Err(WriteError::Changed),
            Err(Errno::INVAL) => Err(can_not("exchange two names at once")),
            exchanged => Ok(exchanged?),
        }
    }

    /// Waits until the disk has the folder's names.
    pub(super) fn sync(&self) -> Result<(), WriteError> {
        Ok(fsync(&self.0)?)
    }
}

fn can_not(what: &str) -> WriteError {
    let why = format!("this file system can't {what} (renameat2); keep workspaces on a local disk");
    WriteError::Io(std::io::Error::new(std::io::ErrorKind::Unsupported, why))
}
