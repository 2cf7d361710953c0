use proptest::prelude::*;
use rstest::rstest;

use super::*;

const TEXT: &str = "---\ntitle: x\n---\nTop.\n\n# The  Roof *Plan*\n\nOne.\n\n## Dates\n\nTwo.\n\n### Dates > early\n\nThree.\n\n# Garden\n\n## Dates\n\nFour.\n\n## C++ & `Rust`\n\nFive.\n\n# Größe\nSix.\n";

fn first_line(heading: &str) -> Option<&'static str> {
    section(TEXT, heading).map(|range| TEXT[range].lines().next().unwrap())
}

#[rstest]
#[case("The Roof Plan", "# The  Roof *Plan*")]
#[case("  the roof\tPLAN ", "# The  Roof *Plan*")]
#[case("# the roof plan", "# The  Roof *Plan*")]
#[case("#the-roof-plan", "# The  Roof *Plan*")]
#[case("the-roof-plan", "# The  Roof *Plan*")]
#[case("GRÖSSE", "")]
#[case("GRÖßE", "# Größe")]
#[case("größe", "# Größe")]
#[case("c--rust", "## C++ & `Rust`")]
#[case("c++ & rust", "## C++ & `Rust`")]
#[case("dates > early", "### Dates > early")]
#[case("the", "# The  Roof *Plan*")]
#[case("the-roof", "# The  Roof *Plan*")]
#[case("garden › c", "## C++ & `Rust`")]
#[case("g", "")]
#[case("roof", "")]
#[case("", "")]
#[case(" # > ", "")]
#[case("no such heading", "")]
fn a_heading_is_found_as_people_name_it(#[case] typed: &str, #[case] line: &str) {
    assert_eq!(first_line(typed).unwrap_or_default(), line);
}

#[test]
fn a_heading_that_stands_twice_is_told_by_its_trail_or_its_anchor() {
    let second = Some(TEXT.match_indices("## Dates\n").nth(1).unwrap().0);
    let start = |typed: &str| section(TEXT, typed).map(|range| range.start);
    assert_eq!(start("dates"), TEXT.find("## Dates"));
    for typed in ["Garden > Dates", "garden›dates", "dates-1", "# Garden > ## Dates", "garden > da"] {
        assert_eq!(start(typed), second, "{typed}");
    }
}

#[test]
fn a_section_ends_at_the_next_heading_that_is_as_high() {
    let of = |typed: &str| &TEXT[section(TEXT, typed).unwrap()];
    assert_eq!(of("the roof plan > dates"), "## Dates\n\nTwo.\n\n### Dates > early\n\nThree.\n\n");
    assert!(of("the roof plan").ends_with("Three.\n\n"));
    assert_eq!(of("größe"), "# Größe\nSix.\n");
    assert_eq!(section("  ## a\nx\n# b\n", "a"), Some(0..9));
    assert_eq!(section("a\nb\n===\nx\n", "a b"), Some(0..10));
}

#[test]
fn a_long_heading_is_found_by_its_whole_words_and_as_it_is_shown() {
    let long = "word ".repeat(50);
    let text = format!("# {long}\nx\n");
    assert!(section(&text, &long).is_some());
    assert!(section(&text, &sections(&text)[0]).is_some());
}

#[test]
fn the_trails_of_a_file_are_told_up_to_their_limit() {
    assert_eq!(sections("# A\n## B\n#\n# C\n"), ["A", "A > B", "C"]);
    for n in [SECTIONS_SHOWN_MAX, SECTIONS_SHOWN_MAX + 1] {
        assert_eq!(sections(&"# A\n".repeat(n)).len(), SECTIONS_SHOWN_MAX);
    }
}

proptest! {
    #[test]
    fn every_trail_that_is_told_leads_to_a_section(text in "(#{1,3} [a-cA-C>›*#é -]{0,6}\n|x\n|```\n|\n){0,12}") {
        for trail in sections(&text).iter().filter(|trail| trail.chars().any(char::is_alphanumeric)) {
            let found = section(&text, trail);
            prop_assert!(found.is_some(), "{trail:?}");
            prop_assert!(text.get(found.unwrap()).is_some_and(|part| part.trim_start().starts_with('#')));
        }
    }

    #[test]
    fn anything_may_be_typed(text in any::<String>(), typed in any::<String>()) {
        let found = section(&format!("# {text}\n"), &typed);
        prop_assert!(found.is_none_or(|range| range.start == 0));
    }
}
