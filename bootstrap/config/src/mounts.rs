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

/// The longest name in bytes.
const NAME_BYTES_MAX: usize = 64;
/// Room for `-2`: there are at most 16 folders.
const NUMBER_BYTES_MAX: usize = 3;

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

/// A folder's own name as one plain segment: letters, digits, `-`, `_` and `.`, with room for a number.
fn folder_name(path: &Path) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut kept = String::new();
    for c in name.trim_start_matches('.').chars().map(plain) {
        if kept.len() + c.len_utf8() > NAME_BYTES_MAX - NUMBER_BYTES_MAX {
            break;
        }
        kept.push(c);
    }
    if kept.is_empty() { "folder".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folders: &[&str]) -> Vec<String> {
        let workspace = Workspace { notes: folders.iter().map(PathBuf::from).collect(), ..Workspace::default() };
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
        assert_eq!(names(&["/a", "/a:b*c\u{202e}", "/ä.b"]), ["notes", "a-b-c-", "ä.b"]);
    }

    #[test]
    fn a_long_name_is_cut_at_a_character_and_keeps_room_for_its_number() {
        let fits = format!("/x/{}", "f".repeat(61));
        let long = format!("/x/{}", "f".repeat(62));
        assert_eq!(names(&["/n", &fits, &long]), ["notes".to_owned(), "f".repeat(61), format!("{}-2", "f".repeat(61))]);
        assert_eq!(names(&["/n", &format!("/x/{}", "ä".repeat(40))])[1], "ä".repeat(30));
    }
}
