use proptest::prelude::*;

use super::*;

fn hit(path: &str, passage: &str, found: u32, asked: u32, score: f64) -> Hit {
    Hit {
        path: path.into(),
        heading: "Plan > Dates".into(),
        passage: passage.into(),
        snippet: String::new(),
        score,
        words_found: found,
        words_asked: asked,
        ..messages::index::Hit::default()
    }
}

fn request(question: &str, passages: Vec<Hit>) -> Request {
    Request { question: question.into(), passages, answer_bytes_max: 4_000, seconds_max: 60, ..Request::default() }
}

fn said(request: &Request) -> Answer {
    answer("offline", request).unwrap()
}

#[test]
fn it_quotes_what_fits_with_its_place_and_says_what_it_is() {
    let long =
        format!("{}The launch is on 3 May. {}", "Some words before. ".repeat(30), "Some words after. ".repeat(30));
    let other =
        Hit { heading: String::new(), ..hit("team.md", "Ann plans the launch.\n\n- May: rehearsal", 2, 3, 4.0) };
    let answer = said(&request("When is the launch in May?", vec![hit("notes/plan.md", &long, 2, 3, 5.0), other]));
    assert_eq!(answer.sources, ["notes/plan.md", "team.md"]);
    assert!(!answer.cut);
    insta::assert_snapshot!(answer.text);
}

#[test]
fn where_nothing_fits_it_says_so_and_names_the_closest() {
    let answer = said(&request("who pays for the new roof?", vec![hit("notes/plan.md", "A roof.", 1, 4, 5.0)]));
    assert!(answer.sources.is_empty());
    insta::assert_snapshot!(answer.text);
}

#[test]
fn a_greeting_or_an_empty_folder_gets_no_pretence() {
    let answer = said(&request("hi", vec![]));
    assert!(answer.sources.is_empty());
    insta::assert_snapshot!(answer.text);
}

#[test]
fn a_passage_fits_from_half_of_the_words_or_two_of_a_long_question() {
    for (found, asked, quoted) in [
        (0, 0, false),
        (0, 3, false),
        (1, 1, true),
        (1, 2, true),
        (1, 3, false),
        (2, 4, true),
        (2, 8, true),
        (2, 9, false),
        (3, 12, true),
    ] {
        let answer = said(&request("q", vec![hit("a.md", "Text.", found, asked, 1.0)]));
        assert_eq!(!answer.sources.is_empty(), quoted, "{found} of {asked}");
    }
}

#[test]
fn weak_repeated_and_surplus_passages_are_left_out() {
    let passages = vec![
        hit("a.md", "One.", 1, 1, 10.0),
        hit("b.md", "One.", 1, 1, 9.0),
        hit("c.md", "Weak.", 1, 1, 4.9),
        hit("a.md", "Two.", 1, 1, 5.0),
        hit("d.md", "Three.", 1, 1, 5.0),
        hit("e.md", "Four.", 1, 1, 5.0),
    ];
    let answer = said(&request("q", passages));
    assert_eq!(answer.sources, ["a.md", "d.md"]);
    assert!(answer.text.contains("> Two.") && !answer.text.contains("Four."), "{}", answer.text);
}

#[test]
fn what_does_not_fit_into_the_answer_is_left_out_and_told() {
    let passages = vec![hit("a.md", &"One. ".repeat(20), 1, 1, 2.0), hit("b.md", &"Two. ".repeat(20), 1, 1, 2.0)];
    let tight = Request { answer_bytes_max: 380, ..request("q", passages) };
    let answer = said(&tight);
    assert!(answer.cut && answer.text.ends_with(FOOTER), "{}", answer.text);
    assert_eq!(answer.sources, ["a.md"]);
    assert!(super::answer("offline", &Request { answer_bytes_max: 0, ..tight }).is_none());
}

proptest! {
    #[test]
    fn every_quoted_line_stands_in_a_passage_and_no_answer_is_too_long(
        passages in prop::collection::vec(("([a-zäß🙂>]{1,9}[ .\n]{1,3}){1,120}", 0u32..5, 0.0f64..9.0), 0..6),
        answer_bytes_max in 1usize..3_000,
    ) {
        let passages: Vec<_> = passages.iter().map(|(text, found, score)| hit("a.md", text, *found, 4, *score)).collect();
        let request = Request { answer_bytes_max, ..request("abc äß", passages) };
        let answer = super::answer("offline", &request);
        let text = answer.map(|answer| answer.text).unwrap_or_default();
        prop_assert!(text.len() <= answer_bytes_max);
        for quoted in text.lines().filter_map(|line| line.strip_prefix("> ")) {
            prop_assert!(request.passages.iter().any(|hit| hit.passage.contains(quoted)), "{}", quoted);
        }
    }
}
