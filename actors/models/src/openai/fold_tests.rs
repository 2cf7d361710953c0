use messages::Trace;
use messages::index::Hit;
use proptest::prelude::*;

use super::*;

fn callee() -> Callee {
    Callee { name: "zai".into(), model: "glm".into(), base_url: "http://127.0.0.1:1/v1".into() }
}

fn request(paths: &[&str]) -> Request {
    let hit = |path: &&str| Hit {
        path: (*path).to_owned(),
        heading: String::new(),
        passage: "p".into(),
        snippet: String::new(),
        score: 1.0,
        words_found: 1,
        words_asked: 1,
    };
    Request {
        allowed: vec![],
        system: String::new(),
        history: vec![],
        question: "q".into(),
        passages: paths.iter().map(hit).collect(),
        answer_bytes_max: 100,
        seconds_max: 1,
        trace: Trace::default(),
    }
}

fn delta(text: &str) -> String {
    serde_json::json!({"id": "x", "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]})
        .to_string()
}

fn finished(reason: &str) -> String {
    serde_json::json!({"choices": [{"delta": {}, "finish_reason": reason}], "usage": {"total_tokens": 3}}).to_string()
}

fn folded(events: &[String], bytes_max: usize) -> Result<Answer, Fault> {
    let callee = callee();
    let mut fold = Fold::new(&callee, bytes_max);
    for event in events {
        if matches!(fold.push(event)?, Step::Full { .. } | Step::Done) {
            break;
        }
    }
    fold.end(&request(&["notes/a.md", "notes/b.md", "notes/a.md"]))
}

fn class(events: &[String]) -> Class {
    folded(events, 100).unwrap_err().failure.class
}

#[test]
fn pieces_add_up_to_the_answer() {
    let events = [delta("\n Hel"), delta("lo "), finished("stop"), "[DONE]".into()];
    let answer = folded(&events, 100).unwrap();
    assert_eq!(answer, Answer { text: "Hello".into(), sources: vec![], model: "zai".into(), cut: false });
}

#[test]
fn a_stream_that_says_either_that_it_stopped_or_that_it_is_done_is_whole() {
    assert_eq!(folded(&[delta("a"), finished("stop")], 100).unwrap().text, "a");
    assert_eq!(folded(&[delta("a"), "[DONE]".into()], 100).unwrap().text, "a");
    assert_eq!(class(&[delta("a")]), Class::Truncated);
    assert_eq!(class(&[]), Class::Truncated);
}

#[test]
fn an_answer_of_thoughts_only_is_empty() {
    let thought = r#"{"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}"#.to_owned();
    assert_eq!(class(&[thought, delta(" \n"), finished("stop"), "[DONE]".into()]), Class::Empty);
}

#[test]
fn how_a_model_stopped_decides() {
    assert!(folded(&[delta("a"), finished("length")], 100).unwrap().cut);
    assert!(folded(&[delta("a"), finished("model_context_window_exceeded")], 100).unwrap().cut);
    assert_eq!(class(&[finished("model_context_window_exceeded")]), Class::Refused);
    assert_eq!(class(&[delta("a"), finished("sensitive")]), Class::Refused);
    assert_eq!(class(&[delta("a"), finished("content_filter")]), Class::Refused);
    assert_eq!(class(&[finished("network_error")]), Class::Upstream);
}

#[test]
fn an_error_in_mid_stream_is_told_with_its_words() {
    let error = r#"{"error":{"code":"1234","message":"net down"}}"#.to_owned();
    let fault = folded(&[delta("a"), error], 100).unwrap_err();
    assert_eq!(fault.failure.class, Class::Upstream);
    assert!(fault.failure.message.contains("net down"), "{}", fault.failure.message);
}

#[test]
fn what_is_not_json_is_the_provider_s_failure() {
    assert_eq!(class(&["{\"choices\":[".into()]), Class::Upstream);
    assert_eq!(class(&["7".into()]), Class::Upstream);
}

#[test]
fn an_answer_is_cut_at_its_limit_and_not_before() {
    assert!(!folded(&[delta("abcd"), finished("stop")], 4).unwrap().cut);
    let answer = folded(&[delta("abcd"), delta("e")], 4).unwrap();
    assert_eq!((answer.text.as_str(), answer.cut), ("abcd", true));
    let answer = folded(&[delta("aä"), delta("ö")], 4).unwrap();
    assert_eq!((answer.text.as_str(), answer.cut), ("aä", true));
}

#[test]
fn only_files_that_the_answer_names_are_its_sources() {
    let answer = folded(&[delta("As [notes/a.md] says."), finished("stop")], 100).unwrap();
    assert_eq!(answer.sources, ["notes/a.md"]);
}

proptest! {
    #[test]
    fn an_answer_is_never_longer_than_allowed_and_pieces_are_its_words(
        pieces in prop::collection::vec("[a-zäß🙂 \n\"]{0,9}", 0..12),
        bytes_max in 1usize..60,
    ) {
        let callee = callee();
        let mut fold = Fold::new(&callee, bytes_max);
        let mut shown = String::new();
        for piece in &pieces {
            match fold.push(&delta(piece)).unwrap() {
                Step::Piece { from } => shown.push_str(&fold.text()[from..]),
                Step::Full { from } => { shown.push_str(&fold.text()[from..]); break; }
                Step::Nothing | Step::Done => {}
            }
        }
        prop_assert!(fold.text().len() <= bytes_max);
        prop_assert_eq!(&shown, fold.text());
        prop_assert!(pieces.concat().trim_start().starts_with(&shown));
    }
}
