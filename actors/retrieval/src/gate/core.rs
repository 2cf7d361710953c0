//! Which names belong to knowledge. Nothing here looks at a disk.

/// Folders at the top of a workspace that hold its own records: never searched, never opened as knowledge.
pub(crate) const RECORDS: [&str; 4] = ["logs", "contexts", "tasks", "approvals"];

/// The deepest folder below a root.
pub(crate) const DEPTH_MAX: usize = 32;
/// The largest file in bytes.
pub(crate) const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The most files of one root.
pub(crate) const FILES_MAX: u64 = 200_000;
/// The most names of one root that are looked at, of any kind.
pub(crate) const NAMES_MAX: u64 = 2_000_000;
/// The longest path below a root in bytes.
pub(crate) const PATH_BYTES_MAX: usize = 4_000;

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

    #[test]
    fn depth_is_limited_at_its_edge() {
        assert!(admits_path(&("a/".repeat(DEPTH_MAX) + "x.md"), &[]));
        assert!(!admits_path(&("a/".repeat(DEPTH_MAX + 1) + "x.md"), &[]));
    }
}
