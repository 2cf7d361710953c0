//! The folders of a workspace's knowledge: its own, and those that are mounted beside it.

use std::path::{Path, PathBuf};

use crate::core::{RECORDS, admits_folders, admits_path};
use crate::root::Root;

/// The most folders that can be mounted into one workspace.
pub const MOUNTS_MAX: usize = 64;
const MOUNT_NAME_BYTES_MAX: usize = 64;

/// A folder that is read under a name, and never written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The first segment of its paths: `notes` for `notes/plan.md`.
    pub name: String,
    /// Where it is.
    pub folder: PathBuf,
}

/// Checks how many mounts there are and how they are named.
///
/// # Errors
/// One sentence that says which name can't be used and why.
pub fn check_mounts(mounts: &[Mount]) -> Result<(), String> {
    if mounts.len() > MOUNTS_MAX {
        return Err(format!("{} folders are mounted; {MOUNTS_MAX} are allowed", mounts.len()));
    }
    for (n, mount) in mounts.iter().enumerate() {
        if let Some(why) = bad_name(&mount.name) {
            return Err(format!("`{}` can't be the name of a mounted folder: {why}", mount.name));
        }
        if mounts.iter().take(n).any(|other| other.name == mount.name) {
            return Err(format!("two mounted folders have the name `{}`; rename one", mount.name));
        }
    }
    Ok(())
}

fn bad_name(name: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > MOUNT_NAME_BYTES_MAX {
        Some("use 1 to 64 bytes")
    } else if name.starts_with('.') || !name.chars().all(plain) {
        Some("use letters, digits, `-`, `_` and `.`, and no dot at the beginning")
    } else if RECORDS.contains(&name) {
        Some("the workspace keeps its own records under this name")
    } else {
        None
    }
}

/// The folders of a workspace's knowledge: its own first, then the mounts.
#[must_use]
pub fn roots(workspace: &Path, mounts: &[Mount]) -> Vec<Root> {
    let mut top_taken: Vec<String> = RECORDS.iter().map(|name| (*name).to_owned()).collect();
    top_taken.extend(mounts.iter().map(|mount| mount.name.clone()));
    let own = Root { name: String::new(), folder: workspace.to_path_buf(), top_taken, guarded: Vec::new() };
    // A mount may be a folder above the workspace: its records are not knowledge there either, nor those of its siblings.
    let siblings = workspace.parent().filter(|parent| parent.file_name().is_some_and(|name| name == "workspaces"));
    let guarded: Vec<PathBuf> = [Some(workspace), siblings].into_iter().flatten().map(Path::to_path_buf).collect();
    let mounted = mounts.iter().map(|mount| Root {
        name: mount.name.clone(),
        folder: mount.folder.clone(),
        top_taken: Vec::new(),
        guarded: guarded.clone(),
    });
    std::iter::once(own).chain(mounted).collect()
}

/// Whose file a path as people see it is, and the path below that root; `None` when it can't be one of knowledge.
#[must_use]
pub fn find_file<'r, 'p>(roots: &'r [Root], path: &'p str) -> Option<(&'r Root, &'p str)> {
    let (root, below) = path
        .split_once('/')
        .and_then(|(name, below)| Some((mounted(roots, name)?, below)))
        .or_else(|| Some((own(roots)?, path)))?;
    admits_path(below, &root.top_taken).then_some((root, below))
}

/// The same for a folder; `""` is the workspace's own.
#[must_use]
pub fn find_folder<'r, 'p>(roots: &'r [Root], path: &'p str) -> Option<(&'r Root, &'p str)> {
    let (name, below) = path.split_once('/').unwrap_or((path, ""));
    let (root, below) = mounted(roots, name).map(|root| (root, below)).or_else(|| Some((own(roots)?, path)))?;
    admits_folders(below, &root.top_taken).then_some((root, below))
}

fn mounted<'r>(roots: &'r [Root], name: &str) -> Option<&'r Root> {
    roots.iter().find(|root| !root.is_own() && root.name == name)
}

fn own(roots: &[Root]) -> Option<&Root> {
    roots.iter().find(|root| root.is_own())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts(names: &[&str]) -> Vec<Mount> {
        names.iter().map(|name| Mount { name: (*name).into(), folder: format!("/{name}").into() }).collect()
    }

    #[test]
    fn names_of_mounts_are_one_plain_segment_and_different() {
        assert_eq!(check_mounts(&mounts(&["notes", "wiki-2", "ä.b"])), Ok(()));
        for bad in ["", "a/b", ".git", "..", "logs", "tasks", "mail", "drafts", "a b", "a\u{202e}", &"x".repeat(65)] {
            assert!(check_mounts(&mounts(&[bad])).is_err(), "{bad:?}");
        }
        assert!(check_mounts(&mounts(&["a", "b", "a"])).unwrap_err().contains("rename one"));
        assert!(check_mounts(&mounts(&[&"x".repeat(64)])).is_ok());
    }

    #[test]
    fn the_number_of_mounts_is_limited_at_its_edge() {
        let names: Vec<String> = (0..=MOUNTS_MAX).map(|n| format!("m{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(check_mounts(&mounts(&names[..MOUNTS_MAX])).is_ok());
        assert!(check_mounts(&mounts(&names)).is_err());
    }

    #[test]
    fn a_path_belongs_to_one_root_or_to_none() {
        let roots = roots(Path::new("/data/workspaces/home"), &mounts(&["notes"]));
        let file = |path| find_file(&roots, path).map(|(root, below)| (root.name.as_str(), below));
        let folder = |path| find_folder(&roots, path).map(|(root, below)| (root.name.as_str(), below));
        assert_eq!(file("notes/a/b.md"), Some(("notes", "a/b.md")));
        assert_eq!(file("notes.md"), Some(("", "notes.md")));
        assert_eq!(file("a/notes/b.md"), Some(("", "a/notes/b.md")));
        for path in ["", "/a.md", "notes//a.md", "notes/../a.md", "logs/a.md", "mail/a.md", "drafts/a.md", "notes"] {
            assert_eq!(file(path), None, "{path}");
        }
        assert_eq!(folder(""), Some(("", "")));
        assert_eq!(folder("notes"), Some(("notes", "")));
        assert_eq!(folder("notes/logs"), Some(("notes", "logs")));
        assert_eq!(folder("a/logs"), Some(("", "a/logs")));
        for path in ["logs", "logs/console", "..", "a//b", "/", ".versions", "notes/.git"] {
            assert_eq!(folder(path), None, "{path}");
        }
    }
}
