use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn take(calls: &mut Calls, piece: &Value) -> bool {
    calls.take(&serde_json::from_str(&piece.to_string()).unwrap())
}

fn folded(pieces: &[Value]) -> (Vec<ToolCall>, u32) {
    let mut calls = Calls::default();
    for piece in pieces {
        assert!(take(&mut calls, piece));
    }
    calls.end()
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() }
}

#[test]
fn pieces_of_several_calls_are_told_apart_by_their_index() {
    let calls = folded(&[
        json!({"index": 0, "id": "a", "type": "function", "function": {"name": "md_read", "arguments": ""}}),
        json!({"index": 1, "id": "b", "function": {"name": "search", "arguments": "{\"q"}}),
        json!({"index": 0, "function": {"arguments": "{\"path\":"}}),
        json!({"index": 1, "id": "b", "function": {"name": "search", "arguments": "\":1}"}}),
        json!({"index": 0, "id": null, "function": {"name": null, "arguments": "\"x\"}"}}),
    ]);
    assert_eq!(calls, (vec![call("a", "md_read", "{\"path\":\"x\"}"), call("b", "search", "{\"q\":1}")], 0));
}

#[test]
fn endpoints_without_proper_indexes_are_understood() {
    let one = |id: &str| json!({"index": 0, "id": id, "function": {"name": "t", "arguments": "{}"}});
    let (calls, _) = folded(&[one("a"), one("b"), json!({"index": 0, "function": {"arguments": " "}})]);
    assert_eq!(calls, [call("a", "t", "{}"), call("b", "t", "{} ")]);
    let (calls, _) = folded(&[
        json!({"id": "a", "function": {"name": "t", "arguments": "{"}}),
        json!({"function": {"arguments": "}"}}),
        json!({"id": "b", "function": {"name": "u", "arguments": "{"}}),
        json!({"id": "b", "function": {"arguments": "}"}}),
        json!({"function": {"name": "v", "arguments": "{}"}}),
    ]);
    assert_eq!(calls, [call("a", "t", "{}"), call("b", "u", "{}"), call("call_2", "v", "{}")]);
}

#[test]
fn invalid_arguments_are_kept_as_they_came_and_a_call_without_anything_is_none() {
    let (calls, _) = folded(&[
        json!({"index": 0, "id": "a", "function": {"name": "t", "arguments": "{\"path\": \"no"}}),
        json!({"index": 1, "function": {"arguments": "lost"}}),
        json!({"index": 2}),
        json!({"index": 3, "id": "d", "function": {}}),
    ]);
    assert_eq!(calls, [call("a", "t", "{\"path\": \"no"), call("call_1", "", "lost")]);
}

#[test]
fn of_a_thousand_calls_sixteen_are_kept_and_the_others_only_counted() {
    let mut calls = Calls::default();
    let filler = "x".repeat(1_000);
    for index in 0..1_000u64 {
        let id = format!("c{index}");
        assert!(take(&mut calls, &json!({"index": index, "id": id, "function": {"name": "t", "arguments": "{"}})));
        if index >= CALLS_MAX as u64 {
            assert!(take(&mut calls, &json!({"index": index, "function": {"arguments": filler}})));
            assert!(take(&mut calls, &json!({"index": index, "id": id, "function": {"name": "t", "arguments": "}"}})));
        }
    }
    assert_eq!(calls.bytes(), CALLS_MAX * 2, "nothing of what is left out is kept");
    let (kept, left_out) = calls.end();
    assert_eq!((kept.len(), left_out), (CALLS_MAX, 1_000 - 16));
    assert_eq!((kept[0].id.as_str(), kept[15].id.as_str()), ("c0", "c15"));
}

#[test]
fn arguments_are_bounded_in_sum_and_names_each() {
    let mut calls = Calls::default();
    let long = "n".repeat(NAME_BYTES_MAX + 1);
    assert!(take(&mut calls, &json!({"index": 0, "id": long, "function": {"name": long}})));
    let half = "x".repeat(ARGUMENTS_BYTES_MAX / 2);
    for index in [0, 1] {
        assert!(take(&mut calls, &json!({"index": index, "function": {"arguments": half}})));
    }
    assert!(take(&mut calls, &json!({"index": 1, "function": {"arguments": ""}})), "no byte too many");
    assert!(!take(&mut calls, &json!({"index": 1, "function": {"arguments": "y"}})));
    let (calls, _) = calls.end();
    assert_eq!((calls[0].id.len(), calls[0].name.len()), (NAME_BYTES_MAX, NAME_BYTES_MAX));
    assert_eq!(calls.iter().map(|call| call.arguments.len()).sum::<usize>(), ARGUMENTS_BYTES_MAX);
}

proptest! {
    /// However the arguments of parallel calls are cut and mixed, each call has its own in order.
    #[test]
    fn where_arguments_are_cut_and_how_calls_are_mixed_makes_no_difference(
        arguments in prop::collection::vec("[ -~äß€🙂]{0,30}", 1..5),
        order in prop::collection::vec((any::<prop::sample::Index>(), 1usize..6), 0..200),
        repeats_id in any::<bool>(),
    ) {
        let expected: Vec<ToolCall> =
            arguments.iter().enumerate().map(|(at, text)| call(&format!("c{at}"), "t", text)).collect();
        let mut left: Vec<Vec<char>> = arguments.iter().map(|text| text.chars().collect()).collect();
        let mut calls = Calls::default();
        for at in 0..arguments.len() {
            take(&mut calls, &json!({"index": at, "id": format!("c{at}"), "function": {"name": "t"}}));
        }
        let all = (0..arguments.len()).map(|at| (at, usize::MAX));
        for (at, chars) in order.iter().map(|(at, chars)| (at.index(arguments.len()), *chars)).chain(all) {
            let chars = chars.min(left[at].len());
            let part: String = left[at].drain(..chars).collect();
            let id = if repeats_id { json!(format!("c{at}")) } else { Value::Null };
            take(&mut calls, &json!({"index": at, "id": id, "function": {"arguments": part}}));
        }
        prop_assert_eq!(calls.end(), (expected, 0));
    }
}
