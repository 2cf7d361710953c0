//! Answers that ask for tools.

use messages::model::{Exchange, Request};
use messages::step::Usage;
use messages::tool::{Repeat, Risk, ToolSpec};
use serde_json::{Value, json};

use crate::node::{answer, endpoint, node, question, zai};
use crate::server::{Act, DONE, chunk, end, event, head, server, used, whole};

fn spec() -> ToolSpec {
    ToolSpec {
        name: "md_read".into(),
        what: "Reads a file.".into(),
        schema: r#"{"type":"object"}"#.into(),
        risk: Risk::Low,
        repeat: Repeat::Free,
        tasks_only: false,
    }
}

fn piece(call: &Value) -> Act {
    let event = json!({"choices": [{"index": 0, "delta": {"role": "assistant", "tool_calls": [call]}}]});
    chunk(&format!("data: {event}\n\n"))
}

fn named(index: u64, arguments: &str) -> Act {
    let function = json!({"name": "md_read", "arguments": arguments});
    piece(&json!({"index": index, "id": format!("c{index}"), "type": "function", "function": function}))
}

#[tokio::test]
async fn tools_are_asked_for_in_pieces_and_their_results_go_back() {
    let asks = vec![
        head(),
        chunk(&event("I look.")),
        named(0, "{\"path\":"),
        named(1, "{\"path\": 7"),
        piece(&json!({"index": 0, "function": {"arguments": "\"a.md\"}"}})),
        chunk(&used("tool_calls", 120, 30)),
        chunk(DONE),
        end(),
    ];
    let server = server(vec![asks, whole(&["It says yes."])]).await;
    let system = node(vec![zai(&server.base_url)]).await;
    let request = Request { tools: vec![spec()], ..question("q") };
    let first = answer(&system, request.clone()).await;
    assert_eq!((first.text.as_str(), first.calls_left_out, first.cut), ("I look.", 0, false));
    assert_eq!(first.usage, Usage { input: 120, output: 30, ..Usage::default() });
    let arguments: Vec<&str> = first.calls.iter().map(|call| call.arguments.as_str()).collect();
    assert_eq!(arguments, ["{\"path\":\"a.md\"}", "{\"path\": 7"], "invalid ones are kept as they came");
    let results = vec!["yes".to_owned(), "The arguments are no JSON.".to_owned()];
    let exchange = Exchange { text: first.text, calls: first.calls, results };
    let second = answer(&system, Request { exchanges: vec![exchange], ..request }).await;
    assert_eq!(second.text, "It says yes.");
    assert!(second.usage.input > 50 && second.usage.output == 3, "by its bytes: {:?}", second.usage);
    let bodies = server.seen.bodies();
    assert_eq!(bodies[0]["tools"][0]["function"]["name"], "md_read");
    let messages = bodies[1]["messages"].as_array().unwrap();
    assert_eq!(messages[2]["tool_calls"][0]["id"], "c0");
    assert_eq!((&messages[3]["tool_call_id"], &messages[4]["tool_call_id"]), (&json!("c0"), &json!("c1")));
}

#[tokio::test]
async fn of_a_thousand_tools_sixteen_are_kept_and_the_others_counted() {
    let mut script = vec![head()];
    script.extend((0..1_000).map(|n| named(n, "{}")));
    script.extend([chunk(&used("tool_calls", 1, 1)), chunk(DONE), end()]);
    let server = server(vec![script]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    let answer = answer(&system, Request { tools: vec![spec()], ..question("q") }).await;
    assert_eq!((answer.calls.len(), answer.calls_left_out), (16, 984));
}

#[tokio::test]
async fn the_offline_model_has_no_use_for_tools_and_costs_nothing() {
    let system = node(vec![models::ProviderConfig::new("offline", models::ProviderKind::Offline)]).await;
    let exchange = Exchange { results: vec!["r".into()], ..Exchange::default() };
    let request = Request { tools: vec![spec()], exchanges: vec![exchange], ..question("q") };
    let answer = answer(&system, request).await;
    assert!(answer.text.contains("it quotes and does not understand") && answer.calls.is_empty(), "{answer:?}");
    assert_eq!(answer.usage, Usage::default());
}
