//! A chat log's file: written at the offsets that commits allotted, and never over what somebody else wrote.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use messages::Moment;
use messages::store::FileStamp;

use super::look;

/// Logs whose last look is remembered; beyond it a hand edit is found when the log is next opened.
const STAMPS_MAX: usize = 16_384;

/// The log files of a node, and what each looked like after our last write.
pub(super) struct LogFiles {
    root: PathBuf,
    stamps: Mutex<HashMap<String, FileStamp>>,
}

/// Why a log was not written.
#[derive(Debug)]
pub(super) enum Refused {
    /// Somebody else wrote it since we did.
    Edited,
    Io(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl LogFiles {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), stamps: Mutex::default() }
    }

    fn path(&self, log: &str) -> PathBuf {
        self.root.join(log)
    }

    fn seen(&self, log: &str) -> Option<FileStamp> {
        self.stamps.lock().unwrap_or_else(PoisonError::into_inner).get(log).copied()
    }

    pub(super) fn remember(&self, log: &str, stamp: FileStamp) {
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        if stamps.len() >= STAMPS_MAX && !stamps.contains_key(log) {
            stamps.clear();
        }
        stamps.insert(log.to_owned(), stamp);
    }

    /// It could not be compared: whatever it looks like, it is not as we left it, and nothing is written before it was.
    pub(super) fn doubt(&self, log: &str) {
        self.remember(log, FileStamp { inode: 0, size: u64::MAX, mtime_ns: i64::MIN });
    }

    fn forget(&self, log: &str) {
        self.stamps.lock().unwrap_or_else(PoisonError::into_inner).remove(log);
    }

    fn open(&self, log: &str) -> io::Result<File> {
        let path = self.path(log);
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                open()
            }
            opened => opened,
        }
    }

    /// Writes at an offset, if the file still looks as we left it.
    pub(super) fn write(&self, log: &str, offset: u64, bytes: &[u8]) -> Result<(), Refused> {
        let file = self.open(log)?;
        let now = look::of(&file.metadata()?);
        let edited = match self.seen(log) {
            Some(seen) => seen != now,
            // Never looked at since the start: it can only be ours if nothing lies beyond our own entries.
            None => now.size > offset,
        };
        if edited {
            return Err(Refused::Edited);
        }
        self.put(log, &file, offset, bytes)
    }

    /// Writes whatever the file looks like: it has just been compared with its entries.
    pub(super) fn overwrite(&self, log: &str, offset: u64, bytes: &[u8]) -> Result<(), Refused> {
        let file = self.open(log)?;
        self.put(log, &file, offset, bytes)
    }

    fn put(&self, log: &str, file: &File, offset: u64, bytes: &[u8]) -> Result<(), Refused> {
        let written = file.write_all_at(bytes, offset).and_then(|()| file.metadata());
        match written {
            Ok(found) => {
                self.remember(log, look::of(&found));
                Ok(())
            }
            Err(error) => {
                self.forget(log);
                Err(error.into())
            }
        }
    }

    /// Syncs, and says how much is on disk and what the file looks like.
    pub(super) fn sync(&self, log: &str) -> Result<FileStamp, Refused> {
        let file = self.open(log)?;
        let now = look::of(&file.metadata()?);
        if self.seen(log).is_some_and(|seen| seen != now) {
            return Err(Refused::Edited);
        }
        file.sync_data()?;
        Ok(now)
    }

    pub(super) fn stamp(&self, log: &str) -> Option<FileStamp> {
        std::fs::metadata(self.path(log)).ok().map(|found| look::of(&found))
    }

    /// Up to `length` bytes at an offset; fewer at the end of the file.
    pub(super) fn read(&self, log: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = look::open(&self.path(log))?;
        let (mut bytes, mut filled) = (vec![0; length], 0);
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Renames a log that was edited by hand, beside where it stood; gives its new name.
    pub(super) fn set_aside(&self, log: &str, now: Moment) -> io::Result<String> {
        let (path, at) = (self.path(log), markdown::civil::utc(now.0).replace([':', ' '], "-"));
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("log").to_owned();
        for n in 0..1_000 {
            let name = if n == 0 { format!("{stem}.edited-{at}.md") } else { format!("{stem}.edited-{at}-{n}.md") };
            let aside = path.with_file_name(&name);
            if !aside.exists() {
                std::fs::rename(&path, &aside)?;
                self.forget(log);
                return Ok(name);
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "a thousand copies of this log were set aside in one second"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_written_at_its_offsets_and_never_over_a_hand_edit() {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogFiles::new(folder.path());
        let log = "home/logs/console/general.md";
        logs.write(log, 0, b"one\n").unwrap();
        logs.write(log, 4, b"two\n").unwrap();
        let path = folder.path().join(log);
        std::fs::write(&path, "one\nTWO\nthree\n").unwrap();
        assert!(matches!(logs.write(log, 8, b"three\n"), Err(Refused::Edited)));
        let aside = logs.set_aside(log, Moment(0)).unwrap();
        assert_eq!(aside, "general.edited-1970-01-01-00-00-00Z.md");
        logs.write(log, 0, b"one\ntwo\nthree\n").unwrap();
        assert_eq!(std::fs::read_to_string(path.with_file_name(aside)).unwrap(), "one\nTWO\nthree\n");
    }

    #[test]
    fn a_foreign_file_in_the_place_of_a_log_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log.md"), "mine").unwrap();
        let logs = LogFiles::new(folder.path());
        assert!(matches!(logs.write("log.md", 0, b"x"), Err(Refused::Edited)));
    }
}
