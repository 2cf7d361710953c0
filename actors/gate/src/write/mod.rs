//! Writing a text so that whatever happens in between, the old one or the new one is there, whole, and none is lost.
//!
//! ```text
//!   read the old text, compare ─► keep it as a version, durable ─► write the new one beside it, durable
//!     ─► exchange the two names ─► what came out is what was compared?  yes: take it away, make the folder durable
//!                                                                      no: exchange back, it was changed
//! ```
//!
//! A new file is given its name by a rename that replaces nothing. What a crash leaves is found by the key's own name.

mod marks;
mod place;
mod turns;

use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use self::marks::passed;
use self::place::{Place, Text};
use crate::core::FILE_BYTES_MAX;
use crate::refused::Refused;
use crate::root::{OpenRoot, Root};

/// Where replaced versions are kept, below the workspace's folder: `<path>/<key>.md`.
const VERSIONS: &str = ".versions";
/// The longest key in bytes.
const KEY_BYTES_MAX: usize = 128;

/// What a text is called: its SHA-256, 64 hexadecimal characters in lower case.
#[must_use]
pub fn hash(text: &[u8]) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text and where it is to stand.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// Below the workspace's own folder.
    pub path: &'a str,
    /// All of it.
    pub text: &'a str,
    /// What is there now, as who writes believes.
    pub expect: Expect<'a>,
    /// Unique to this write: letters, digits, `-` and `_`, at most 128. The version before is kept under it.
    pub key: &'a str,
    /// It may have been written before a crash: whether it was is looked at first.
    pub again: bool,
}

/// What is believed to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect<'a> {
    /// Nothing: a new file.
    Absent,
    /// The text of this [`hash`].
    Hash(&'a str),
}

/// What came of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was written.
    Now,
    /// It stood there already: written before a crash, or the same text.
    Before,
}

/// Why a text was not written. But for [`WriteError::Unsure`] nothing was changed. `Display` is for people.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The place is not for tools; why.
    #[error("it {0}")]
    Reserved(&'static str),
    /// It was to be replaced and is not there.
    #[error("it is not there")]
    NotThere,
    /// It was to be new and is there.
    #[error("it is there already")]
    Exists,
    /// It has another text than was believed.
    #[error("it was changed meanwhile")]
    Changed,
    /// The new text's size in bytes.
    #[error("it would have {0} bytes; {FILE_BYTES_MAX} are allowed")]
    TooLarge(u64),
    /// The new text holds NUL bytes.
    #[error("the new text holds NUL bytes")]
    Binary,
    /// A file or a link stands where its path needs a folder.
    #[error("a part of its path is no folder; links are not followed")]
    NoFolder,
    /// What stands there can't be read.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// The disk says no.
    #[error("it can't be written: {0}")]
    Io(std::io::Error),
    /// It is in its place, and the disk did not say that it will stay.
    #[error("whether it is written is not known: {0}")]
    Unsure(Box<WriteError>),
}

impl From<Errno> for WriteError {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

impl OpenRoot<'_> {
    /// Writes a text below the workspace's own folder. Folders that are missing are made for a new file.
    ///
    /// # Errors
    /// [`WriteError`]; only [`WriteError::Unsure`] leaves open whether it was written. The same draft `again` finds out.
    pub fn write(&self, draft: &Draft<'_>) -> Result<Written, WriteError> {
        check(self.root, draft)?;
        let (above, name) = draft.path.rsplit_once('/').unwrap_or(("", draft.path));
        let folder = match draft.expect {
            Expect::Absent => Place::make(self, above, draft.again)?,
            Expect::Hash(_) => Place::open(self, above).map_err(|refused| match refused {
                Refused::NotThere => WriteError::NotThere,
                refused => refused.into(),
            })?,
        };
        let _turn = turns::take(folder.identity()?, name);
        let beside = format!(".{}.tmp", draft.key);
        Writing { root: self, draft, folder, name, beside, hash: hash(draft.text.as_bytes()) }.run()
    }
}

fn check(root: &Root, draft: &Draft<'_>) -> Result<(), WriteError> {
    root.may_write(draft.path).map_err(WriteError::Reserved)?;
    let bytes = draft.text.len() as u64;
    if bytes > FILE_BYTES_MAX {
        return Err(WriteError::TooLarge(bytes));
    }
    if draft.text.contains('\0') {
        return Err(WriteError::Binary);
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if draft.key.is_empty() || draft.key.len() > KEY_BYTES_MAX || !draft.key.bytes().all(is_plain) {
        let why = "its key is empty, too long or not plain";
        return Err(WriteError::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, why)));
    }
    Ok(())
}

