use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rstest::rstest;

use super::*;

fn trails(text: &str) -> Vec<(String, &str)> {
    chunks(text).into_iter().map(|c| (c.heading, c.text)).collect()
}

fn pairs<'a>(expected: &[(&str, &'a str)]) -> Vec<(String, &'a str)> {
    expected.iter().map(|(heading, text)| ((*heading).to_owned(), *text)).collect()
}

#[test]
fn passages_stand_under_the_trail_of_their_headings() {
    let text = "---\ntitle: X\n---\nTop.\n\n# A\n\nOne.\n\n## B\n\nTwo.\n\nC *c*\n-----\nThree.\n\n# `D`\nFour.\n";
    let expected = [("", "Top."), ("A", "One."), ("A > B", "Two."), ("A > C c", "Three."), ("D", "Four.")];
    assert_eq!(trails(text), pairs(&expected));
}

#[test]
fn code_is_never_a_heading() {
    let text = "# A\n```sh\n# not a heading\n```\n    # nor this\n";
    assert_eq!(trails(text), pairs(&[("A", "```sh\n# not a heading\n```\n    # nor this")]));
}

#[test]
fn a_heading_with_nothing_below_it_is_found_itself() {
    assert_eq!(trails("# A\n## B\n# C\n"), pairs(&[("A > B", "## B"), ("C", "# C")]));
}

#[test]
fn an_unclosed_head_is_read_as_text() {
    assert_eq!(trails("---\nname: x\n").len(), 1);
}

#[test]
fn a_long_section_is_cut_at_paragraphs() {
    let paragraph = "word ".repeat(100);
    let text = format!("# A\n{0}\n\n{0}\n\n{0}\n", paragraph.trim_end());
    let cut = chunks(&text);
    assert_eq!(cut.len(), 2);
    assert!(cut.iter().all(|c| c.text.starts_with("word") && c.text.ends_with("word")));
}

#[test]
fn a_passage_is_limited_at_its_edge() {
    assert_eq!(chunks(&"x".repeat(CHUNK_BYTES_MAX)).len(), 1);
    assert_eq!(chunks(&"x".repeat(CHUNK_BYTES_MAX + 1)).len(), 2);
}

#[test]
fn a_file_has_no_more_passages_than_the_limit() {
    let many = "# h\nx\n".repeat(CHUNKS_MAX + 5);
    assert_eq!(chunks(&many).len(), CHUNKS_MAX);
    assert_eq!(chunks(&"x".repeat(CHUNK_BYTES_MAX * (CHUNKS_MAX + 5))).len(), CHUNKS_MAX);
}

#[test]
fn a_heading_too_long_for_a_trail_is_one_passage_of_its_own() {
    let long = format!("# {}", "word ".repeat(100));
    for text in [long.clone(), format!("{long}\n\nBelow it.\n"), format!("{long}\n## Child\n")] {
        let found = chunks(&text);
        let whole = found.iter().filter(|chunk| chunk.text.starts_with("# word")).count();
        assert_eq!(whole, 1, "{found:?}");
    }
}

#[test]
fn a_title_comes_from_the_head_or_from_the_highest_heading() {
    assert_eq!(title("---\ntitle: Plan\n---\n# Other\n").as_deref(), Some("Plan"));
    assert_eq!(title("## Small\n# Large\n# Second\n").as_deref(), Some("Large"));
    assert_eq!(title("no heading"), None);
    assert_eq!(title("---\ntitle: [broken\n---\n# Other\n").as_deref(), Some("Other"));
}

#[test]
fn tags_are_read_as_a_list_or_as_words() {
    assert_eq!(front("---\ntags: [a, b, 3]\nother: {x: 1}\n---\n").tags, ["a", "b", "3"]);
    assert_eq!(front("---\ntags: a, b,, \n---\n").tags, ["a", "b"]);
    assert_eq!(front("---\ntags: {a: 1}\ntitle: 2026\n---\n").title.as_deref(), Some("2026"));
}

