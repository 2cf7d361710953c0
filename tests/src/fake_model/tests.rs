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
    let empty = drawn(1).iter().filter(|name| **name == "empty").count();
    assert!((200..300).contains(&empty), "{empty}");
    assert_eq!(Mode::named("random:7").map(|mode| mode.name()), Some("random"));
    assert_eq!(Mode::named("random:x"), None);
}
