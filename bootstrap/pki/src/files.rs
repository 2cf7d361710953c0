//! Files and folders that only their owner reads, and that are there whole or not at all.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
/// What the name of a file or folder ends in that is not whole yet.
const PART: &str = "part";
/// How often a folder that another process changes is asked for, and how long it is waited in between: 5 s in all.
const LOCK_TRIES: u32 = 250;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A folder that only this process changes, until this is dropped.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code)] File);

impl Lock {
    pub(crate) fn take(folder: &Path) -> Result<Self, Error> {
        let opened = open("opened", folder)?;
        for _ in 0..LOCK_TRIES {
            match opened.try_lock() {
                Ok(()) => return Ok(Self(opened)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(Error::io("locked", folder)(error)),
            }
        }
        Err(Error::Busy(folder.to_owned()))
    }
}

/// The text of a file of at most so many bytes.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Result<String, Error> {
    take(open("read", path)?, path, bytes_max)
}

/// The same of a file that must be closed to others.
pub(crate) fn read_secret(path: &Path, bytes_max: usize) -> Result<String, Error> {
    let file = open("read", path)?;
    let mode = file.metadata().map_err(Error::io("read", path))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::OpenToOthers { path: path.to_owned(), mode });
    }
    take(file, path, bytes_max)
}

fn open(verb: &'static str, path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::NotThere(path.to_owned()),
        _ => Error::io(verb, path)(error),
    })
}

fn take(file: File, path: &Path, bytes_max: usize) -> Result<String, Error> {
    let mut text = String::new();
    let read = file.take(bytes_max as u64 + 1).read_to_string(&mut text).map_err(Error::io("read", path))?;
    if read > bytes_max {
        return Err(Error::damaged(path.display().to_string(), format!("it is longer than {bytes_max} bytes")));
    }
    Ok(text)
}

/// Writes a file: there is the old one, or the new one, whole. The folder must be locked.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    let part = part(path);
    remove(&part)?;
    let made = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&part);
    let mut file = made.map_err(Error::io("made", &part))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(Error::io("written", &part))?;
    rename(&part, path)
}

/// Gives a file its name, for good.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::rename(from, to).map_err(Error::io("written", to))?;
    sync_folder(to.parent().unwrap_or(Path::new(".")))
}

/// Removes a file if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("removed", path)(error)),
        _ => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> Result<(), Error> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder).and_then(|opened| opened.sync_all()).map_err(Error::io("written", folder))
}

fn part(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(PART);
    path.with_file_name(name)
}

/// Makes a folder of these files: it is there whole, or not at all. One that holds anything is left as it is.
pub(crate) fn make_folder(folder: &Path, files: &[(&str, &str)]) -> Result<(), Error> {
    if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(Error::AlreadyThere(folder.to_owned()));
    }
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(above);
        made.map_err(Error::io("made", above))?;
    }
    let part = part(folder);
    match DirBuilder::new().mode(FOLDER_MODE).create(&part) {
        // Left by one that was cut off; what it was to hold is written again.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => made.map_err(Error::io("made", &part))?,
    }
    let _lock = Lock::take(&part)?;
    for (name, text) in files {
        write(&part.join(name), text)?;
    }
    match std::fs::rename(&part, folder) {
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Err(Error::AlreadyThere(folder.to_owned())),
        renamed => renamed.map_err(Error::io("made", folder)),
    }?;
    sync_folder(folder.parent().unwrap_or(Path::new(".")))
}
