use messages::index::Hit;
use messages::step::Usage;
use messages::tool::ARGUMENTS_BYTES_MAX;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn callee() -> Callee {
    Callee { name: "zai".into(), provider: "zai".into(), model: "glm".into(), base_url: "http://127.0.0.1:1/v1".into() }
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
        ..messages::index::Hit::default()
    };
    Request { passages: paths.iter().map(hit).collect(), ..Request::default() }
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
    fold.end(&request(&["notes/a.md", "notes/b.md", "notes/a.md"]), 41)
}

fn tool(index: u64, id: &str, arguments: &str) -> String {
    let call = json!({"index": index, "id": id, "type": "function", "function": {"name": "t", "arguments": arguments}});
    json!({"choices": [{"delta": {"tool_calls": [call]}}]}).to_string()
}

fn thought(words: &str) -> String {
    json!({"choices": [{"delta": {"reasoning_content": words, "content": null}}]}).to_string()
}

fn counted_end(reason: &str, input: u64, output: u64) -> String {
    let usage = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    json!({"choices": [{"delta": {}, "finish_reason": reason}], "usage": usage}).to_string()
}

fn class(events: &[String]) -> Class {
    folded(events, 100).unwrap_err().failure.class
}

#[test]
fn pieces_add_up_to_the_answer() {
    let events = [delta("\n Hel"), delta("lo "), finished("stop"), "[DONE]".into()];
    let answer = folded(&events, 100).unwrap();
    let usage = Usage { input: 11, output: 2, ..Usage::default() };
    assert_eq!(answer, Answer { text: "Hello".into(), model: "zai".into(), usage, ..Answer::default() });
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
    assert_eq!(class(&[finished("model_context_window_exceeded")]), Class::TooLong);
    assert_eq!(class(&[delta("a"), finished("sensitive")]), Class::Blocked);
    assert_eq!(class(&[delta("a"), finished("content_filter")]), Class::Blocked);
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

#[test]
fn an_answer_may_ask_for_tools_without_a_word() {
    let events = [thought("hm"), tool(0, "a", "{\"x\""), tool(0, "", ":1}"), finished("tool_calls"), "[DONE]".into()];
    let answer = folded(&events, 100).unwrap();
    assert_eq!((answer.text.as_str(), answer.calls.len(), answer.calls_left_out), ("", 1, 0));
    assert_eq!(answer.calls[0].arguments, "{\"x\":1}");
    assert!(!answer.cut);
    let cut = folded(&[tool(0, "a", "{\"x"), finished("length")], 100).unwrap();
    assert_eq!((cut.calls[0].arguments.as_str(), cut.cut), ("{\"x", true), "kept as it came");
    assert_eq!(class(&[tool(0, "a", "{\"x")]), Class::Truncated);
}

#[test]
fn who_wants_a_tool_and_names_none_has_answered_with_nothing() {
    assert_eq!(class(&[finished("tool_calls")]), Class::Empty);
    assert_eq!(class(&[delta("Let me look."), finished("tool_calls")]), Class::Empty);
}

#[test]
fn a_thousand_calls_are_counted_and_arguments_without_end_are_cut() {
    let mut events: Vec<String> = (0..1_000).map(|n| tool(n, &format!("c{n}"), "{}")).collect();
    events.push(finished("tool_calls"));
    let answer = folded(&events, 100).unwrap();
    assert_eq!((answer.calls.len(), answer.calls_left_out, answer.cut), (16, 984, false));
    let endless = vec![tool(0, "a", &"x".repeat(100_000)); 10];
    let answer = folded(&endless, 100).unwrap();
    assert_eq!((answer.calls[0].arguments.len(), answer.cut), (ARGUMENTS_BYTES_MAX, true));
}

#[test]
fn thoughts_are_counted_and_never_shown() {
    let answer = folded(&[thought("a secret plan"), delta("a"), finished("stop")], 100).unwrap();
    assert_eq!(answer.text, "a");
    assert_eq!(answer.usage, Usage { input: 11, output: 4, cached: 0, reasoning: 4 }, "by its bytes");
    let answer = folded(&[thought("a secret plan"), delta("a"), counted_end("stop", 70, 9)], 100).unwrap();
    assert_eq!(answer.usage, Usage { input: 70, output: 9, cached: 0, reasoning: 4 });
    let late = json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 6}}).to_string();
    assert_eq!(folded(&[delta("a"), finished("stop"), late], 100).unwrap().usage.tokens(), 11);
}

#[test]
fn a_failure_says_what_it_cost() {
    let error = |code: &str| json!({"error": {"code": code, "message": "m"}}).to_string();
    let known = |input, output, reasoning| Billed::Known(Usage { input, output, cached: 0, reasoning });
    for (events, billed) in [
        (vec![error("1302")], Billed::Nothing),
        (vec![error("1308")], Billed::Nothing),
        (vec![error("1301")], Billed::Nothing),
        (vec![error("1234")], Billed::Unknown),
        (vec![thought("hm"), error("1302")], Billed::Unknown),
        (vec![delta("a"), error("1302")], Billed::Unknown),
        (vec![delta("a")], Billed::Unknown),
        (vec![], Billed::Unknown),
        (vec!["7".into()], Billed::Unknown),
        (vec![finished("network_error")], known(0, 0, 0)),
        (vec![json!({"choices": [{"finish_reason": "sensitive"}]}).to_string()], Billed::Unknown),
        (vec![counted_end("sensitive", 8, 0)], known(8, 0, 0)),
        (vec![thought("hmhm"), counted_end("stop", 8, 0)], known(8, 0, 0)),
        (vec![thought("hmhm"), counted_end("stop", 8, 1)], known(8, 1, 1)),
    ] {
        let fault = folded_as_called(&events);
        assert_eq!(fault.failure.billed, billed, "{events:?}");
    }
}

/// A failure as the call gives it back, whether the stream or its end told it.
fn folded_as_called(events: &[String]) -> Fault {
    let callee = callee();
    let mut fold = Fold::new(&callee, 100);
    for event in events {
        if let Err(fault) = fold.push(event) {
            return fold.charged(fault);
        }
    }
    fold.end(&request(&[]), 0).unwrap_err()
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
