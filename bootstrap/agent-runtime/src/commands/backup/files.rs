//! Which files of the workspaces go into a backup.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use backup::{Packer, Stat};
use store::backup::Known;

use super::WORKSPACES;

/// Derived, or of a running node: `<workspace>/…`.
const LEFT_OUT: [&str; 2] = [".index", ".lock"];
/// A smaller file is read whole before its length is told: who writes it anew meanwhile changes nothing.
const WHOLE_BYTES_MAX: u64 = 4 << 20;

/// Puts the files of all workspaces into a backup; gives what was left out, in words.
pub(super) fn pack<W: io::Write>(packer: &mut Packer<W>, folder: &Path, known: &Known) -> anyhow::Result<Vec<String>> {
    let mut left_out = Vec::new();
    let mut waiting = vec![(folder.to_owned(), String::new())];
    while let Some((folder, name)) = waiting.pop() {
        for (path, entry) in entries(&folder)? {
            let Some(entry) = entry.to_str() else {
                left_out.push(format!("{}: its name is not UTF-8", path.display()));
                continue;
            };
            let name = if name.is_empty() { entry.to_owned() } else { format!("{name}/{entry}") };
            let Some(kind) = of_what_is_there(path.symlink_metadata()).with_context(|| unreadable(&path))? else {
                continue;
            };
            if !is_wanted(&name, known)? {
            } else if kind.is_dir() {
                waiting.push((path, name));
            } else if kind.is_file() && backup::is_safe(&format!("{WORKSPACES}{name}")) {
                put(packer, &path, &name)?;
            } else {
                left_out.push(format!("{}: it is a link or no file, or its name is too long", path.display()));
            }
        }
    }
    Ok(left_out)
}

fn unreadable(path: &Path) -> String {
    format!("{} can't be read", path.display())
}

/// Who is gone meanwhile is not in the backup.
fn of_what_is_there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

fn entries(folder: &Path) -> anyhow::Result<Vec<(PathBuf, std::ffi::OsString)>> {
    let read = of_what_is_there(std::fs::read_dir(folder)).with_context(|| unreadable(folder))?;
    let mut found = Vec::new();
    for entry in read.into_iter().flatten() {
        let entry = entry.with_context(|| unreadable(folder))?;
        found.push((entry.path(), entry.file_name()));
    }
    found.sort();
    Ok(found)
}

/// Not what is derived; and of logs and records only those that the copy of the store knows: the others came after it.
fn is_wanted(name: &str, known: &Known) -> anyhow::Result<bool> {
    let parts: Vec<&str> = name.split('/').collect();
    Ok(match parts.as_slice() {
        [_, part] => !LEFT_OUT.contains(part),
        [_, "tasks", record] => {
            match record.strip_suffix(".md").filter(|id| id.starts_with("tsk_") && !id.contains('.')) {
                Some(id) => known.task(id)?,
                None => true,
            }
        }
        [_, "logs", _, log] if log.ends_with(".md") && !log.contains(".edited-") => known.log(name)?,
        _ => true,
    })
}

fn put<W: io::Write>(packer: &mut Packer<W>, path: &Path, name: &str) -> anyhow::Result<()> {
    let opened = File::open(path).and_then(|file| file.metadata().map(|found| (file, found)));
    let Some((mut file, found)) = of_what_is_there(opened).with_context(|| unreadable(path))? else { return Ok(()) };
    let name = format!("{WORKSPACES}{name}");
    if found.len() > WHOLE_BYTES_MAX {
        return add(packer, &name, stat(&found, found.len()), &mut file);
    }
    let mut bytes = Vec::new();
    file.take(WHOLE_BYTES_MAX).read_to_end(&mut bytes).with_context(|| unreadable(path))?;
    add(packer, &name, stat(&found, bytes.len() as u64), &mut bytes.as_slice())
}

fn stat(found: &Metadata, bytes: u64) -> Stat {
    Stat { bytes, changed_s: u64::try_from(found.mtime()).unwrap_or(0), mode: found.mode() }
}

/// Adds one file.
pub(super) fn add<W: io::Write>(
    packer: &mut Packer<W>,
    name: &str,
    stat: Stat,
    from: &mut dyn Read,
) -> anyhow::Result<()> {
    packer.add(name, stat, from).with_context(|| format!("`{name}` can't be put into the backup"))
}

/// A file of the node's own, if it is there.
pub(super) fn put_as<W: io::Write>(packer: &mut Packer<W>, path: &Path, name: &str) -> anyhow::Result<()> {
    let opened = File::open(path).and_then(|file| file.metadata().map(|found| (file, found)));
    let Some((mut file, found)) = of_what_is_there(opened).with_context(|| unreadable(path))? else { return Ok(()) };
    add(packer, name, stat(&found, found.len()), &mut file)
}
