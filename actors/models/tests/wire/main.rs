//! The real actors and the real HTTP client against a server that misbehaves.

// The file is a test from end to end; what is in it beside test functions serves nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fake;
#[path = "../../../../tests/src/fake_model/mod.rs"]
pub mod fake_model;
mod fallback;
mod node;
mod server;
mod tools;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use messages::model::{Billed, Class, Reply, Request};
use messages::{AskError, Trace};
use models::{ModelTable, ProviderConfig, ProviderKind, ProviderService, QUEUE_MAX};
use tokio::sync::{Notify, mpsc};

use node::{KEY, answer, ask, asked, described, endpoint, failure, nobody, node, patient, question, until_described};
use server::{Act, DONE, chunk, end, event, framed, head, reply, server, stop, whole};

#[tokio::test]
async fn an_answer_is_the_pieces_of_its_stream_and_onlookers_hear_them_as_they_come() {
    let word = Arc::new(Notify::new());
    let mut script = vec![head(), chunk(&event("Hel")), Act::Wait(word.clone())];
    script.extend([chunk(&event("lo")), chunk(&stop("stop")), chunk(DONE), end()]);
    let server = server(vec![script, whole(&["more"])]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    let mut pieces = system.feed().listen(Trace("q".into()));
    let answered = asked(&system, question("q"));
    assert_eq!(pieces.recv().await.as_deref(), Some("Hel"), "before the answer is complete");
    word.notify_one();
    assert_eq!(pieces.recv().await.as_deref(), Some("lo"));
    assert_eq!(answer(&system, question("q")).await.text, "more");
    assert_eq!(
        pieces.recv().await.as_deref(),
        Some("more"),
        "whoever asks ends the preview, not one answer of several"
    );
    let Ok(Reply::Answer(answer)) = answered.await.unwrap() else { panic!("no answer") };
    assert_eq!((answer.text.as_str(), answer.model.as_str(), answer.cut), ("Hello", "zai", false));
    let request = server.seen.requests.lock().unwrap()[0].clone();
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: Bearer {KEY}\r\n")), "{request}");
    assert!(request.contains("\"model\":\"glm-5.3\"") && request.contains("\"stream\":true"), "{request}");
}

#[tokio::test]
async fn calls_after_another_use_one_connection() {
    let server = server((0..5).map(|_| whole(&["a", "b"])).collect()).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    for _ in 0..5 {
        assert_eq!(answer(&system, question("q")).await.text, "ab");
    }
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_is_kept_though_the_end_of_its_body_comes_a_little_late() {
    let late = || vec![head(), chunk(&event("a")), chunk(DONE), Act::Pause, end()];
    let server = server((0..5).map(|_| late()).collect()).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    for _ in 0..5 {
        assert_eq!(answer(&system, question("q")).await.text, "a");
    }
    // One where all goes well; a busy machine may be later than what is waited for, but not each time.
    assert!(server.seen.connections.load(Ordering::SeqCst) < 5);
}

#[tokio::test]
async fn what_passes_by_itself_is_tried_again() {
    let limited = reply("429 Too Many Requests", "retry-after: 0\r\n", r#"{"error":{"code":"1302","message":"slow"}}"#);
    let broken = reply("500 Internal Server Error", "", "oops");
    let server = server(vec![limited, broken, whole(&["at last"])]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    assert_eq!(answer(&system, question("q")).await.text, "at last");
}

#[tokio::test]
async fn a_reset_before_the_first_word_is_tried_again_and_one_after_it_is_not() {
    let early = vec![Act::Reset];
    let word = Arc::new(Notify::new());
    let late = vec![head(), chunk(&event("half an")), Act::Wait(word.clone()), Act::Reset];
    let server = server(vec![early, late]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    let mut pieces = system.feed().listen(Trace("q".into()));
    let answered = asked(&system, question("q"));
    assert_eq!(pieces.recv().await.as_deref(), Some("half an"));
    word.notify_one();
    let Ok(Reply::Failed(failure)) = answered.await.unwrap() else { panic!("no failure") };
    assert_eq!((failure.class, failure.billed), (Class::Unreachable, Billed::Unknown));
    assert!(failure.message.contains("broke off"), "{}", failure.message);
    assert_eq!(server.seen.calls(), 2);
}

#[tokio::test]
async fn three_tries_are_enough() {
    let broken = || reply("503 Service Unavailable", "", r#"{"error":{"code":"1234","message":"down"}}"#);
    let server = server(vec![broken(), broken(), broken()]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    assert_eq!(failure(&system, question("q")).await.class, Class::Upstream);
    assert_eq!(server.seen.calls(), 3);
}

#[tokio::test]
async fn a_refused_key_is_told_once_and_never_repeated() {
    let body = format!(r#"{{"error":{{"code":"1000","message":"bad key {KEY}"}}}}"#);
    let server = server(vec![reply("401 Unauthorized", "", &body)]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    let failure = failure(&system, question("q")).await;
    assert_eq!(failure.class, Class::Auth);
    assert!(failure.message.contains("bad key ***") && !failure.message.contains(KEY), "{}", failure.message);
    assert_eq!(server.seen.calls(), 1);
}

#[tokio::test]
async fn a_stream_without_an_end_mark_is_truncated_and_its_half_answer_is_not_given() {
    let server = server(vec![vec![head(), chunk(&event("half an")), end()]]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    let failure = failure(&system, question("q")).await;
    assert_eq!((failure.class, failure.billed, failure.model.as_str()), (Class::Truncated, Billed::Unknown, "zai"));
    assert_eq!(server.seen.calls(), 1, "it was paid: who asked decides");
}

#[tokio::test]
async fn a_model_that_does_not_begin_is_timed_out_with_and_without_a_head() {
    let (gone, mut told) = mpsc::unbounded_channel();
    let server = server(vec![vec![Act::Hang(gone.clone())], vec![head(), Act::Hang(gone)]]).await;
    let system = node(vec![patient(&server.base_url, 150, 60_000)]).await;
    for _ in 0..2 {
        let failure = failure(&system, question("q")).await;
        assert_eq!((failure.class, failure.billed), (Class::TimedOut, Billed::Unknown));
        assert!(failure.message.contains("did not begin to answer within 0.15 s"), "{}", failure.message);
        told.recv().await.expect("the connection is closed");
    }
    assert_eq!(server.seen.calls(), 2, "what was late once is not asked for again");
}

#[tokio::test]
async fn a_model_that_falls_silent_in_mid_answer_is_timed_out() {
    let (gone, mut told) = mpsc::unbounded_channel();
    let server = server(vec![vec![head(), chunk(&event("a")), Act::Hang(gone)]]).await;
    let system = node(vec![patient(&server.base_url, 60_000, 150)]).await;
    let failure = failure(&system, question("q")).await;
    assert_eq!(failure.class, Class::TimedOut);
    assert!(failure.message.contains("fell silent for 0.15 s"), "{}", failure.message);
    told.recv().await.expect("the connection is closed");
}

#[tokio::test]
async fn an_answer_that_is_finished_does_not_wait_for_the_farewell() {
    let (gone, mut told) = mpsc::unbounded_channel();
    let scripts = vec![
        vec![head(), chunk(&event("a")), chunk(&stop("stop")), Act::Hang(gone.clone())],
        vec![head(), chunk(&event("b")), chunk(DONE), Act::Hang(gone)],
    ];
    let server = server(scripts).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    for words in ["a", "b"] {
        assert_eq!(answer(&system, question("q")).await.text, words);
        told.recv().await.expect("a connection whose body has no end is not kept");
    }
}

#[tokio::test]
async fn a_stream_that_trickles_for_ever_ends_with_the_whole_time() {
    let server = server(vec![vec![head(), Act::Endless(framed(": still here\n\n"))]]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    let failure = failure(&system, Request { seconds_max: 1, ..question("q") }).await;
    assert_eq!(failure.class, Class::TimedOut);
    assert!(failure.message.contains("within 1 s"), "{}", failure.message);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_and_no_longer_read() {
    let server = server(vec![vec![head(), Act::Endless(framed(&event("abc")))]]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    let answer = answer(&system, Request { answer_bytes_max: 1_000, ..question("q") }).await;
    assert_eq!((answer.text.len(), answer.cut), (1_000, true));
}

#[tokio::test]
async fn an_event_without_end_is_refused() {
    let server = server(vec![vec![head(), Act::Endless(framed(&"x".repeat(60_000)))]]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    let failure = failure(&system, question("q")).await;
    assert_eq!(failure.class, Class::Refused);
    assert!(failure.message.contains("longer than 1048576 bytes"), "{}", failure.message);
}

#[tokio::test]
async fn an_error_page_without_end_is_read_only_so_far() {
    let status = "HTTP/1.1 400 Bad Request\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    let server = server(vec![vec![Act::Send(status), Act::Endless(framed(&"<p>no</p>".repeat(100)))]]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    let failure = failure(&system, question("q")).await;
    assert_eq!(failure.class, Class::Refused);
    assert!(failure.message.len() < 600, "{}", failure.message);
}

#[tokio::test]
async fn what_is_no_stream_of_events_is_refused_with_advice() {
    let web_page = reply("200 OK", "", "<html>welcome</html>");
    let moved = reply("302 Found", "location: http://127.0.0.1:1/\r\n", "");
    let server = server(vec![web_page, moved]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    for words in ["does not answer as a stream", "redirects to another address"] {
        let failure = failure(&system, question("q")).await;
        assert_eq!(failure.class, Class::Refused);
        assert!(failure.message.contains(words) && failure.advice.contains("base_url"), "{failure:?}");
    }
}

#[tokio::test]
async fn an_error_told_with_status_200_is_still_an_error() {
    let server = server(vec![reply("200 OK", "", r#"{"error":{"code":"1113","message":"arrears"}}"#)]).await;
    let system = node(vec![endpoint(&server.base_url)]).await;
    let failure = failure(&system, question("q")).await;
    assert_eq!((failure.class, failure.billed), (Class::Arrears, Billed::Nothing));
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let (_nobody, base_url) = nobody();
    let system = node(vec![endpoint(&base_url)]).await;
    let failure = failure(&system, question("q")).await;
    assert_eq!(failure.class, Class::Unreachable);
    assert!(failure.message.contains("refused"), "{}", failure.message);
}

#[tokio::test]
async fn a_call_is_stopped_when_nobody_waits_for_it_any_longer() {
    let (gone, mut told) = mpsc::unbounded_channel();
    let server = server(vec![vec![head(), chunk(&event("a")), Act::Hang(gone)], whole(&["next"])]).await;
    let system = node(vec![ProviderConfig { window: 1, ..endpoint(&server.base_url) }]).await;
    let mut pieces = system.feed().listen(Trace("given up".into()));
    let first = asked(&system, question("given up"));
    assert_eq!(pieces.recv().await.as_deref(), Some("a"));
    first.abort();
    // Far below what the call itself would have been given.
    let closed = tokio::time::timeout(std::time::Duration::from_secs(10), told.recv()).await;
    assert_eq!(closed, Ok(Some(())), "the connection is closed");
    assert_eq!(answer(&system, question("q")).await.text, "next", "its place is free again");
}

#[tokio::test]
async fn so_many_are_answered_at_once_so_many_wait_and_one_more_is_turned_away() {
    let word = Arc::new(Notify::new());
    let mut held = vec![Act::Wait(word.clone())];
    held.extend(whole(&["a"]));
    let scripts = std::iter::once(held).chain((0..QUEUE_MAX).map(|_| whole(&["a"]))).collect();
    let server = server(scripts).await;
    let system = node(vec![ProviderConfig { window: 1, ..endpoint(&server.base_url) }]).await;
    // As many at a time as a mailbox holds, so that it is the provider's own queue that fills.
    let mut waiting = vec![];
    for batch in 0..=QUEUE_MAX / 64 {
        let more = if batch == 0 { 1 } else { 64 };
        let patient = || Request { seconds_max: 300, ..question("q") };
        waiting.extend((0..more).map(|_| asked(&system, patient())));
        until_described(&system, &format!("zai: 1 of 1 calls, {} waiting", batch * 64)).await;
    }
    assert_eq!(server.seen.calls(), 1, "the window is kept");
    match ask(&system, question("one more")).await {
        Err(AskError::Busy { what, .. }) => assert!(what.contains("1024 questions wait"), "{what}"),
        other => panic!("not turned away: {other:?}"),
    }
    word.notify_one();
    for one in waiting {
        assert!(matches!(one.await.unwrap(), Ok(Reply::Answer(_))));
    }
}

#[tokio::test]
async fn the_context_s_list_decides_who_answers_and_nobody_else_does() {
    let server = server(vec![]).await;
    let system = node(vec![endpoint(&server.base_url), ProviderConfig::new("offline", ProviderKind::Offline)]).await;
    let allowed = |name: &str| Request { allowed: vec![name.to_owned()], ..question("q") };
    let answer = answer(&system, allowed("offline")).await;
    assert_eq!(answer.model, "offline");
    assert!(answer.text.contains("it quotes and does not understand"), "{}", answer.text);
    assert_eq!(failure(&system, allowed("other")).await.class, Class::NotAllowed);
    assert_eq!(server.seen.calls(), 0);
}

#[tokio::test]
async fn the_models_say_how_they_stand_without_their_keys() {
    let providers = vec![ProviderConfig::new("offline", ProviderKind::Offline), endpoint("http://127.0.0.1:9/v1")];
    let told = described(&node(providers).await).await;
    for line in [
        "chat: offline",
        "offline: quotes passages",
        "zai: openai-compatible: model glm-5.3 at http://127.0.0.1:9/v1, with a key",
        "zai: 0 of 64 calls, 0 waiting",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    assert!(!told.contains(KEY), "{told}");
}

#[test]
fn a_provider_that_can_t_work_is_refused_when_it_is_opened() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let (table, zai) = (ModelTable::built_in(), node::zai("https://models.example/api/paas/v4"));
    assert!(ProviderService::open(&zai, &table).is_ok(), "nothing is connected to");
    let offline = ProviderConfig::new("offline", ProviderKind::Offline);
    for (config, why) in [
        (ProviderConfig { window: 0, ..offline }, "models.providers.offline: `window` is 0"),
        (
            endpoint("http://models.lan/v1"),
            "models.providers.zai: `base_url` \"http://models.lan/v1\" would send the key unencrypted",
        ),
        (ProviderConfig::new("x", ProviderKind::openai("https://a/v1", " ")), "models.providers.x: `model` is empty"),
    ] {
        let error = ProviderService::open(&config, &table).err().unwrap().to_string();
        assert!(error.contains(why), "{error}");
    }
}