#[test]
fn tags_are_limited_at_their_edge() {
    for n in [TAGS_MAX, TAGS_MAX + 1] {
        let tags: Vec<String> = (0..n).map(|n| format!("t{n}")).collect();
        assert_eq!(front(&format!("---\ntags: [{}]\n---\n", tags.join(","))).tags.len(), TAGS_MAX);
        assert_eq!(front(&format!("---\ntags: {}\n---\n", tags.join(","))).tags.len(), TAGS_MAX);
    }
}

#[rstest]
#[case("date: 2026-03-01", Some("2026-03-01 00:00:00Z"))]
#[case("date: '2026-03-01T10:15:00+01:00'", Some("2026-03-01 09:15:00Z"))]
#[case("date: 2026-03-01 10:15:00", Some("2026-03-01 10:15:00Z"))]
#[case("created: 2026-03-01", Some("2026-03-01 00:00:00Z"))]
#[case("created: 2026-03-01\ndate: 2026-04-01", Some("2026-04-01 00:00:00Z"))]
#[case("created: 2026-03-01\ndate:", Some("2026-03-01 00:00:00Z"))]
#[case("created: 2026-03-01\ndate: soon", None)]
#[case("date: 2026-02-30", None)]
#[case("date: 2026", None)]
#[case("date: [2026-03-01]", None)]
#[case("title: x", None)]
fn a_date_is_read_from_the_head(#[case] head: &str, #[case] moment: Option<&str>) {
    let moment = moment.map(|moment| crate::civil::parse_utc(moment).unwrap());
    assert_eq!(front(&format!("---\n{head}\n---\n")).date, moment);
}

#[test]
fn a_head_says_the_same_before_any_body() {
    for body in ["", "x", "---\n", "# A\n"] {
        let said = front(&format!("\u{feff}---\r\ntitle: Plan\r\ndate: 2026-03-01\r\n---\r\n{body}"));
        assert_eq!((said.title.as_deref(), said.date.is_some()), (Some("Plan"), true), "{body:?}");
    }
}

#[test]
fn lines_of_any_system_are_cut_alike() {
    let text = format!("# A\n{0}\n\n{0}\n\n{0}\n## B\nx\n", "word ".repeat(100).trim_end());
    let of = |text: &str| {
        chunks(text).iter().map(|c| (c.heading.clone(), c.text.split_whitespace().count())).collect::<Vec<_>>()
    };
    assert_eq!(of(&text), of(&text.replace('\n', "\r\n")));
    assert_eq!(of(&text), of(&text.replace('\n', "\r")));
}

/// What is neither in the head nor in a heading nor blank is in a passage, in order, once.
fn holds_everything(text: &str) -> Result<(), TestCaseError> {
    let found = chunks(text);
    let base = text.len() - body_of(text).len();
    let headings: Vec<_> = headings(body_of(text)).iter().map(|h| base + h.start..base + h.end).collect();
    let mut at = base;
    for chunk in &found {
        prop_assert!(!chunk.text.is_empty() && chunk.text.len() <= CHUNK_BYTES_MAX);
        prop_assert!(chunk.start_byte >= at, "a passage begins in the one before it, or in the head");
        prop_assert_eq!(text.get(chunk.start_byte..chunk.end_byte), Some(chunk.text));
        at = chunk.end_byte;
    }
    prop_assert!(found.len() <= CHUNKS_MAX);
    if found.len() == CHUNKS_MAX {
        return Ok(());
    }
    let mut held: Vec<_> = found.iter().map(|chunk| chunk.start_byte..chunk.end_byte).chain(headings).collect();
    held.sort_by_key(|range| range.start);
    let mut at = base;
    for range in held.into_iter().chain(std::iter::once(text.len()..text.len())) {
        let between = text.get(at..range.start.max(at)).unwrap_or("lost");
        prop_assert!(between.trim().is_empty(), "{between:?} is lost");
        at = at.max(range.end);
    }
    Ok(())
}

