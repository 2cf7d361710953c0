//! What one folder holds, in order.

use std::collections::BTreeMap;

use rustix::fs::{AtFlags, Dir, FileType, statat};

use crate::core::{DEPTH_MAX, FILE_BYTES_MAX, NAMES_MAX, admits_file, admits_folder, can_be_shown, join};
use crate::refused::Refused;
use crate::root::OpenRoot;

/// The most names that one listing gives.
pub const LISTED_MAX: usize = 1_000;

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name, without the folder's.
    pub name: String,
    /// Its size in bytes; `None` for a folder.
    pub bytes: Option<u64>,
}

/// Which part of a folder is wanted.
pub struct Wanted<'a> {
    /// Below the root; `""` is the root itself.
    pub folder: &'a str,
    /// Only names that come after this one; `""`: from the first.
    pub after: &'a str,
    /// At most so many, up to [`LISTED_MAX`].
    pub limit: usize,
    /// Whether a path below the root is wanted; the second is true for a folder.
    pub admits: &'a dyn Fn(&str, bool) -> bool,
}

impl OpenRoot<'_> {
    /// The first names of a folder by their bytes, folders and files of knowledge only. What can't be read or is no text
    /// by its name, links among them, is left out in silence. Memory is bounded by `limit`, time by the names in the folder.
    ///
    /// # Errors
    /// [`Refused`] when the folder can't be read.
    pub fn list(&self, wanted: &Wanted<'_>) -> Result<Vec<Listed>, Refused> {
        self.check_guards(wanted.folder)?;
        let fd = self.folder(wanted.folder)?;
        let depth = if wanted.folder.is_empty() { 0 } else { 1 + wanted.folder.matches('/').count() };
        let limit = wanted.limit.min(LISTED_MAX);
        let (mut first, mut names) = (BTreeMap::new(), 0u64);
        let mut dir = Dir::read_from(&fd)?;
        while let Some(entry) = dir.read() {
            let entry = entry?;
            names += 1;
            if names > NAMES_MAX {
                break;
            }
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name <= wanted.after || name.starts_with('.') || !can_be_shown(name) {
                continue;
            }
            let Some(listed) = self.look(&fd, name, depth)? else { continue };
            if (wanted.admits)(&join(wanted.folder, name), listed.bytes.is_none()) {
                first.insert(name.to_owned(), listed);
                if first.len() > limit {
                    first.pop_last();
                }
            }
        }
        Ok(first.into_values().collect())
    }

    fn look(&self, folder: &std::os::fd::OwnedFd, name: &str, depth: usize) -> Result<Option<Listed>, Refused> {
        let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // It went away while we looked.
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let bytes = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory
                if depth < DEPTH_MAX && admits_folder(name, depth, &self.root.top_taken) && !self.is_guarded(&stat) =>
            {
                None
            }
            FileType::RegularFile if admits_file(name) && size <= FILE_BYTES_MAX => Some(size),
            _ => return Ok(None),
        };
        Ok(Some(Listed { name: name.to_owned(), bytes }))
    }
}
