use proptest::prelude::*;
use rstest::rstest;
use rusqlite::Connection;

use super::*;
use crate::search::core::{TERMS_MAX, parted, terms};

const DAY_MS: i64 = 86_400_000;
/// 2026-03-01.
const MARCH_MS: i64 = 20_513 * DAY_MS;

fn words(phrases: &[Phrase]) -> Vec<String> {
    phrases.iter().map(|phrase| phrase.words.join(" ")).collect()
}

#[rstest]
#[case("http://x.org/a", &["http", "x", "org"])]
#[case("at 12:30 tomorrow", &["12", "30", "tomorrow"])]
#[case("C++ a-b --flag -1 - -", &["c", "b", "flag", "1"])]
#[case("path: tag:, AFTER:  before:\"\"", &["path", "tag", "before"])]
#[case("xpath:notes/ mytag:x", &["xpath", "notes", "mytag", "x"])]
#[case("a 5\" pipe or a 6\" one", &["5", "pipe", "6", "one"])]
#[case("an \"open quote", &["open", "quote"])]
#[case("(path:notes/)", &["path", "notes"])]
#[case("dash\u{2013}joined —x", &["dash", "joined", "x"])]
#[case("the \"\" \"?!\" who", &["the", "who"])]
fn what_is_no_operator_is_words(#[case] typed: &str, #[case] terms: &[&str]) {
    let query = Query::of(typed);
    let expected = Query {
        terms: terms.iter().map(ToString::to_string).collect(),
        plain: query.plain.clone(),
        ..Query::default()
    };
    assert_eq!(query, expected);
}

#[test]
fn all_operators_are_read_together() {
    let typed = "Budget \"the Berlin  trip\" -draft -\"old plan\" PATH:notes/ path:*.md Tag:#Work tag:\"Q1, late\" \
                 after:2026-03-01 before:2027 for trains";
    let query = Query::of(typed);
    assert_eq!(query.terms, ["budget", "trains"]);
    assert_eq!(words(&query.phrases), ["the berlin trip"]);
    assert_eq!(words(&query.excluded), ["draft", "old plan"]);
    assert_eq!(query.paths, ["notes/**", "**/notes/**", "*.md"]);
    assert_eq!(query.tags, ["work", "q1, late"]);
    assert_eq!((query.after, query.before), (Some(MARCH_MS), Some(MARCH_MS + 306 * DAY_MS)));
    assert_eq!(query.problem, None);
    assert_eq!(query.plain(), "Budget the Berlin  trip for trains");
    assert_eq!(
        query.describe(),
        "with \"the Berlin trip\", in path notes/** or *.md, tagged work and q1, late, after 2026-03-01, \
         before 2027-01-01, without \"draft\" or \"old plan\""
    );
}

#[test]
fn a_query_without_filters_has_nothing_to_describe() {
    assert_eq!(Query::of("what is due").describe(), "");
}

#[rstest]
#[case("“exact phrase”", "exact phrase")]
#[case("„genaue Worte“", "genaue worte")]
#[case("(\"exact phrase\")?", "exact phrase")]
#[case("by \"exact phrase\".", "exact phrase")]
#[case("\"path:x -y after:z\"", "path x y after z")]
#[case("\"東京都\"", "東 京 都")]
#[case("\"to be or not to be\"", "to be or not to be")]
fn a_phrase_is_what_stands_between_quotes(#[case] typed: &str, #[case] phrase: &str) {
    let query = Query::of(typed);
    assert_eq!(words(&query.phrases), [phrase]);
    assert!(query.excluded.is_empty() && query.paths.is_empty() && query.problem.is_none());
}

#[rstest]
#[case("-a-b x", "a b")]
#[case("-C++ x", "c")]
#[case("-Ärger x", "ärger")]
#[case("x\n-y", "y")]
#[case("x -“y z”", "y z")]
#[case("-http://y x", "http y")]
fn a_dash_before_a_letter_or_a_quote_leaves_out(#[case] typed: &str, #[case] phrase: &str) {
    assert_eq!(words(&Query::of(typed).excluded), [phrase]);
}

