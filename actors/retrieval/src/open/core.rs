//! Which file a typed path means, and where its pages end.

use std::ops::Range;

/// Candidates that are told when a path is ambiguous.
const CANDIDATES_SHOWN_MAX: usize = 5;
/// Headings that are told when one is not there.
const HEADINGS_SHOWN_MAX: usize = 12;

/// What a typed path means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meant {
    /// This file.
    One(String),
    /// None; the sentence to answer.
    None(String),
}

/// The sentence for a file that is not there, and, word for word, for one that is out of scope.
pub(crate) fn not_there(typed: &str) -> String {
    let shown = markdown::text::clean_line(typed, 200);
    format!("there is no file `{shown}` that can be opened here; search for a word of it to see its path")
}

/// A typed path and the heading behind it, `plan.md#dates`.
pub(crate) fn parted_at_heading(typed: &str) -> (&str, Option<&str>) {
    match typed.split_once('#') {
        Some((path, heading)) if !heading.trim().is_empty() => (path.trim(), Some(heading.trim())),
        Some((path, _)) => (path.trim(), None),
        None => (typed, None),
    }
}

/// The sentence for a heading that a file does not have; it has `sections`.
pub(crate) fn no_heading(path: &str, heading: &str, sections: &[String]) -> String {
    let heading = markdown::text::clean_line(heading, 120);
    let shown: Vec<String> = sections.iter().take(HEADINGS_SHOWN_MAX).map(|trail| format!("`{trail}`")).collect();
    match (shown.is_empty(), sections.len() > shown.len()) {
        (true, _) => format!("`{path}` has no headings; leave `#{heading}` out"),
        (false, more) => {
            let more = if more { " and more" } else { "" };
            format!("`{path}` has no heading `{heading}`, or several; it has {}{more}", shown.join(", "))
        }
    }
}

/// Chooses among the paths that end with what was typed; all of them are in scope.
pub(crate) fn meant(typed: &str, mut candidates: Vec<String>) -> Meant {
    candidates.sort_unstable();
    if candidates.iter().any(|path| path == typed) {
        return Meant::One(typed.to_owned());
    }
    match candidates.as_slice() {
        [] => Meant::None(not_there(typed)),
        [one] => Meant::One(one.clone()),
        many => {
            let shown: Vec<String> = many.iter().take(CANDIDATES_SHOWN_MAX).map(|path| format!("`{path}`")).collect();
            let more = if many.len() > shown.len() { " and others" } else { "" };
            let typed = markdown::text::clean_line(typed, 200);
            Meant::None(format!("`{typed}` is the end of {}{more}; give more of the path", shown.join(", ")))
        }
    }
}

/// Whether `path` is `typed` or ends with it, whole segments only.
pub(crate) fn ends_with(path: &str, typed: &str) -> bool {
    path.strip_suffix(typed).is_some_and(|before| !typed.is_empty() && (before.is_empty() || before.ends_with('/')))
}

/// The pages of a text: at most `bytes_max` bytes each (at least 4), cut after a line where there is one, else between
/// characters. An empty text has one empty page.
pub(crate) fn pages(text: &str, bytes_max: usize) -> Vec<Range<usize>> {
    let mut pages = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty() || pages.is_empty()) {
        let window = markdown::text::cut(rest, bytes_max.max(4));
        let whole_lines = window.rfind('\n').map_or(window.len(), |newline| newline + 1);
        let length = if window.len() == rest.len() { rest.len() } else { whole_lines };
        pages.push(at..at + length);
        at += length;
        if length == 0 {
            break;
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_unambiguous_end_of_a_path_is_enough() {
        let paths = || vec!["a/plan.md".to_owned(), "plan.md".to_owned()];
        assert_eq!(meant("a/plan.md", vec!["a/plan.md".into()]), Meant::One("a/plan.md".into()));
        assert_eq!(meant("plan.md", paths()), Meant::One("plan.md".into()));
        assert!(matches!(meant("x.md", vec![]), Meant::None(why) if why == not_there("x.md")));
        let Meant::None(why) = meant("plan.md", vec!["b/plan.md".into(), "a/plan.md".into()]) else { panic!() };
        assert_eq!(why, "`plan.md` is the end of `a/plan.md`, `b/plan.md`; give more of the path");
    }

    #[test]
    fn a_heading_stands_behind_the_path() {
        assert_eq!(parted_at_heading("a/plan.md#The dates "), ("a/plan.md", Some("The dates")));
        assert_eq!(parted_at_heading("plan.md#"), ("plan.md", None));
        assert_eq!(parted_at_heading("plan.md"), ("plan.md", None));
        let told = no_heading("plan.md", "x", &["Plan".into(), "Plan > Dates".into()]);
        assert_eq!(told, "`plan.md` has no heading `x`, or several; it has `Plan`, `Plan > Dates`");
        assert!(no_heading("plan.md", "x", &[]).contains("has no headings"));
    }

    #[test]
    fn only_whole_segments_are_an_end() {
        assert!(ends_with("notes/plan.md", "plan.md") && ends_with("plan.md", "plan.md"));
        assert!(!ends_with("notes/myplan.md", "plan.md") && !ends_with("plan.md", ""));
    }

    #[test]
    fn pages_end_with_lines_and_are_limited_at_their_edge() {
        let ends = |text: &str, bytes_max| pages(text, bytes_max).iter().map(|page| page.end).collect::<Vec<_>>();
        assert_eq!(ends("", 10), [0]);
        assert_eq!(ends("0123456789", 10), [10]);
        assert_eq!(ends("0123456789x", 10), [10, 11]);
        assert_eq!(ends("ab\ncd\nefghij\n", 8), [6, 13]);
    }

    proptest! {
        #[test]
        fn pages_hold_the_whole_text_and_nothing_twice(text in "[a-zä本\n]{0,200}", bytes_max in 4usize..40) {
            let pages = pages(&text, bytes_max);
            let whole: String = pages.iter().map(|page| &text[page.clone()]).collect();
            prop_assert_eq!(whole, text);
            prop_assert!(pages.iter().all(|page| page.len() <= bytes_max));
        }
    }
}
