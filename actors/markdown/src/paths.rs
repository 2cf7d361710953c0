//! Path patterns: which knowledge a context may touch.
//!
//! A pattern is matched segment by segment, case-sensitively, against the whole path: `?` is one character and `*` any
//! number of them within a segment, `**` as a whole segment is any number of segments, none included. So `**` is
//! everything, `notes/**` all below `notes`, `*.md` the Markdown files at the top.

/// The longest pattern in bytes; a longer one matches nothing.
pub const PATTERN_BYTES_MAX: usize = 256;

/// Whether `path` fits `pattern`. A path that is empty or has an empty, `.` or `..` segment fits nothing.
///
/// Time is at most proportional to the product of the two lengths: on a mismatch only the last wildcard is widened.
#[must_use]
pub fn matches(pattern: &str, path: &str) -> bool {
    if pattern.is_empty() || pattern.len() > PATTERN_BYTES_MAX {
        return false;
    }
    let segments: Vec<&str> = path.split('/').collect();
    if segments.iter().any(|s| matches!(*s, "" | "." | "..")) {
        return false;
    }
    let pattern: Vec<&str> = pattern.split('/').collect();
    wild(&pattern, &segments, |p| *p == "**", |p, s| segment_matches(p, s))
}

/// Whether `path` fits one of `patterns`.
#[must_use]
pub fn any<S: AsRef<str>>(patterns: &[S], path: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern.as_ref(), path))
}

fn segment_matches(pattern: &str, segment: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let segment: Vec<char> = segment.chars().collect();
    wild(&pattern, &segment, |p| *p == '*', |p, c| *p == '?' || p == c)
}

/// Matches a sequence against a pattern with wildcards of any length; only the last wildcard is ever widened, which is
/// enough because an earlier one would only give the later parts less to choose from.
fn wild<P, T>(pattern: &[P], text: &[T], is_wild: impl Fn(&P) -> bool, fits: impl Fn(&P, &T) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut last_wild: Option<(usize, usize)> = None;
    while let Some(item) = text.get(t) {
        match pattern.get(p) {
            Some(wanted) if is_wild(wanted) => {
                last_wild = Some((p + 1, t));
                p += 1;
            }
            Some(wanted) if fits(wanted, item) => {
                p += 1;
                t += 1;
            }
            _ => match &mut last_wild {
                Some((after, from)) => {
                    *from += 1;
                    (p, t) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(is_wild))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("**", "a.md", true)]
    #[case("**", "a/b/c.md", true)]
    #[case("notes/**", "notes/a/b.md", true)]
    #[case("notes/**", "notesx/a.md", false)]
    #[case("notes/**", "other/notes/a.md", false)]
    #[case("*.md", "a.md", true)]
    #[case("*.md", "x/a.md", false)]
    #[case("**/*.md", "x/y/a.md", true)]
    #[case("**/*.md", "a.md", true)]
    #[case("**/plan/**/x?.md", "a/plan/b/c/xä.md", true)]
    #[case("**/plan/**/x?.md", "a/plan/b/c/x.md", false)]
    #[case("Notes/*", "notes/a", false)]
    #[case("a*b*c", "a-b-b-c", true)]
    #[case("a*b*c", "a-b-b", false)]
    #[case("", "a", false)]
    #[case("**", "", false)]
    #[case("**", "a/../b", false)]
    #[case("**", "/etc/passwd", false)]
    fn patterns_fit_what_they_say(#[case] pattern: &str, #[case] path: &str, #[case] fits: bool) {
        assert_eq!(matches(pattern, path), fits);
    }

    #[test]
    fn a_pattern_is_limited_at_its_edge() {
        let path = "a".repeat(PATTERN_BYTES_MAX);
        assert!(matches(&path, &path));
        assert!(!matches(&format!("{path}*"), &path));
    }

    #[test]
    fn a_hostile_pattern_costs_no_more_than_the_product() {
        // With backtracking over every wildcard this would take longer than the age of the universe.
        let pattern = format!("{}b", "*a".repeat(127));
        assert!(!matches(&pattern, &"a".repeat(4_000)));
        let deep = "**/a/".repeat(50) + "b";
        assert!(!matches(&deep, &vec!["a"; 2_000].join("/")));
    }

    /// The definition, by recursion: slow, and obviously right.
    fn defined(pattern: &[&str], path: &[&str]) -> bool {
        fn within(p: &[char], s: &[char]) -> bool {
            match p.split_first() {
                None => s.is_empty(),
                Some(('*', rest)) => (0..=s.len()).any(|n| within(rest, &s[n..])),
                Some((c, rest)) => s.split_first().is_some_and(|(d, more)| (*c == '?' || c == d) && within(rest, more)),
            }
        }
        match pattern.split_first() {
            None => path.is_empty(),
            Some((&"**", rest)) => (0..=path.len()).any(|n| defined(rest, &path[n..])),
            Some((p, rest)) => path.split_first().is_some_and(|(s, more)| {
                within(&p.chars().collect::<Vec<_>>(), &s.chars().collect::<Vec<_>>()) && defined(rest, more)
            }),
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_its_definition(
            pattern in proptest::collection::vec("[ab*?]{1,4}|\\*\\*", 1..5),
            path in proptest::collection::vec("[ab]{1,4}", 1..5),
        ) {
            let p: Vec<&str> = pattern.iter().map(String::as_str).collect();
            let s: Vec<&str> = path.iter().map(String::as_str).collect();
            prop_assert_eq!(matches(&pattern.join("/"), &path.join("/")), defined(&p, &s));
        }
    }
}
