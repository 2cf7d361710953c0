//! Which names belong to knowledge. Nothing here looks at a disk.

use std::path::Path;

/// Folders at the top of a workspace that hold its own records: never searched, never opened as knowledge.
pub(crate) const RECORDS: [&str; 6] = ["logs", "contexts", "tasks", "approvals", "mail", "drafts"];
/// Further folders at the top that say what the node does: read like knowledge, written by people only.
const PEOPLES: [&str; 4] = ["skills", "schedules", "objectives", "triggers"];
/// The workspace's own file, at the top.
const DEFINITION: &str = "workspace.md";

/// The deepest folder below a root.
pub const DEPTH_MAX: usize = 32;
/// The largest file in bytes.
pub const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The most files of one root.
pub(crate) const FILES_MAX: u64 = 200_000;
/// The most names of one root that are looked at, of any kind.
pub(crate) const NAMES_MAX: u64 = 2_000_000;
/// The longest path below a root in bytes.
pub const PATH_BYTES_MAX: usize = 4_000;

/// The most characters that are told of a name that can't be shown.
const NAME_CHARS_SHOWN: usize = 120;

const SUFFIXES: [&str; 3] = ["md", "markdown", "txt"];

/// Whether a folder's name, `depth` segments below the root (0 for those in it), may hold knowledge.
pub(crate) fn admits_folder(name: &str, depth: usize, top_taken: &[String]) -> bool {
    let is_record = depth == 0 && top_taken.iter().any(|taken| taken == name);
    !is_record && !name.starts_with('.')
}

/// Whether a file's name is one of knowledge: `.md`, `.markdown` or `.txt`, and no hidden file.
pub(crate) fn admits_file(name: &str) -> bool {
    let suffix = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, suffix)| suffix);
    !name.starts_with('.') && suffix.is_some_and(|s| SUFFIXES.iter().any(|known| s.eq_ignore_ascii_case(known)))
}

/// Whether a whole path below a root may be opened: no step up, no empty segment, and what the two above say.
pub(crate) fn admits_path(path: &str, top_taken: &[String]) -> bool {
    let (folders, name) = path.rsplit_once('/').map_or((None, path), |(folders, name)| (Some(folders), name));
    folders.is_none_or(|folders| !folders.is_empty() && admits_folders(folders, top_taken))
        && path.len() <= PATH_BYTES_MAX
        && can_be_shown(path)
        && admits_file(name)
}

/// Whether a whole path of a folder below a root may hold knowledge; `""` is the root.
pub(crate) fn admits_folders(path: &str, top_taken: &[String]) -> bool {
    path.is_empty()
        || path.len() <= PATH_BYTES_MAX
            && can_be_shown(path)
            && path
                .split('/')
                .enumerate()
                .all(|(depth, name)| depth < DEPTH_MAX && !name.is_empty() && admits_folder(name, depth, top_taken))
}

/// Whether something that happened at a path below a root can matter to a walk of it. `is_file`: it is known to be no
/// folder.
pub(crate) fn concerns(path: &Path, is_file: bool, top_taken: &[String]) -> bool {
    let mut names = path.components().enumerate().peekable();
    while let Some((depth, name)) = names.next() {
        // A name that is no text, or can't be shown, is told by a walk.
        let Some(name) = name.as_os_str().to_str().filter(|name| can_be_shown(name)) else { return true };
        let is_last = names.peek().is_none();
        let may_be_folder = !(is_last && is_file) && admits_folder(name, depth, top_taken);
        let may_be_file = is_last && admits_file(name);
        if !may_be_folder && !may_be_file {
            return false;
        }
    }
    true
}

/// The path as a walk tells of it: names that can't be shown are cleaned.
pub(crate) fn told(path: &Path) -> String {
    let mut told = String::new();
    for name in path.components() {
        let name = name.as_os_str();
        match name.to_str().filter(|name| can_be_shown(name)) {
            Some(name) => told = join(&told, name),
            None => return join(&told, &cleaned(&name.to_string_lossy())),
        }
    }
    told
}

/// A name that can't be shown, as it is told.
pub(crate) fn cleaned(name: &str) -> String {
    markdown::text::clean_line(name, NAME_CHARS_SHOWN)
}

pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Whether a path below the workspace's own folder may be written by a tool. Nothing here says whether it is there.
///
/// # Errors
/// Why it may not, to be put after the path: `is kept for people`.
pub(crate) fn may_write(path: &str, top_taken: &[String]) -> Result<(), &'static str> {
    let top = path.split_once('/').map(|(top, _)| top);
    // A disk may hold that capitals are no difference.
    let is = |name: &str, taken: &str| name.eq_ignore_ascii_case(taken);
    if top.is_some_and(|top| RECORDS.iter().any(|taken| is(top, taken))) {
        return Err("is among the workspace's own records");
    }
    if top.is_some_and(|top| top_taken.iter().any(|taken| is(top, taken))) {
        return Err("is in a mounted folder, which is only read");
    }
    if is(path, DEFINITION) || top.is_some_and(|top| PEOPLES.iter().any(|taken| is(top, taken))) {
        return Err("says what this workspace does, and only people change it");
    }
    if admits_path(path, &[]) {
        Ok(())
    } else {
        Err("is no path of a text: use plain names below the workspace, ending in .md, .markdown or .txt")
    }
}

/// Whether a name can be shown and typed: none with control or invisible characters.
pub(crate) fn can_be_shown(name: &str) -> bool {
    !name.chars().any(markdown::text::is_hidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("plan.md", true)]
    #[case("a/b/Plan.MD", true)]
    #[case("a/x.markdown", true)]
    #[case("a/x.txt", true)]
    #[case("a/logs/x.md", true)]
    #[case("logs/x.md", false)]
    #[case("notes/x.md", false)]
    #[case("a/.git/x.md", false)]
    #[case(".md", false)]
    #[case("a/.hidden.md", false)]
    #[case("../x.md", false)]
    #[case("a/../x.md", false)]
    #[case("/etc/x.md", false)]
    #[case("a//x.md", false)]
    #[case("x.rs", false)]
    #[case("md", false)]
    #[case("a\u{0}.md", false)]
    #[case("a\u{202e}.md", false)]
    fn only_knowledge_is_admitted(#[case] path: &str, #[case] admitted: bool) {
        assert_eq!(admits_path(path, &["logs".into(), "notes".into()]), admitted);
    }

    #[rstest]
    #[case("plan.md", true)]
    #[case("a/logs/x.md", true)]
    #[case("research/x.md", true)]
    #[case("a/workspace.md", true)]
    #[case("mail.md", true)]
    #[case("workspace.md", false)]
    #[case("Workspace.MD", false)]
    #[case("contexts/general/context.md", false)]
    #[case("Contexts/general/context.md", false)]
    #[case("logs/x.md", false)]
    #[case("tasks/x.md", false)]
    #[case("approvals/x.md", false)]
    #[case("mail/x.md", false)]
    #[case("drafts/x.md", false)]
    #[case("skills/a/SKILL.md", false)]
    #[case("schedules/x.md", false)]
    #[case("objectives/x.md", false)]
    #[case("triggers/x.md", false)]
    #[case("notes/x.md", false)]
    #[case(".versions/plan.md/k.md", false)]
    #[case("a/.hidden.md", false)]
    #[case("a/x.rs", false)]
    #[case("../x.md", false)]
    #[case("a/../x.md", false)]
    #[case("/x.md", false)]
    #[case("a//x.md", false)]
    #[case("", false)]
    #[case("a\u{0}.md", false)]
    fn tools_write_knowledge_only(#[case] path: &str, #[case] may: bool) {
        assert_eq!(may_write(path, &["logs".into(), "notes".into()]).is_ok(), may);
    }

    #[rstest]
    #[case("a.md", true, true)]
    #[case("a.tmp", true, false)]
    #[case("a.tmp", false, true)]
    #[case("sub/a.tmp", false, true)]
    #[case("tasks", false, false)]
    #[case("tasks/t.md", true, false)]
    #[case("sub/tasks", false, true)]
    #[case(".git/x.md", true, false)]
    #[case(".swp", false, false)]
    #[case("", false, true)]
    #[case("b\u{202e}.tmp", true, true)]
    fn what_a_walk_would_not_see_is_of_no_concern(#[case] path: &str, #[case] is_file: bool, #[case] concerned: bool) {
        assert_eq!(concerns(Path::new(path), is_file, &["tasks".into()]), concerned);
    }

    #[test]
    fn a_name_that_can_not_be_shown_is_told_cleaned() {
        assert_eq!(told(Path::new("a/b.md")), "a/b.md");
        assert_eq!(told(Path::new("a/\u{202e}x/b.md")), format!("a/{}", cleaned("\u{202e}x")));
    }

    #[test]
    fn depth_is_limited_at_its_edge() {
        assert!(admits_path(&("a/".repeat(DEPTH_MAX) + "x.md"), &[]));
        assert!(!admits_path(&("a/".repeat(DEPTH_MAX + 1) + "x.md"), &[]));
    }
}
