//! The bytes of the fake's replies.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::{Value, json};

use super::UnderWay;
use super::mode::Mode;

/// One thing that happens on the connection.
enum Act {
    Send(Bytes),
    Pause(u64),
    Break,
    Hang,
}

/// The question of a call: what follows the last line that reads `Question:` in the last message, or all of it.
pub(super) fn asked(body: &Value) -> Result<String, String> {
    if body.get("stream").and_then(Value::as_bool) != Some(true) {
        return Err("this fake only streams; set `stream` to true".to_owned());
    }
    let messages = body.get("messages").and_then(Value::as_array).ok_or("`messages` is missing")?;
    let last = messages.iter().rev().find(|message| message.get("role").and_then(Value::as_str) == Some("user"));
    let words = last.and_then(|message| message.get("content")?.as_str()).ok_or("there is no user message")?;
    Ok(words.rsplit_once("Question:\n").map_or(words, |(_, question)| question).to_owned())
}

/// The reply to a question. It counts as under way until its body has been sent or dropped.
pub(super) fn reply(mode: &Mode, asked: &str, under_way: UnderWay) -> Response {
    match mode {
        Mode::RateLimited { retry_after_s } => error(429, "1302", "rate limit reached", Some(*retry_after_s)),
        Mode::ServerError => error(500, "1234", "network error, error id: fake", None),
        Mode::Unauthorized => error(401, "1001", "authentication failed", None),
        Mode::Endless => streamed(stream::repeat_with(|| Act::Send(delta("content", "word "))), under_way),
        _ => streamed(stream::iter(acts(mode, &format!("echo: {asked}"))), under_way),
    }
}

/// An error as z.ai tells it.
pub(super) fn error(status: u16, code: &str, message: &str, retry_after_s: Option<u64>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = axum::Json(json!({"error": {"code": code, "message": message}}));
    let mut response = (status, body).into_response();
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn acts(mode: &Mode, answer: &str) -> Vec<Act> {
    let pieces = |chunks| parts(answer, chunks).map(|part| Act::Send(delta("content", part)));
    let mut acts: Vec<Act> = Vec::new();
    match mode {
        Mode::Normal { chunks, delay_ms } => {
            acts.extend(pieces(*chunks).flat_map(|piece| [Act::Pause(*delay_ms), piece]));
        }
        Mode::SlowFirstByte { .. } => acts.extend(pieces(5)),
        Mode::SlowBetween { delay_ms } => {
            acts.extend(pieces(2));
            acts.insert(1, Act::Pause(*delay_ms));
        }
        Mode::CutInMiddle => return pieces(2).take(1).chain([Act::Break]).collect(),
        Mode::NoDone => return pieces(5).collect(),
        Mode::NeverEnds => return vec![Act::Send(delta("content", "echo")), Act::Hang],
        Mode::InvalidJson => return vec![Act::Send(Bytes::from_static(b"data: {\"choices\":[{\"delta\":\n\n"))],
        Mode::ReasoningOnly => acts.extend((0..5).map(|_| Act::Send(delta("reasoning_content", "hm, ")))),
        _ => {}
    }
    acts.extend([Act::Send(stopped()), Act::Send(Bytes::from_static(b"data: [DONE]\n\n"))]);
    acts
}

fn streamed(acts: impl Stream<Item = Act> + Send + 'static, under_way: UnderWay) -> Response {
    let bytes = acts.filter_map(move |act| {
        let _counted = &under_way;
        async move {
            match act {
                Act::Send(bytes) => Some(Ok(bytes)),
                Act::Pause(0) => None,
                Act::Pause(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    None
                }
                Act::Break => {
                    // What was sent before leaves only while the body is pending; an error at once would swallow it.
                    tokio::task::yield_now().await;
                    Some(Err(io::Error::from(io::ErrorKind::ConnectionReset)))
                }
                Act::Hang => std::future::pending().await,
            }
        }
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(bytes)).into_response()
}

fn delta(field: &str, text: &str) -> Bytes {
    event(
        &json!({"id": "fake", "created": 0, "model": "fake", "choices": [{"index": 0, "delta": {"role": "assistant", field: text}}]}),
    )
}

fn stopped() -> Bytes {
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
    event(
        &json!({"id": "fake", "choices": [{"index": 0, "finish_reason": "stop", "delta": {"role": "assistant", "content": ""}}], "usage": usage}),
    )
}

fn event(value: &Value) -> Bytes {
    Bytes::from(format!("data: {value}\n\n"))
}

/// The text in so many parts (fewer if it has fewer characters), cut at characters.
fn parts(text: &str, chunks: usize) -> impl Iterator<Item = &str> {
    let (mut rest, mut left, mut chunks) = (text, text.chars().count(), chunks.max(1));
    std::iter::from_fn(move || {
        let size = left.div_ceil(chunks.max(1));
        let end = rest.char_indices().nth(size).map_or(rest.len(), |(at, _)| at);
        let (part, after) = rest.split_at(end);
        (rest, left, chunks) = (after, left.saturating_sub(size), chunks.saturating_sub(1));
        (!part.is_empty()).then_some(part)
    })
}