/// More than fits into a window, of each kind that costs a parser much, or that hides its end.
#[rstest]
#[case("one line", "x", 1)]
#[case("words", "word ", 1)]
#[case("lists in lists", "- ", 1)]
#[case("quotes in quotes", ">", 1)]
#[case("items", "- a\n", 1)]
#[case("brackets", "[", 1)]
#[case("links in links", "[a](", 1)]
#[case("backticks", "`a``b", 1)]
#[case("emphasis", "*a **b _c ", 1)]
#[case("tags", "<a ", 1)]
#[case("comments", "<!-- a\n", 1)]
#[case("inline html", "a <?\n<b> c\n", 1)]
#[case("entities", "&a;&#1;", 1)]
#[case("definitions", "[a]: b 'c\n", 1)]
#[case("fences", "```\n# a\n~~~\n", 1)]
#[case("setext", "a\n=\n", 20)]
#[case("headings", "# a\n", 20)]
#[case("one heading", "#", 1)]
#[case("rules", "---\n", 1)]
#[case("tabs", "\t- a\n", 1)]
#[case("CR LF", "a\r\n\r\n# b\r\n", 20)]
#[case("CR", "a\r# b\r", 20)]
#[case("marks of order", "\u{feff}", 1)]
#[case("junk", "\u{1}\u{fffd}\u{10ffff}<&\u{85}\u{2028}", 1)]
fn what_is_hostile_is_cut_as_anything_else(#[case] name: &str, #[case] piece: &str, #[case] headings_shown: usize) {
    let body = piece.repeat(160 * 1024 / piece.len());
    let text = format!("---\na: b\n---\n# top\n\n{body}\n\n# below\n");
    holds_everything(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
    let shown = headings(body_of(&text)).len();
    assert!((headings_shown..=CHUNKS_MAX).contains(&shown), "{name}: {shown}");
}

#[test]
fn lists_as_deep_as_wanted_with_lines_that_go_on_cost_a_limited_depth() {
    // Each line would be compared with each of 100,000 lists.
    let text = format!("{}a\n{}# top\n", "- ".repeat(100_000), "b\n".repeat(100_000));
    assert_eq!(chunks(&text).last().map(|chunk| chunk.text), Some("# top"));
}

#[test]
fn more_headings_than_the_limit_lose_no_word() {
    let text = "# a\n## b\nx\n".repeat(CHUNKS_MAX / 2) + "# last\ny\n";
    holds_everything(&text).unwrap();
    assert!(chunks(&text).iter().any(|chunk| chunk.text.contains("# last")));
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_is_twice(
        head in "(---\ntitle: x\n(---|\\.\\.\\.)?\n)?",
        text in "([#>`~<=*\\[\\]()!&\\\\:\"'a-c1. \t\r\n-]|```|<!--|-->|\n\n|\n# |\u{feff}|é|[a-z ]{300}){0,60}",
    ) {
        holds_everything(&(head + &text))?;
    }

    #[test]
    fn every_word_of_the_body_is_in_exactly_one_passage(text in "([a-zäß本 ]{0,300}|[.\n# ]{1,3}|\n\n|```\n|> |- ){0,40}") {
        let found = chunks(&text);
        let mut last = 0;
        for chunk in &found {
            prop_assert!(chunk.text.len() <= CHUNK_BYTES_MAX && !chunk.text.is_empty());
            prop_assert!(chunk.start_byte >= last);
            prop_assert_eq!(&text[chunk.start_byte..chunk.end_byte], chunk.text);
            last = chunk.end_byte;
        }
        let mut words: Vec<&str> = found.iter().flat_map(|c| [c.heading.as_str(), c.text]).flat_map(str::split_whitespace).collect();
        words.sort_unstable();
        for word in text.split_whitespace().filter(|w| w.chars().all(char::is_alphabetic) && w.len() < 200) {
            prop_assert!(words.iter().any(|w| w.contains(word)), "{} is lost", word);
        }
    }

    #[test]
    fn anything_can_be_cut(text in any::<String>()) {
        for chunk in chunks(&text) {
            prop_assert_eq!(&text[chunk.start_byte..chunk.end_byte], chunk.text);
        }
        let _ = (title(&text), front(&text));
    }
}
