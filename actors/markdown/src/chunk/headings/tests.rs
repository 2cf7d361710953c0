use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn shown(found: &[Heading]) -> Vec<(HeadingLevel, String, usize, usize)> {
    found.iter().map(|h| (h.level, h.title.clone(), h.start, h.end)).collect()
}

fn titles(text: &str, window_bytes: usize) -> Vec<String> {
    in_windows(text, window_bytes).into_iter().map(|heading| heading.title).collect()
}

/// Each of them is longer than the windows of these tests, and hides a heading that is none.
#[rstest]
#[case("```\n# no\n\n# no\n\n~~~\n# no\n```\n")]
#[case("~~~~ x\n# no\n\n```\n~~~\n# no\n\n# no\n~~~~~\n")]
#[case("- a\n\n  # no\n\n  b\n- c\n\n  # no\n")]
#[case("1. a\n\n   # no\n\n2. b\n\n   # no\n\n")]
#[case("> # no\n> a\n\n> # no\n> a\n> b\n\n")]
#[case("<!-- a\n# no\n\n# no\n\nb\n# no\n-->\n")]
#[case("<div>\n# no\n# no\n# no\n# no\n\n")]
#[case("<SCRIPT>\n# no\n\n# no\n\n# no\n</script>\n")]
#[case("    # no\n\n    # no\n\n    # no\n\n    # no\n\n")]
#[case("a paragraph that\ngoes on\nand on\n#no\nand on\n\n")]
fn what_is_longer_than_a_window_hides_its_inside(#[case] block: &str) {
    for window in [12, 16, 20, 24, 1_000] {
        let text = format!("# one\n{block}# two\n\n{block}{block}\n# three\n{block}");
        assert_eq!(titles(&text, window), ["one", "two", "three"], "{window}");
        let windows_lines = text.replace('\n', "\r\n");
        assert_eq!(titles(&windows_lines, window), ["one", "two", "three"], "CR LF, {window}");
        assert_eq!(titles(&text.replace('\n', "\r"), window), ["one", "two", "three"], "CR, {window}");
    }
}

#[test]
fn a_heading_longer_than_a_window_is_one_heading() {
    let text = format!("# {}\nbelow\n", "word ".repeat(100));
    let found = in_windows(&text, 32);
    assert_eq!(found.len(), 1);
    assert!(found[0].is_cut && text[found[0].end..].starts_with("below"), "{}", found[0].end);
}

#[test]
fn a_short_heading_before_much_that_is_empty_is_not_cut() {
    let text = format!("# a\n{}# b\n", "\n".repeat(100));
    let found = in_windows(&text, 16);
    assert_eq!(found.iter().map(|h| (h.is_cut, h.end - h.start)).collect::<Vec<_>>(), [(false, 4), (false, 4)]);
}

#[test]
fn marks_far_to_the_right_open_nothing_at_their_edge() {
    let quotes = |n: usize| format!("{}a\n", ">".repeat(n));
    assert!(matches!(tamed(&quotes(MARKS_COLUMN_MAX)), Cow::Borrowed(_)));
    let text = format!("é\n{}\r\n{}", quotes(MARKS_COLUMN_MAX + 2), quotes(3));
    let expected = format!("é\n{}xxa\n\r\n>>>a\n", ">".repeat(MARKS_COLUMN_MAX));
    assert_eq!(tamed(&text), expected);
    for rule in ["-", "*", "- ", " "] {
        assert!(matches!(tamed(&format!("{}\n", rule.repeat(1_000))), Cow::Borrowed(_)), "{rule}");
    }
}

#[test]
fn an_underline_of_any_length_makes_a_heading() {
    for mark in ["-", "="] {
        assert_eq!(titles(&format!("a\n{}\n", mark.repeat(1_000)), WINDOW_BYTES_MAX), ["a"]);
    }
}

#[test]
fn headings_are_limited_at_their_edge() {
    for window in [64, WINDOW_BYTES_MAX] {
        assert_eq!(in_windows(&"# a\n".repeat(CHUNKS_MAX), window).len(), CHUNKS_MAX);
        assert_eq!(in_windows(&"# a\n".repeat(CHUNKS_MAX + 1), window).len(), CHUNKS_MAX);
    }
}

proptest! {
    /// Blocks that end with an empty line, so that each window sees what the whole sees.
    #[test]
    fn windows_find_what_the_whole_shows(
        blocks in prop::collection::vec(
            prop::sample::select(vec![
                "# a\n", "## b\n\n", "###### c\n", "d\n===\n\n", "e e\ne\n---\n\n", "text text\ntext\n\n", "- x\n- y\n\n",
                "- x\n\n  # no\n\n", "> q\n> # no\n\n", "```\n# no\n\n```\n", "~~~\n```\n# no\n~~~\n\n", "1. x\n   - y\n\n",
                "    # no\n\n", "<div>\n# no\n\n", "<!--\n\n# no\n-->\n", "***\n", "\n", "#no\n\n", "> q\nlazy\n\n", " # f\n",
                "- ```\n  # no\n\n", "| a |\n\n", "[a]: b\n\n", "# [x](y) *z*\n", "# `g`\n",
            ]),
            0..30,
        ),
        window in 20usize..200,
    ) {
        let text = blocks.concat();
        prop_assert_eq!(shown(&in_windows(&text, window)), shown(&in_windows(&text, usize::MAX)), "{:?}", text);
    }

    #[test]
    fn any_text_is_read_in_order(
        text in "([#>`~<=*\\[\\]()!&\\\\:\"'a-c1. \t\r\n-]|```|<!--|-->|\n\n|\n# |\u{feff}|é){0,100}",
        window in 4usize..64,
    ) {
        let found = in_windows(&text, window);
        let mut last = 0;
        for heading in &found {
            prop_assert!(last <= heading.start && heading.start < heading.end, "{:?}", text);
            prop_assert!(text.is_char_boundary(heading.start) && text.is_char_boundary(heading.end));
            last = heading.end;
        }
    }
}
