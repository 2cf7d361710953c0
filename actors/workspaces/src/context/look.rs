//! Looking at the files of a context: three `stat` calls when nothing has changed.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use messages::Address;
use messages::store::FileStamp;

use super::core::Loaded;
use crate::Layout;
use crate::definition::{Definition, FILE_BYTES_MAX, WorkspaceDefinition};
use crate::memory::file;

/// What the files say, unless they look as they did.
pub(crate) fn look(layout: &Layout, address: &Address, seen: Option<[FileStamp; 3]>) -> Option<Loaded> {
    let workspace = address.workspace_of()?;
    let context_file = layout.context_file(&workspace, address.leaf());
    let workspace_file = layout.workspace_file(&workspace);
    let folder = layout.context_folder(&workspace, address.leaf());
    let stamps = [stamp(&context_file), stamp(&workspace_file), file::stamp(&folder)];
    if seen == Some(stamps) {
        return None;
    }
    let context = read(&context_file).and_then(|text| {
        text.map(|text| Definition::parse(&text).map(|read| (text, read)).map_err(|e| e.to_string())).transpose()
    });
    let workspace = read(&workspace_file).and_then(|text| {
        text.map(|text| WorkspaceDefinition::parse(&text).map(|read| (text, read)).map_err(|e| e.to_string()))
            .transpose()
    });
    Some(Loaded { stamps, context, workspace, memory: file::said(&folder) })
}

/// What a file looks like; all zero when it is not there.
fn stamp(path: &Path) -> FileStamp {
    fs::metadata(path).map(|found| of(&found)).unwrap_or_default()
}

/// What an open file looks like.
pub(crate) fn of(found: &fs::Metadata) -> FileStamp {
    let mtime_ns = found.mtime().saturating_mul(1_000_000_000).saturating_add(found.mtime_nsec());
    FileStamp { inode: found.ino(), size: found.size(), mtime_ns }
}

/// Opens to read. A pipe in the place of a file must not hold us up until somebody writes into it.
pub(super) fn open(path: &Path) -> std::io::Result<File> {
    let calm = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    File::options().read(true).custom_flags(calm).open(path)
}

/// The text of a file; `None` when it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<String>, String> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("it can't be read: {error}")),
    };
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("it can't be read: {error}"))?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(format!("it is larger than {FILE_BYTES_MAX} bytes"));
    }
    let line = |at: usize| bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(error) => Err(format!("line {}: it is not UTF-8", line(error.valid_up_to()))),
    }
}
