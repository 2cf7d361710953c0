//! What a turn may touch, by its path patterns.

/// Whether a file may be touched.
pub(crate) fn holds_file(patterns: &[String], path: &str) -> bool {
    markdown::paths::any(patterns, path)
}

/// Whether something below a folder may be touched; `""` is the top, which is always open, though it may show nothing.
pub(crate) fn leads_below(patterns: &[String], folder: &str) -> bool {
    folder.is_empty() || patterns.iter().any(|pattern| leads(pattern, folder))
}

/// Whether a pattern names a folder on the way to what it admits, or admits everything below it. That it is there is then
/// nothing that the patterns would keep from who asks.
pub(crate) fn is_told(patterns: &[String], folder: &str) -> bool {
    let names = |pattern: &String| pattern.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    patterns.iter().any(|pattern| names(pattern) || admits_all_below(pattern, folder))
}

/// Whether every file below a folder fits.
fn admits_all_below(pattern: &str, folder: &str) -> bool {
    let Some(above) = pattern.strip_suffix("/**") else { return pattern == "**" };
    let ends = folder.match_indices('/').map(|(at, _)| at).chain([folder.len()]);
    ends.filter_map(|end| folder.get(..end)).any(|folder| markdown::paths::matches(above, folder))
}

/// Whether a path that begins with `folder` can fit: all places in the pattern that its segments may have come to are
/// followed at once.
fn leads(pattern: &str, folder: &str) -> bool {
    if pattern.is_empty() || pattern.len() > markdown::paths::PATTERN_BYTES_MAX {
        return false;
    }
    let pattern: Vec<&str> = pattern.split('/').collect();
    let mut places = vec![false; pattern.len() + 1];
    if let Some(first) = places.first_mut() {
        *first = true;
    }
    for segment in folder.split('/') {
        let mut next = vec![false; places.len()];
        for (at, wanted) in pattern.iter().enumerate() {
            // `**` may stand for nothing.
            if *wanted == "**" && places.get(at) == Some(&true) {
                mark(&mut places, at + 1);
            }
            if places.get(at) != Some(&true) {
                continue;
            }
            if *wanted == "**" {
                mark(&mut next, at);
            } else if markdown::paths::matches(wanted, segment) {
                mark(&mut next, at + 1);
            }
        }
        places = next;
    }
    // Something of the pattern must be left for what is below.
    places.iter().take(pattern.len()).any(|is_here| *is_here)
}

fn mark(places: &mut [bool], at: usize) {
    if let Some(place) = places.get_mut(at) {
        *place = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_folder_is_shown_when_it_leads_to_something() {
        let below = |pattern: &str, folder: &str| leads_below(&[pattern.to_owned()], folder);
        for (pattern, folder, is) in [
            ("**", "a", true),
            ("**", "a/b/c", true),
            ("notes/**", "notes", true),
            ("notes/**", "notes/a", true),
            ("notes/**", "other", false),
            ("*.md", "a", false),
            ("*.md", "a.md", false),
            ("a/b/*.md", "a", true),
            ("a/b/*.md", "a/b", true),
            ("a/b/*.md", "a/b/c", false),
            ("**/plan/*.md", "x/y", true),
            ("a/**/b/*.md", "a", true),
            ("a/**/b/*.md", "b", false),
            ("", "a", false),
            ("*.md", "", true),
        ] {
            assert_eq!(below(pattern, folder), is, "{pattern} {folder}");
        }
        assert!(!leads_below(&[], "a"));
    }

    #[test]
    fn a_folder_is_told_when_it_is_named_or_all_of_it_is_in_scope() {
        let told = |pattern: &str, folder: &str| is_told(&[pattern.to_owned()], folder);
        for (pattern, folder, is) in [
            ("**", "a/b", true),
            ("notes/**", "notes", true),
            ("notes/**", "notes/a/b", true),
            ("a/b/*.md", "a", true),
            ("a/b/*.md", "a/b", true),
            ("*/b/**", "a", false),
            ("*/b/**", "a/b", true),
            ("**/plan.md", "a", false),
            ("**/b/**", "a/b/c", true),
            ("**/b/**", "a", false),
            ("ab/*.md", "a", false),
        ] {
            assert_eq!(told(pattern, folder), is, "{pattern} {folder}");
        }
    }

    proptest! {
        #[test]
        fn every_folder_above_a_file_in_scope_leads_to_it_and_no_other(
            pattern in proptest::collection::vec("[ab*]{1,2}|\\*\\*", 1..5),
            folder in proptest::collection::vec("[ab]{1,2}", 1..4),
        ) {
            let patterns = [pattern.join("/")];
            let folder = folder.join("/");
            // Every path of up to four more segments over the same letters.
            let names = ["a", "b", "aa", "ab", "ba", "bb"];
            let mut below: Vec<String> = vec![folder.clone()];
            let mut leads = false;
            for _ in 0..4 {
                below = below.iter().flat_map(|path| names.map(|name| format!("{path}/{name}"))).collect();
                leads |= below.iter().any(|path| holds_file(&patterns, path));
            }
            prop_assert_eq!(leads_below(&patterns, &folder), leads, "{:?} {}", patterns, folder);
        }
    }
}
