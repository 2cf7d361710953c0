//! Under which names the folders of notes appear in a workspace.

use std::path::{Path, PathBuf};

use crate::schema::Workspace;

/// Names at the top of a workspace that are its own.
const TAKEN: [&str; 12] = [
    "contexts",
    "logs",
    "tasks",
    "approvals",
    "objectives",
    "schedules",
    "triggers",
    "skills",
    "mail",
    "drafts",
    "research",
    "workspace.md",
];

/// A folder and the name under which people and patterns see it: `notes/plan.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// One segment, unique in its workspace.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
}

impl Workspace {
    /// The folders of notes with their names: the first is `notes`, each further one is named after its folder. A name
    /// that is taken already gets a number, so that the names depend on nothing but this list.
    #[must_use]
    pub fn mounts(&self) -> Vec<Mount> {
        let mut mounts: Vec<Mount> = Vec::new();
        for path in &self.notes {
            let wanted = if mounts.is_empty() { "notes".to_owned() } else { folder_name(path) };
            let is_free = |name: &str| !TAKEN.contains(&name) && mounts.iter().all(|mount| mount.name != name);
            let numbered = (2..).map(|n| format!("{wanted}-{n}"));
            let name = std::iter::once(wanted.clone()).chain(numbered).find(|name| is_free(name)).unwrap_or(wanted);
            mounts.push(Mount { name, path: path.clone() });
        }
        mounts
    }
}

fn folder_name(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.trim_start_matches('.').replace(|c: char| c.is_control() || c.is_whitespace(), "-");
    if name.is_empty() { "folder".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folders: &[&str]) -> Vec<String> {
        let workspace = Workspace { notes: folders.iter().map(PathBuf::from).collect() };
        workspace.mounts().into_iter().map(|mount| mount.name).collect()
    }

    #[test]
    fn the_first_folder_is_notes_and_the_others_are_named_after_themselves() {
        assert_eq!(names(&["/home/ann/vault", "/srv/handbook"]), ["notes", "handbook"]);
        assert_eq!(names(&[]), Vec::<String>::new());
    }

    #[test]
    fn no_two_folders_and_no_folder_of_the_workspace_share_a_name() {
        assert_eq!(names(&["/a/x", "/b/notes", "/c/notes", "/d/logs"]), ["notes", "notes-2", "notes-3", "logs-2"]);
        assert_eq!(names(&["/a", "/", "/b/.hidden", "/b/my docs"]), ["notes", "folder", "hidden", "my-docs"]);
    }
}
