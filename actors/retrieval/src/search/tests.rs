use messages::index::HITS_MAX;
use proptest::prelude::*;

use crate::engine::Engine as _;
use crate::library::Brake;
use crate::testing::{Shelf, knowledge};

#[test]
fn a_whole_question_finds_the_passage_that_answers_it() {
    let shelf = Shelf::new();
    shelf.write(
        "notes/trip.md",
        "# Berlin\n## Budget\nWe planned 1,200 euros for trains and hotels.\n## People\nAnn, Bob.\n",
    );
    shelf.write("notes/other.md", "# Garden\nTomatoes and beans.\n");
    shelf.scan();
    let hits = shelf.hits("What is the budget for the Berlin trip?");
    assert_eq!((hits[0].path.as_str(), hits[0].heading.as_str()), ("notes/trip.md", "Berlin > Budget"));
    assert_eq!(hits[0].passage, "We planned 1,200 euros for trains and hotels.");
    assert_eq!((hits[0].words_found, hits[0].words_asked), (3, 3));
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    assert!(hits.iter().all(|hit| hit.path == "notes/trip.md"));
}

#[test]
fn words_are_found_by_their_stem_and_without_accents() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "She was planning the Köln meetings.");
    shelf.scan();
    for query in ["plans", "PLANNED", "koln", "KÖLN", "meeting"] {
        assert_eq!(shelf.found(query), ["notes/a.md"], "{query}");
    }
    assert_eq!(shelf.hits("plans zebra")[0].words_found, 1);
}

#[test]
fn chinese_and_japanese_are_found_without_spaces() {
    let shelf = Shelf::new();
    shelf.write("notes/tokyo.md", "会議は東京都庁で行われます。");
    shelf.write("notes/kyoto.md", "京都の寺。");
    shelf.scan();
    assert_eq!(shelf.found("東京都庁"), ["notes/tokyo.md", "notes/kyoto.md"]);
    assert_eq!(shelf.found("寺"), ["notes/kyoto.md"]);
    assert_eq!(shelf.hits("寺")[0].snippet, "京都の寺。");
}

#[test]
fn titles_tags_and_paths_are_searched() {
    let shelf = Shelf::new();
    shelf.write("notes/2026/roadmap.md", "---\ntitle: Northstar\ntags: [strategy]\n---\nBody.\n");
    shelf.scan();
    for query in ["northstar", "strategy", "roadmap", "2026"] {
        assert_eq!(shelf.found(query), ["notes/2026/roadmap.md"], "{query}");
    }
}

#[test]
fn only_what_the_patterns_admit_is_found() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "needle");
    shelf.write("home/b.md", "needle");
    shelf.scan();
    let found = |paths: &[&str]| -> Vec<String> {
        shelf.try_search("needle", paths).unwrap().unwrap().into_iter().map(|hit| hit.path).collect()
    };
    assert_eq!(found(&["notes/**"]), ["notes/a.md"]);
    assert_eq!(found(&["*.md"]), ["b.md"]);
    assert_eq!(found(&["elsewhere/**"]), Vec::<String>::new());
    assert_eq!(found(&[]), Vec::<String>::new());
}

#[test]
fn the_number_of_hits_is_limited_at_its_edge() {
    let shelf = Shelf::new();
    for n in 0..=HITS_MAX {
        shelf.write(&format!("notes/{n}.md"), "needle");
    }
    shelf.scan();
    let reach = knowledge(&["**"]);
    let hits = |limit| {
        let question = super::Question { query: "needle", limit, reach: &reach };
        shelf.library().search(question, &Brake::default()).unwrap().unwrap().hits.len()
    };
    assert_eq!((hits(0), hits(3), hits(HITS_MAX), hits(u32::MAX)), (0, 3, 50, 50));
}

#[test]
fn a_question_is_cut_at_its_limit() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "zebra");
    shelf.scan();
    let at = |before: usize| format!("{} zebra", "-".repeat(before));
    let edge = messages::index::QUERY_BYTES_MAX - " zebra".len();
    assert_eq!(shelf.found(&at(edge)).len(), 1);
    assert_eq!(shelf.found(&at(edge + 1)).len(), 0);
}

#[test]
fn a_snippet_is_one_line_around_the_words() {
    let shelf = Shelf::new();
    let filler = "lorem ipsum dolor\n".repeat(30);
    shelf.write("notes/a.md", format!("{filler}the needle is here\n{filler}"));
    shelf.scan();
    let snippet = &shelf.hits("needle")[0].snippet;
    assert!(snippet.contains("the needle is here") && !snippet.contains('\n') && snippet.len() < 400, "{snippet}");
}

#[test]
fn no_question_is_a_syntax_error() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "needle 東京 NEAR and or not");
    shelf.scan();
    let operators = prop::sample::select(vec![
        "\"", "'", "(", ")", "*", "^", ":", "-", "+", "NEAR(", "AND", "OR", "NOT", "body:", "{", "}", ",", "\0",
        "\u{200b}", "東", "é", "\u{301}", "needle", " ", "½", "ⅷ",
    ]);
    let piece = prop_oneof![operators.prop_map(str::to_owned), any::<char>().prop_map(String::from)];
    let question = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(400));
    runner
        .run(&question, |question| {
            prop_assert!(shelf.try_search(&question, &["**"]).is_ok(), "{question:?}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn connections_rest_between_searches_and_are_let_go() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "needle");
    shelf.scan();
    let library = shelf.library();
    let reach = knowledge(&["**"]);
    let question = super::Question { query: "needle", limit: 5, reach: &reach };
    let found = || library.search(question, &Brake::default()).unwrap().map(|found| found.hits.len());
    assert_eq!((found(), found(), library.resting()), (Some(1), Some(1), 1));
    // One that was made again under the same name is another database.
    std::fs::remove_dir_all(shelf.path("home/.index")).unwrap();
    assert_eq!(found(), None);
    shelf.write("notes/b.md", "needle");
    shelf.scan();
    assert_eq!((found(), library.resting()), (Some(2), 1));
    library.rest();
    assert_eq!(library.resting(), 0);
}

#[test]
fn a_search_that_nobody_waits_for_ends() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "needle");
    shelf.scan();
    let (reach, brake) = (knowledge(&["**"]), Brake::default());
    brake.pull();
    let ended = shelf.library().search(super::Question { query: "needle", limit: 5, reach: &reach }, &brake);
    assert!(matches!(ended, Err(crate::database::Trouble::Ended)));
}

