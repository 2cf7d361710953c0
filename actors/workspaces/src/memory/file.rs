//! The file `memory.md`: read and replaced beneath its context's folder; no link is followed.
//!
//! ```text
//!   read, look ─► the new text beside it, durable ─► does it look as it did? ─► exchange the two names
//!     ─► what came out is what was read?  yes: take it away, make the folder durable   no: exchange back, start over
//! ```
//!
//! So a person who saves at the very moment loses nothing: their file is there, and the change is made to it anew. Only an end
//! of the process between an exchange and the one back, with a save right before the first, loses that save.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use markdown::memory::FILE_BYTES_MAX;
use messages::store::FileStamp;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, fchmod, fstat, fsync, openat, renameat_with, unlinkat};
use rustix::io::Errno;

use crate::context::look;

/// The file's name, and the name under which a new one is written.
const NAME: &str = "memory.md";
const HALF: &str = ".memory.md.half";
/// The largest file that is changed at all.
const READ_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Times that a change is begun anew because somebody else has saved.
const TRIES_MAX: u32 = 16;

/// What the file says, for prompts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MemoryText {
    pub(crate) text: String,
    /// It is larger than is read.
    pub(crate) is_cut: bool,
}

/// What stands in the file, and what it looked like.
struct Found {
    text: String,
    stamp: FileStamp,
    mode: Mode,
}

/// What the file looks like; all zero when it is not there.
pub(crate) fn stamp(folder: &Path) -> FileStamp {
    std::fs::symlink_metadata(folder.join(NAME)).map(|found| look::of(&found)).unwrap_or_default()
}

/// The text for prompts, empty when there is none; of a file that is too large its beginning, in whole lines.
///
/// # Errors
/// One sentence that says why it can't be read.
pub(crate) fn said(folder: &Path) -> Result<MemoryText, String> {
    let said = open(folder).and_then(|at| read(&at)).map_err(|error| words(&error))?;
    let Some(found) = said else { return Ok(MemoryText::default()) };
    if found.text.len() <= FILE_BYTES_MAX {
        return Ok(MemoryText { text: found.text, is_cut: false });
    }
    let cut = markdown::text::cut(&found.text, FILE_BYTES_MAX);
    let end = cut.rfind('\n').map_or(cut.len(), |at| at + 1);
    Ok(MemoryText { text: cut.get(..end).unwrap_or(cut).to_owned(), is_cut: true })
}

/// Changes the text: `change` gives the new one and what came of it; it is asked again where somebody else has saved
/// meanwhile. The same text is not written. When this returns, what it did is on disk.
///
/// # Errors
/// One sentence that says why it could not be changed; then nothing was.
pub(crate) fn change<T>(folder: &Path, mut change: impl FnMut(&str) -> (String, T)) -> Result<T, String> {
    let opened = match open(folder) {
        // Of a context whose folder is gone there is nothing to be taken out.
        Err(error) if error.kind() == io::ErrorKind::NotFound => match change("") {
            (text, came) if text.is_empty() => return Ok(came),
            _ => Err(error),
        },
        opened => opened,
    };
    let done = opened.and_then(|at| {
        // What a crash left beside it.
        remove(&at)?;
        for _ in 0..TRIES_MAX {
            let found = read(&at)?;
            let (text, came) = change(found.as_ref().map_or("", |found| &found.text));
            let same = found.as_ref().map_or(text.is_empty(), |found| found.text == text);
            if same || place(&at, &text, found.as_ref())? {
                fsync(&at)?;
                return Ok(came);
            }
        }
        Err(io::Error::other(format!("it was changed {TRIES_MAX} times while it was to be written")))
    });
    done.map_err(|error| words(&error))
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "its context's folder is not there".to_owned(),
        _ => error.to_string(),
    }
}

/// The folder of the context. The one that holds it is as the program made it; its own last part may be no link.
fn open(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(CWD, folder, flags, Mode::empty())?)
}