#[rstest]
#[case("notes/", &["notes/**", "**/notes/**"])]
#[case("/notes/", &["notes/**"])]
#[case("/notes", &["notes", "notes/**"])]
#[case("notes/**", &["notes/**"])]
#[case("./notes/", &["notes/**", "**/notes/**"])]
#[case("/", &["**"])]
#[case("*.md,", &["*.md"])]
#[case("notes", &["notes", "notes/**", "**/notes", "**/notes/**"])]
#[case("a/plan.md", &["a/plan.md", "a/plan.md/**", "**/a/plan.md", "**/a/plan.md/**"])]
#[case("\"my notes/\"", &["my notes/**", "**/my notes/**"])]
#[case("\"/open", &["open", "open/**"])]
fn a_path_is_a_folder_a_pattern_or_a_file(#[case] value: &str, #[case] paths: &[&str]) {
    let query = Query::of(&format!("x path:{value}"));
    assert_eq!((query.paths, query.problem), (paths.iter().map(ToString::to_string).collect(), None));
}

#[test]
fn of_several_dates_all_hold() {
    let query = Query::of("after:2026 after:2026-03 before:2028 before:2027-01-01");
    assert_eq!((query.after, query.before), (Some(MARCH_MS), Some(MARCH_MS + 306 * DAY_MS)));
}

#[rstest]
#[case("after:soon", "after: wants a day like 2026-03-01, a month like 2026-03 or a year, not soon")]
#[case("Before:2026-02-30", "before: wants a day like 2026-03-01, a month like 2026-03 or a year, not 2026-02-30")]
#[case("after:x before:y", "after: wants a day like 2026-03-01, a month like 2026-03 or a year, not x")]
#[case(
    "after:2026 before:2026-01-01",
    "after:2026-01-01 and before:2026-01-01 leave no day between them; after: wants the earlier one"
)]
#[case("-path:x", "-path: is not understood; only words and phrases can be left out, like -word")]
#[case("tag:#", "tag: wants a word, like tag:plan")]
fn what_cant_be_meant_is_a_problem(#[case] typed: &str, #[case] problem: &str) {
    assert_eq!(Query::of(typed).problem.as_deref(), Some(problem));
}

/// `n` pieces, and their number when it is read with its problem.
fn many(n: usize, piece: impl Fn(usize) -> String) -> Query {
    Query::of(&(0..n).map(piece).collect::<Vec<_>>().join(" "))
}

#[test]
fn each_limit_holds_at_its_edge() {
    for n in [0, 1] {
        let phrases = many(PHRASES_MAX + n, |n| format!("\"p{n} q\""));
        assert_eq!((phrases.phrases.len(), phrases.terms.len(), phrases.problem), (PHRASES_MAX, 2 * n, None));
        let long = Query::of(&format!("\"{}\"", vec!["w"; PHRASE_WORDS_MAX + n].join(" ")));
        assert_eq!(long.phrases[0].words.len(), PHRASE_WORDS_MAX);
        assert_eq!(many(TERMS_MAX + n, |n| format!("w{n}")).terms.len(), TERMS_MAX);
        let excluded = many(EXCLUDED_MAX + n, |n| format!("-w{n}"));
        assert_eq!((excluded.excluded.len(), excluded.problem.is_some()), (EXCLUDED_MAX, n == 1));
        let paths = many(PATHS_MAX + n, |n| format!("path:p{n}/"));
        assert_eq!((paths.paths.len(), paths.problem.is_some()), (2 * PATHS_MAX, n == 1));
        let tags = many(TAGS_MAX + n, |n| format!("tag:t{n}"));
        assert_eq!((tags.tags.len(), tags.problem.is_some()), (TAGS_MAX, n == 1));
        let path = "x".repeat(PATTERN_BYTES_MAX - "**//**".len() + n);
        assert_eq!(Query::of(&format!("path:{path}/")).problem.is_some(), n == 1);
        let cut = Query::of(&format!("{}x y", " ".repeat(QUERY_BYTES_MAX - "x y".len() + n)));
        assert_eq!(cut.terms.len(), 2 - n);
    }
}

#[test]
fn what_is_said_twice_counts_once() {
    let query = many(100, |_| "tag:x \"a b\" -c".into());
    assert_eq!((query.tags.len(), query.phrases.len(), query.excluded.len(), query.problem), (1, 1, 1, None));
}

