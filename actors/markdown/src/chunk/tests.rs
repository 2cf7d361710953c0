use proptest::prelude::*;

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
    assert_eq!(front("---\ntags: a, b\n---\n").tags, ["a", "b"]);
    assert_eq!(front("---\ntags: {a: 1}\ntitle: 2026\n---\n").title.as_deref(), Some("2026"));
}

proptest! {
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