fn dated(date: &str, tags: &str, words: &str) -> String {
    format!("---\ndate: {date}\ntags: [{tags}]\n---\n{words}\n")
}

#[test]
fn filters_narrow_by_folder_tag_and_date() {
    let shelf = Shelf::new();
    shelf.write("home/team/a.md", dated("2026-02-10", "minutes", "the crane"));
    shelf.write("home/team/b.md", dated("2026-03-10", "minutes, Roof", "the crane"));
    shelf.write("home/plans/c.md", dated("2026-04-10", "'#roof'", "the crane"));
    shelf.scan();
    let found = |query: &str| {
        let mut found = shelf.found(query);
        found.sort();
        found
    };
    assert_eq!(found("crane path:team"), ["team/a.md", "team/b.md"]);
    assert_eq!(found("crane path:c.md path:team/a.md"), ["plans/c.md", "team/a.md"]);
    assert_eq!(found("crane tag:roof"), ["plans/c.md", "team/b.md"]);
    assert_eq!(found("crane tag:roof tag:minutes"), ["team/b.md"]);
    assert_eq!(found("crane after:2026-03"), ["plans/c.md", "team/b.md"]);
    assert_eq!(found("crane after:2026-03-10 before:2026-04-10"), ["team/b.md"]);
    // Without words what fits is listed, the newest first.
    assert_eq!(shelf.found("tag:roof"), ["plans/c.md", "team/b.md"]);
    assert_eq!(shelf.found("tag:nothing"), Vec::<String>::new());
}

#[test]
fn a_file_without_a_date_has_that_of_its_last_change() {
    let shelf = Shelf::new();
    shelf.write("home/a.md", "the crane");
    shelf.scan();
    assert_eq!(shelf.found("crane after:2020"), ["a.md"]);
    assert_eq!(shelf.found("crane before:2020"), Vec::<String>::new());
}

#[test]
fn a_phrase_must_be_there_and_what_is_left_out_must_not() {
    let shelf = Shelf::new();
    shelf.write("home/a.md", "the sliding roof of the hall");
    shelf.write("home/b.md", "the roof is sliding, says the garage");
    shelf.write("home/c.md", format!("sliding roof\n\n{}\n\nthe garage", "filler words. ".repeat(200)));
    shelf.scan();
    assert_eq!(shelf.found("\"sliding roof\" -garage"), ["a.md"]);
    assert_eq!(shelf.found("\"roof of the hall\""), ["a.md"]);
    assert_eq!(shelf.found("roof -\"sliding roof\""), ["b.md"]);
}

#[test]
fn other_words_for_the_same_thing_are_found_where_they_are_near() {
    let shelf = Shelf::new();
    shelf.write("home/car.md", "The automobile needs a new battery.");
    shelf.write("home/pie.md", "Bake the apples for an hour.");
    shelf.scan();
    let hits = shelf.hits("car batteries");
    assert_eq!(hits[0].path, "car.md");
    let hits = shelf.hits("automobiles");
    assert_eq!((hits[0].path.as_str(), hits[0].words_found), ("car.md", 1));
    // By meaning alone: not a word of it is in the passage.
    let hits = shelf.hits("vehicle accumulators");
    assert!(hits.iter().all(|hit| hit.path == "car.md"), "{hits:?}");
}

#[test]
fn at_most_three_passages_of_one_file_are_given() {
    let shelf = Shelf::new();
    let section = |n: usize| format!("## Section {n}\n\nneedle number {n}\n\n");
    shelf.write("home/long.md", (0..10).map(section).collect::<String>());
    shelf.write("home/short.md", "a needle");
    shelf.scan();
    let found = shelf.found("needle");
    assert_eq!(found.iter().filter(|path| *path == "long.md").count(), super::OF_ONE_FILE_MAX);
    assert!(found.contains(&"short.md".to_owned()));
}

#[test]
fn the_parts_of_a_score_add_up() {
    let shelf = Shelf::new();
    shelf.write("home/a.md", "the roof tiles");
    shelf.write("home/b.md", "the roof");
    shelf.scan();
    let reach = knowledge(&["**"]);
    let question = super::Question { query: "roof tiles", limit: 5, reach: &reach };
    let explained = shelf.library().explain(question, &Brake::default()).unwrap().unwrap();
    assert_eq!(explained[0].hit.path, "a.md");
    assert_eq!(explained[0].words, [("roof".to_owned(), true), ("tiles".to_owned(), true)]);
    assert_eq!(explained[1].words, [("roof".to_owned(), true), ("tiles".to_owned(), false)]);
    for one in explained {
        let sum = (1.0 - one.weight) * one.lexical + one.weight * one.nearness;
        assert!((sum - one.hit.score).abs() < 1e-9 && one.bm25 > 0.0 && one.cosine.is_some(), "{one:?}");
    }
}