#[test]
fn stop_words_rank_only_when_nothing_else_does() {
    assert_eq!(Query::of("the who path:x/").terms, ["the", "who"]);
    assert_eq!(Query::of("the who \"a b\"").terms, Vec::<String>::new());
}

/// A table as the index has it, with these bodies in rows from 1.
fn table(bodies: &[&str]) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    let sql = "CREATE VIRTUAL TABLE words USING fts5(title, body, tokenize='porter unicode61 remove_diacritics 2')";
    connection.execute_batch(sql).unwrap();
    for body in bodies {
        connection.execute("INSERT INTO words (title, body) VALUES ('', ?1)", [parted(body)]).unwrap();
    }
    connection
}

fn rows(connection: &Connection, expression: &str) -> Result<Vec<i64>, rusqlite::Error> {
    let sql = "SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rank, rowid";
    connection.prepare_cached(sql)?.query_map([expression], |row| row.get(0))?.collect()
}

#[test]
fn phrases_must_occur_and_words_rank() {
    let bodies = ["the old red house", "red old house", "the old red car and a garden", "会議は東京都庁で", "京東都"];
    let connection = table(&bodies);
    let found = |typed: &str| rows(&connection, &Query::of(typed).matching().unwrap()).unwrap();
    assert_eq!(found("\"old red\" garden"), [3, 1]);
    assert_eq!(found("\"the old\" \"red house\""), [1]);
    assert_eq!(found("garden \"red house\""), [1]);
    assert_eq!(found("\"東京都\""), [4]);
    assert_eq!(found("garden car"), [3]);
    assert_eq!(rows(&connection, &Query::of("x -\"red house\" -garden").must_not().unwrap()).unwrap().len(), 2);
}

#[test]
fn nothing_to_look_for_is_no_expression() {
    let query = Query::of("path:notes/ tag:x after:2026 -!? \"\"");
    assert_eq!((query.matching(), query.must(), query.must_not(), query.any_of()), (None, None, None, String::new()));
}

fn typed() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "\"",
        "“",
        "'",
        "(",
        ")",
        "*",
        "^",
        ":",
        "-",
        "+",
        "NEAR(",
        "AND",
        "OR",
        "NOT",
        "body:",
        "{",
        "}",
        ",",
        "\0",
        "path:",
        "TAG:",
        "after:",
        "before:2026",
        "-path:",
        "2026-03-01",
        "notes/",
        "\u{200b}",
        "東",
        "京",
        "é",
        "\u{301}",
        "needle",
        " ",
        " ",
        "\n",
        "½",
        "ⅷ",
        "#",
        "/",
        "\\",
        "-x",
        "-\"",
        "İ",
    ]);
    let piece = prop_oneof![4 => piece.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

#[test]
fn no_query_is_a_syntax_error() {
    let connection = table(&["needle 東京 NEAR and or not"]);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(2_000));
    runner
        .run(&typed(), |typed| {
            let query = Query::of(&typed);
            let whole = [query.matching(), query.must(), query.must_not()].into_iter().flatten();
            for expression in whole.chain(query.asked()) {
                let found = rows(&connection, &expression);
                prop_assert!(found.is_ok(), "{typed:?} became {expression}: {found:?}");
            }
            prop_assert!(!query.describe().contains('\n'));
            prop_assert!(query.problem.is_none_or(|problem| !problem.contains('\n')));
            Ok(())
        })
        .unwrap();
}

proptest! {
    #[test]
    fn a_question_without_signs_of_operators_is_only_words(typed in "[^\"“”„:-]{0,80}") {
        let query = Query::of(&typed);
        let expected = Query { terms: terms(&typed, true), plain: query.plain.clone(), ..Query::default() };
        prop_assert_eq!(&query, &expected);
        prop_assert_eq!(query.plain().split_whitespace().collect::<Vec<_>>(), typed.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn no_word_is_lost_that_is_not_in_an_operator(typed in "[a-z0-9\"“ .,?:/+-]{0,60}") {
        let query = Query::of(&typed);
        if query.excluded.is_empty() && query.problem.is_none() && query.describe().is_empty() {
            prop_assert_eq!(query.terms, terms(&typed, true));
        }
    }
}