struct Writing<'a> {
    root: &'a OpenRoot<'a>,
    draft: &'a Draft<'a>,
    folder: Place,
    name: &'a str,
    /// Where the new text is written first.
    beside: String,
    /// Of the new text.
    hash: String,
}

impl Writing<'_> {
    fn run(&self) -> Result<Written, WriteError> {
        self.settle()?;
        if self.draft.again && self.is_placed()? {
            self.folder.sync().map_err(unsure)?;
            return Ok(Written::Before);
        }
        match self.draft.expect {
            Expect::Absent => self.create(),
            Expect::Hash(expected) => self.replace(expected),
        }
    }

    fn is_placed(&self) -> Result<bool, WriteError> {
        Ok(self.folder.read(self.name)?.is_some_and(|there| hash(&there.bytes) == self.hash))
    }

    /// Clears what a crash left beside the file and its versions.
    fn settle(&self) -> Result<(), WriteError> {
        if self.draft.again
            && let Ok(versions) = Place::open(self.root, &self.folder_of_versions())
        {
            versions.remove(&self.beside)?;
        }
        match self.folder.read(&self.beside) {
            Ok(None) => Ok(()),
            Ok(Some(left)) if self.is_ours(&left.bytes) => self.folder.remove(&self.beside),
            // A text that nobody had named was taken out of its place: it goes back.
            _ if matches!(self.draft.expect, Expect::Hash(_)) && self.is_placed()? => self.put_back(),
            _ => {
                let versions = self.versions()?;
                self.folder.rename(&self.beside, &versions, &format!("{}-found.md", self.draft.key))?;
                versions.sync()
            }
        }
    }

    /// It is the new text, as far as it had been written, or the one that was to be replaced and is kept.
    fn is_ours(&self, bytes: &[u8]) -> bool {
        self.draft.text.as_bytes().starts_with(bytes) || self.draft.expect == Expect::Hash(&hash(bytes))
    }

    fn create(&self) -> Result<Written, WriteError> {
        if self.folder.read(self.name)?.is_some() {
            return Err(WriteError::Exists);
        }
        self.folder.put(&self.beside, self.draft.text.as_bytes(), None)?;
        passed("gate.new.written");
        self.folder.rename_new(&self.beside, self.name).map_err(|error| self.given_up(error))?;
        self.placed()
    }

    fn replace(&self, expected: &str) -> Result<Written, WriteError> {
        let old = self.folder.read(self.name)?.ok_or(WriteError::NotThere)?;
        if hash(&old.bytes) != expected {
            return Err(WriteError::Changed);
        }
        if expected == self.hash {
            return Ok(Written::Before);
        }
        self.keep(&old)?;
        self.folder.put(&self.beside, self.draft.text.as_bytes(), Some(old.mode))?;
        passed("gate.new.written");
        self.folder.exchange(&self.beside, self.name).map_err(|error| self.given_up(error))?;
        passed("gate.exchanged");
        match self.folder.read(&self.beside) {
            Ok(Some(out)) if hash(&out.bytes) == expected => {}
            _ => return self.put_back().and(Err(WriteError::Changed)),
        }
        self.folder.remove(&self.beside).map_err(unsure)?;
        self.placed()
    }

    /// The new text is in its place and the old one is taken away.
    fn placed(&self) -> Result<Written, WriteError> {
        passed("gate.placed");
        self.folder.sync().map_err(unsure)?;
        passed("gate.synced");
        Ok(Written::Now)
    }

    /// Puts what was exchanged back into its place.
    fn put_back(&self) -> Result<(), WriteError> {
        self.folder.exchange(&self.beside, self.name).map_err(unsure)?;
        passed("gate.put_back");
        self.folder.remove(&self.beside)?;
        self.folder.sync()
    }

    /// What was written beside is taken away; one that stays is cleared by the next try.
    fn given_up(&self, error: WriteError) -> WriteError {
        drop(self.folder.remove(&self.beside));
        error
    }

    /// Keeps the version that is replaced.
    fn keep(&self, old: &Text) -> Result<(), WriteError> {
        let versions = self.versions()?;
        versions.remove(&self.beside)?;
        versions.put(&self.beside, &old.bytes, Some(old.mode))?;
        passed("gate.version.written");
        versions.rename(&self.beside, &versions, &format!("{}.md", self.draft.key))?;
        versions.sync()?;
        passed("gate.version.kept");
        Ok(())
    }

    fn versions(&self) -> Result<Place, WriteError> {
        Place::make(self.root, &self.folder_of_versions(), self.draft.again)
    }

    fn folder_of_versions(&self) -> String {
        format!("{VERSIONS}/{}", self.draft.path)
    }
}

fn unsure(error: WriteError) -> WriteError {
    WriteError::Unsure(Box::new(error))
}

#[cfg(test)]
mod tests;
