//! The bytes of the fake's replies.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::{Value, json};

use super::UnderWay;
use super::asked::{Asked, Said};
use super::codes;
use super::mode::Mode;

/// Bytes that count as a token.
const BYTES_PER_TOKEN: usize = 4;
/// Arguments that end in the middle.
const CUT_ARGUMENTS: &str = "{\"path\": \"notes/pl";

/// One thing that happens on the connection.
enum Act {
    Send(Bytes),
    Pause(u64),
    Break,
    Hang,
}

/// The reply to a call of so many bytes. It counts as under way until its body has been sent or dropped.
pub(super) fn reply(mode: &Mode, asked: &Asked, body_bytes: usize, under_way: UnderWay) -> Response {
    match mode {
        Mode::RateLimited { retry_after_s } => error(429, "1302", "rate limit reached", Some(*retry_after_s)),
        Mode::Code { code, retry_after_s, reset } => match codes::told(code, reset) {
            Some((status, message)) => error(status, code, &message, *retry_after_s),
            None => error(400, "1214", &format!("the fake knows no code {code}"), None),
        },
        Mode::ServerError => error(500, "1234", "network error, error id: fake", None),
        Mode::Unauthorized => error(401, "1001", "authentication failed", None),
        Mode::Endless => streamed(stream::repeat_with(|| Act::Send(delta(&json!({"content": "word "})))), under_way),
        _ => streamed(stream::iter(acts(mode, asked, body_bytes)), under_way),
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

fn acts(mode: &Mode, asked: &Asked, body_bytes: usize) -> Vec<Act> {
    let said = said(mode, asked);
    let pieces = |chunks| pieces(&said, asked.turn(), chunks).into_iter().map(Act::Send);
    let half = || {
        let all: Vec<Act> = pieces(2).collect();
        let kept = all.len().div_ceil(2);
        all.into_iter().take(kept)
    };
    let mut written = bytes(&said);
    let mut reason = if matches!(said, Said::Calls(_)) { "tool_calls" } else { "stop" };
    let mut acts: Vec<Act> = Vec::new();
    match mode {
        Mode::Normal { chunks, delay_ms } => {
            acts.extend(pieces(*chunks).flat_map(|piece| [Act::Pause(*delay_ms), piece]));
        }
        Mode::Says { .. }
        | Mode::SlowFirstByte { .. }
        | Mode::Held
        | Mode::InvalidArguments
        | Mode::ManyCalls { .. } => {
            acts.extend(pieces(5));
        }
        Mode::SlowBetween { delay_ms } => {
            acts.extend(pieces(2));
            acts.insert(1, Act::Pause(*delay_ms));
        }
        // A comment, so that the head leaves.
        Mode::CutBeforeFirst => return vec![Act::Send(Bytes::from_static(b": fake\n\n")), Act::Break],
        Mode::CutInMiddle | Mode::CutInArguments => return half().chain([Act::Break]).collect(),
        Mode::NoDone => return pieces(5).collect(),
        Mode::NeverEnds => return vec![Act::Send(delta(&json!({"content": "echo"}))), Act::Hang],
        Mode::InvalidJson => return vec![Act::Send(Bytes::from_static(b"data: {\"choices\":[{\"delta\":\n\n"))],
        Mode::StreamError { code } => return half().chain([Act::Send(broken(code))]).collect(),
        Mode::Finish { reason: other } => {
            acts.extend(half());
            reason = other;
        }
        Mode::ReasoningOnly => {
            acts.extend((0..5).map(|_| Act::Send(delta(&json!({"reasoning_content": "hm, "})))));
            written = 0;
        }
        _ => written = 0,
    }
    acts.extend([Act::Send(stopped(reason, body_bytes, written)), Act::Send(Bytes::from_static(b"data: [DONE]\n\n"))]);
    acts
}

/// What is said in this mode.
fn said(mode: &Mode, asked: &Asked) -> Said {
    let (name, arguments) = asked.tool();
    match mode {
        Mode::InvalidArguments => Said::Calls(vec![(name, CUT_ARGUMENTS.to_owned())]),
        Mode::Says { when, text } if asked.question.contains(when) => Said::Words(text.clone()),
        Mode::CutInArguments => Said::Calls(vec![(name, arguments)]),
        Mode::ManyCalls { calls } => {
            Said::Calls((0..*calls).map(|n| (name.clone(), json!({"n": n}).to_string())).collect())
        }
        _ => asked.said(),
    }
}

fn bytes(said: &Said) -> usize {
    match said {
        Said::Words(words) => words.len(),
        Said::Calls(calls) => calls.iter().map(|(name, arguments)| name.len() + arguments.len()).sum(),
    }
}

/// The events of an answer: its words in so many parts, or each call with its arguments in so many.
fn pieces(said: &Said, turn: usize, chunks: usize) -> Vec<Bytes> {
    let calls = match said {
        Said::Words(words) => return parts(words, chunks).map(|part| delta(&json!({"content": part}))).collect(),
        Said::Calls(calls) => calls,
    };
    let mut events = Vec::new();
    for (index, (name, arguments)) in calls.iter().enumerate() {
        let function = json!({"name": name, "arguments": ""});
        let id = format!("call_{turn}_{index}");
        let call = json!({"index": index, "id": id, "type": "function", "function": function});
        events.push(delta(&json!({"tool_calls": [call]})));
        events.extend(
            parts(arguments, chunks)
                .map(|part| delta(&json!({"tool_calls": [{"index": index, "function": {"arguments": part}}]}))),
        );
    }
    events
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

fn delta(delta: &Value) -> Bytes {
    let mut delta = delta.clone();
    if let Some(fields) = delta.as_object_mut() {
        fields.insert("role".to_owned(), json!("assistant"));
    }
    event(&json!({"id": "fake", "created": 0, "model": "fake", "choices": [{"index": 0, "delta": delta}]}))
}

fn stopped(reason: &str, body_bytes: usize, written: usize) -> Bytes {
    let (prompt, completion) = (body_bytes.div_ceil(BYTES_PER_TOKEN), written.div_ceil(BYTES_PER_TOKEN));
    let usage = json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion});
    event(
        &json!({"id": "fake", "choices": [{"index": 0, "finish_reason": reason, "delta": {"role": "assistant", "content": ""}}], "usage": usage}),
    )
}

fn broken(code: &str) -> Bytes {
    let message = codes::told(code, "in 1 hour").map(|(_, message)| message).unwrap_or_default();
    event(&json!({"error": {"code": code, "message": message}}))
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
