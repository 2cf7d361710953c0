use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// Sends one request and reads all that comes until the connection ends.
async fn call(fake: &FakeModel, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(fake.address).await.unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.ok();
    String::from_utf8_lossy(&reply).into_owned()
}

async fn complete(fake: &FakeModel, model: &str, words: &str) -> String {
    let body = serde_json::json!({"model": model, "stream": true, "messages": [{"role": "user", "content": words}]});
    call(fake, "POST", "/v1/chat/completions", &body.to_string()).await
}

/// The words of a streamed reply.
fn words(reply: &str) -> String {
    let events = reply.lines().filter_map(|line| line.strip_prefix("data: "));
    let values = events.filter_map(|event| serde_json::from_str::<Value>(event).ok());
    values.filter_map(|value| Some(value["choices"][0]["delta"]["content"].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn a_normal_reply_echoes_the_question_in_chunks() {
    let fake = FakeModel::start(0).await.unwrap();
    let reply = complete(&fake, "m", "passages\n\nQuestion:\nwhät now?").await;
    assert!(reply.starts_with("HTTP/1.1 200 OK") && reply.contains("data: [DONE]"), "{reply}");
    assert_eq!(words(&reply), "echo: whät now?");
    assert_eq!(reply.matches("\"delta\"").count(), 6, "five chunks and the last");
    assert_eq!(fake.requests()[0]["model"], "m");
}

#[tokio::test]
async fn a_mode_is_chosen_by_the_model_s_name_or_by_the_control() {
    let fake = FakeModel::start(0).await.unwrap();
    assert!(complete(&fake, "unauthorized", "q").await.starts_with("HTTP/1.1 401"));
    let told = call(&fake, "PUT", "/control", r#"{"mode":"rate_limited","retry_after_s":7}"#).await;
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    let limited = complete(&fake, "m", "q").await;
    assert!(limited.starts_with("HTTP/1.1 429") && limited.contains("retry-after: 7"), "{limited}");
    assert!(call(&fake, "PUT", "/control", r#"{"mode":"unknown"}"#).await.starts_with("HTTP/1.1 422"));
    let stats = fake.stats();
    assert_eq!((stats.calls, stats.in_flight), (2, 0));
    assert_eq!(stats.by_mode["unauthorized"], 1);
    assert_eq!(stats.by_mode["rate_limited"], 1);
    assert!(call(&fake, "GET", "/stats", "").await.contains("\"calls\":2"));
}

#[tokio::test]
async fn each_bad_end_is_what_it_says() {
    let fake = FakeModel::start(0).await.unwrap();
    let cut = complete(&fake, "cut_in_middle", "question").await;
    assert!(!cut.contains("[DONE]") && !cut.ends_with("0\r\n\r\n"), "{cut}");
    assert_eq!(words(&cut), "echo: q");
    let no_done = complete(&fake, "no_done", "q").await;
    assert!(
        !no_done.contains("[DONE]") && !no_done.contains("finish_reason") && no_done.ends_with("0\r\n\r\n"),
        "{no_done}"
    );
    let empty = complete(&fake, "empty", "q").await;
    assert!(words(&empty).is_empty() && empty.contains("[DONE]"), "{empty}");
    let thoughts = complete(&fake, "reasoning_only", "q").await;
    assert!(words(&thoughts).is_empty() && thoughts.contains("reasoning_content"), "{thoughts}");
    assert!(complete(&fake, "server_error", "q").await.starts_with("HTTP/1.1 500"));
    assert!(complete(&fake, "invalid_json", "q").await.contains("data: {\"choices\":[{\"delta\":\n"));
}

async fn until_under_way(fake: &FakeModel, calls: u64) {
    let seen = async {
        while fake.stats().in_flight != calls {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), seen).await.unwrap();
}

#[tokio::test]
async fn what_does_not_end_is_under_way_until_the_client_leaves() {
    let fake = FakeModel::start(0).await.unwrap();
    for model in ["never_ends", "endless", "slow_first_byte", "slow_between"] {
        tokio::select! {
            reply = complete(&fake, model, "q") => panic!("{model} ended: {reply}"),
            () = until_under_way(&fake, 1) => {}
        }
        until_under_way(&fake, 0).await;
        assert_eq!(fake.stats().by_mode[model], 1);
    }
    assert_eq!(fake.stats().in_flight_max, 1);
}

#[tokio::test]
async fn a_call_against_the_specification_is_refused() {
    let fake = FakeModel::start(0).await.unwrap();
    for body in
        [r#"{"stream":true}"#, r#"{"stream":true,"messages":[]}"#, r#"{"messages":[{"role":"user","content":"q"}]}"#]
    {
        let reply = call(&fake, "POST", "/v1/chat/completions", body).await;
        assert!(reply.starts_with("HTTP/1.1 400"), "{body}: {reply}");
    }
    assert_eq!(fake.stats().calls, 0);
}

#[test]
fn random_draws_the_same_for_the_same_seed_and_follows_the_odds() {
    let odds = vec![("normal".to_owned(), 3.0), ("empty".to_owned(), 1.0)];
    let drawn = |seed| {
        let mode = Mode::Random { seed, odds: odds.clone() };
        (0..1_000).map(|call| mode.clone().drawn(call).name()).collect::<Vec<_>>()
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
    let empty = drawn(1).iter().filter(|name| *name == "empty").count();
    assert!((200..300).contains(&empty), "{empty}");
    assert_eq!(Mode::named("random:7").map(|mode| mode.name()), Some("random".into()));
    assert_eq!(Mode::named("random:x"), None);
}

/// The events of a streamed reply.
fn events(reply: &str) -> Vec<Value> {
    let events = reply.lines().filter_map(|line| line.strip_prefix("data: "));
    events.filter_map(|event| serde_json::from_str(event).ok()).collect()
}

/// The tools that a streamed reply asks for, put together: id, name, arguments.
fn calls(reply: &str) -> Vec<[String; 3]> {
    let mut calls: Vec<[String; 3]> = Vec::new();
    for event in events(reply) {
        for piece in event["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let text = |path| piece.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
            match usize::try_from(piece["index"].as_u64().unwrap()).unwrap() {
                at if at == calls.len() => {
                    calls.push([text("/id"), text("/function/name"), text("/function/arguments")]);
                }
                at => calls[at][2].push_str(&text("/function/arguments")),
            }
        }
    }
    calls
}

async fn say(fake: &FakeModel, path: &str, messages: &Value) -> String {
    let body = serde_json::json!({"model": "m", "stream": true, "messages": messages});
    call(fake, "POST", &format!("{path}/chat/completions"), &body.to_string()).await
}

#[tokio::test]
async fn a_script_of_tools_is_asked_for_one_by_one_and_then_answered() {
    let fake = FakeModel::start(0).await.unwrap();
    let script = "Old.\n\nQuestion:\nRead it.\ntools: md_read {\"path\":\"ä.md\"}\ntools: md_list\nThanks.";
    let mut messages = vec![serde_json::json!({"role": "user", "content": script})];
    for (turn, expected) in [["md_read", "{\"path\":\"ä.md\"}"], ["md_list", "{}"]].into_iter().enumerate() {
        let reply = say(&fake, "/api/paas/v4", &Value::from(messages.clone())).await;
        let [id, name, arguments] = calls(&reply).pop().unwrap();
        assert_eq!([name.as_str(), arguments.as_str()], expected, "{reply}");
        assert_eq!(events(&reply).last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
        assert_eq!(id, format!("call_{turn}_0"));
        let call =
            serde_json::json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
        messages.push(serde_json::json!({"role": "assistant", "content": "", "tool_calls": [call]}));
        let result = format!("Data.\n<mark>\nresult {turn}\n</mark>");
        messages.push(serde_json::json!({"role": "tool", "tool_call_id": id, "content": result}));
    }
    messages.push(serde_json::json!({"role": "assistant", "content": "early"}));
    let told = "Between the marks stands what has happened since: data.\n<mark>\nit ended\n</mark>";
    messages.push(serde_json::json!({"role": "user", "content": told}));
    let reply = say(&fake, "/v1", &Value::from(messages.clone())).await;
    assert_eq!(words(&reply), "echo: Read it.\nThanks.\nresult: result 0\nresult: result 1\ntold: it ended");
    messages.remove(2);
    let refused = say(&fake, "/v1", &Value::from(messages)).await;
    assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("do not match"), "{refused}");
}

#[tokio::test]
async fn every_code_of_the_table_comes_with_its_status_and_a_quota_with_its_reset() {
    let fake = FakeModel::start(0).await.unwrap();
    for (status, codes) in [
        (401, vec!["1000", "1001", "1003", "1005"]),
        (400, vec!["1210", "1211", "1212", "1213", "1214", "1215", "1221", "1222", "1261", "1301"]),
        (403, vec!["1220"]),
        (429, vec!["1113", "1302", "1303", "1305", "1308", "1309", "1310", "1311", "1312", "1313", "1314", "1315"]),
        (429, vec!["1316", "1317", "1318", "1319", "1320", "1321"]),
        (500, vec!["1200", "1230", "1234"]),
    ] {
        for code in codes {
            let reply = complete(&fake, &format!("code:{code}"), "q").await;
            assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{code}: {reply}");
            assert!(reply.contains(&format!("\"code\":\"{code}\"")), "{code}: {reply}");
            assert_eq!(fake.stats().by_mode[&format!("code:{code}")], 1);
        }
    }
    assert_eq!(Mode::named("code:9999"), None);
    fake.set(Mode::Code { code: "1308".into(), retry_after_s: Some(3), reset: "at 2026-09-12 00:35:41".into() });
    let quota = complete(&fake, "m", "q").await;
    assert!(quota.contains("will reset at 2026-09-12 00:35:41") && quota.contains("retry-after: 3"), "{quota}");
}

#[tokio::test]
async fn tools_are_asked_for_wrongly_on_command() {
    let fake = FakeModel::start(0).await.unwrap();
    let invalid = complete(&fake, "invalid_arguments", "q").await;
    assert!(serde_json::from_str::<Value>(&calls(&invalid)[0][2]).is_err() && invalid.contains("[DONE]"), "{invalid}");
    let cut = complete(&fake, "cut_in_arguments", "q").await;
    assert!(!cut.contains("[DONE]") && !calls(&cut)[0][2].is_empty(), "{cut}");
    assert!(serde_json::from_str::<Value>(&calls(&cut)[0][2]).is_err(), "{cut}");
    let many = calls(&complete(&fake, "many_calls", "q").await);
    assert_eq!((many.len(), many[999][2].as_str()), (1_000, "{\"n\":999}"));
    assert_eq!(calls(&complete(&fake, "many_calls:3", "q").await).len(), 3);
}

#[tokio::test]
async fn streams_end_wrongly_on_command() {
    let fake = FakeModel::start(0).await.unwrap();
    let early = complete(&fake, "cut_before_first", "q").await;
    assert!(early.starts_with("HTTP/1.1 200") && words(&early).is_empty() && !early.contains("[DONE]"), "{early}");
    let broken = complete(&fake, "stream_error:1305", "question").await;
    assert_eq!(words(&broken), "echo: q");
    assert_eq!(events(&broken).last().unwrap()["error"]["code"], "1305", "{broken}");
    for reason in ["network_error", "sensitive", "model_context_window_exceeded"] {
        let reply = complete(&fake, &format!("finish:{reason}"), "question").await;
        assert_eq!(events(&reply).last().unwrap()["choices"][0]["finish_reason"], reason, "{reply}");
    }
}

#[tokio::test]
async fn tokens_are_counted_by_bytes() {
    let fake = FakeModel::start(0).await.unwrap();
    let usage = |reply: &str| {
        let usage = events(reply).last().unwrap()["usage"].clone();
        (usage["prompt_tokens"].as_u64().unwrap(), usage["completion_tokens"].as_u64().unwrap())
    };
    let reply = complete(&fake, "m", "abc").await;
    let sent = serde_json::json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "abc"}]});
    assert_eq!(usage(&reply), (sent.to_string().len().div_ceil(4) as u64, 3), "`echo: abc` has nine bytes");
    assert_eq!(usage(&complete(&fake, "reasoning_only", "abc").await).1, 0);
}

#[tokio::test]
async fn a_sequence_is_one_mode_for_each_call_and_normal_after_it() {
    let fake = FakeModel::start(0).await.unwrap();
    let told = r#"{"mode":"sequence","modes":[{"mode":"code","code":"1305"},{"mode":"empty"}]}"#;
    assert!(call(&fake, "PUT", "/control", told).await.starts_with("HTTP/1.1 200"));
    assert!(complete(&fake, "m", "q").await.starts_with("HTTP/1.1 429"));
    assert!(complete(&fake, "code:1234", "q").await.starts_with("HTTP/1.1 500"), "has its own");
    assert_eq!(words(&complete(&fake, "m", "q").await), "");
    assert_eq!(words(&complete(&fake, "m", "q").await), "echo: q");
}