fn read(at: &OwnedFd) -> io::Result<Option<Found>> {
    // A pipe in its place must not hold us up until somebody writes into it.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = match openat(at, NAME, flags, Mode::empty()) {
        Ok(opened) => File::from(opened),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(io::Error::other("it is a symbolic link, and links are not followed")),
        Err(errno) => return Err(errno.into()),
    };
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let (stamp, mut bytes) = (look::of(&meta), Vec::new());
    (&mut file).take(READ_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > READ_BYTES_MAX {
        return Err(io::Error::other(format!("it is larger than {READ_BYTES_MAX} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        io::Error::other(format!("line {line}: it is not UTF-8"))
    })?;
    let mode = Mode::from_raw_mode(fstat(&file)?.st_mode & 0o777);
    Ok(Some(Found { text, stamp, mode }))
}

/// Puts the new text in place of what was found; `false`: somebody else has saved, and nothing was changed.
fn place(at: &OwnedFd, text: &str, found: Option<&Found>) -> io::Result<bool> {
    remove(at)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut half = File::from(openat(at, HALF, flags, Mode::from_raw_mode(0o666))?);
    let written = half.write_all(text.as_bytes()).and_then(|()| match found {
        Some(found) => Ok(fchmod(&half, found.mode)?),
        None => Ok(()),
    });
    if let Err(error) = written.and_then(|()| half.sync_all()) {
        remove(at)?;
        return Err(error);
    }
    let Some(found) = found else {
        return match renameat_with(at, HALF, at, NAME, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(errno.into()),
        };
    };
    if looks(at, NAME)? != Some(found.stamp) {
        return Ok(false);
    }
    match renameat_with(at, HALF, at, NAME, RenameFlags::EXCHANGE) {
        Ok(()) => {}
        // It was taken away.
        Err(Errno::NOENT) => return Ok(false),
        Err(errno) => return Err(errno.into()),
    }
    if looks(at, HALF)? == Some(found.stamp) {
        remove(at)?;
        return Ok(true);
    }
    renameat_with(at, HALF, at, NAME, RenameFlags::EXCHANGE)?;
    Ok(false)
}

fn looks(at: &OwnedFd, name: &str) -> io::Result<Option<FileStamp>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(at, name, flags, Mode::empty()) {
        Ok(opened) => Ok(Some(look::of(&File::from(opened).metadata()?))),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

fn remove(at: &OwnedFd) -> io::Result<()> {
    match unlinkat(at, HALF, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_is_made_and_one_that_is_there_replaced_with_its_mode() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        assert_eq!(said(folder.path()).unwrap(), MemoryText::default());
        std::fs::write(folder.path().join(HALF), "left by a crash").unwrap();
        change(folder.path(), |old| (format!("{old}one\n"), ())).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        change(folder.path(), |old| (format!("{old}two\n"), ())).unwrap();
        assert_eq!(said(folder.path()).unwrap().text, "one\ntwo\n");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        let before = stamp(folder.path());
        change(folder.path(), |old| (old.to_owned(), ())).unwrap();
        assert_eq!((stamp(folder.path()), names(folder.path())), (before, vec![NAME.to_owned()]));
    }

    #[test]
    fn a_save_in_between_is_kept_and_the_change_made_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        for there in [false, true] {
            let mut saves = vec!["by hand\n", "by hand, twice\n"];
            if !there {
                std::fs::remove_file(&file).ok();
            }
            change(folder.path(), |old| {
                if let Some(save) = saves.pop() {
                    // As editors do: beside it, and then renamed over.
                    std::fs::write(folder.path().join("save"), save).unwrap();
                    std::fs::rename(folder.path().join("save"), &file).unwrap();
                }
                (format!("{old}ours\n"), ())
            })
            .unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), "by hand\nours\n");
        }
        assert_eq!(names(folder.path()), [NAME]);
    }

    #[test]
    fn of_a_folder_that_is_gone_nothing_is_taken_out_and_nothing_is_added_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        change(&gone, |old| (old.to_owned(), ())).unwrap();
        assert!(change(&gone, |_| ("x".to_owned(), ())).unwrap_err().contains("is not there"));
        assert_eq!(said(&gone).unwrap_err(), "its context's folder is not there");
    }

    #[test]
    fn links_pipes_and_what_is_no_text_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join(NAME), folder.path().join("other"));
        std::fs::write(&other, "others").unwrap();
        std::os::unix::fs::symlink(&other, &file).unwrap();
        let refused = |what: &str| {
            assert!(said(folder.path()).unwrap_err().contains(what), "{what}");
            assert!(change(folder.path(), |_| ("x".to_owned(), ())).unwrap_err().contains(what), "{what}");
        };
        refused("symbolic link");
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        refused("regular file");
        std::fs::remove_dir(&file).unwrap();
        std::fs::write(&file, b"a\nb\xff\n").unwrap();
        refused("line 2");
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "others");
    }

    #[test]
    fn of_a_file_that_is_too_large_whole_lines_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let line = "x".repeat(1_023) + "\n";
        for (lines, is_cut) in [(64, false), (65, true)] {
            std::fs::write(folder.path().join(NAME), line.repeat(lines)).unwrap();
            let read = said(folder.path()).unwrap();
            assert_eq!((read.text.len(), read.is_cut), (FILE_BYTES_MAX, is_cut));
        }
    }
}
