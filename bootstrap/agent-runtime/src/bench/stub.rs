//! A model that costs next to nothing: five chunks over server-sent events, at once, or held back until it is told.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::logging;

#[derive(Default)]
struct Stub {
    asked: AtomicU64,
    held: AtomicBool,
    released: Notify,
}

/// How long it thinks about a question that asks it to.
const SLOW: Duration = Duration::from_millis(20);

/// What a question with tools is answered first: one tool, and the chunk that ends it.
const CALL: [&str; 3] = [
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"md_read\",\"arguments\":\"{\\\"path\\\":\\\"welcome.md\\\"}\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
    "data: [DONE]\n\n",
];

const CHUNKS: [&str; 6] = [
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"This \"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"is what \"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"the stub \"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"always \"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"answers.\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: [DONE]\n\n",
];

/// What a question about what is worth keeping holds, and the answer that nothing is: one that is of no use would be asked
/// for again and again.
const MEMORY: &[u8] = b"Notes in force:";
const NOTHING: [&str; 2] = [
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"=\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: [DONE]\n\n",
];

/// Serves until the process is ended; the first line of standard output is its base URL.
pub(super) async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    logging::give(&format!("http://{}/v1", listener.local_addr()?));
    let app = Router::new()
        .route("/v1/chat/completions", post(answer))
        .route("/v1/hold", post(|State(stub): State<Arc<Stub>>| async move { stub.held.store(true, Ordering::SeqCst) }))
        .route("/v1/release", post(release))
        .route(
            "/v1/asked",
            get(|State(stub): State<Arc<Stub>>| async move { stub.asked.load(Ordering::SeqCst).to_string() }),
        )
        .with_state(Arc::new(Stub::default()));
    Ok(axum::serve(listener, app).await?)
}

async fn release(State(stub): State<Arc<Stub>>) {
    stub.held.store(false, Ordering::SeqCst);
    stub.released.notify_waiters();
}

/// Whether a body offers tools and has told of no result yet.
fn wants_tool(body: &[u8]) -> bool {
    has(body, b"\"tools\":[") && !has(body, b"\"role\":\"tool\"")
}

fn has(body: &[u8], words: &[u8]) -> bool {
    body.windows(words.len()).any(|window| window == words)
}

fn chunks(body: &[u8]) -> &'static [&'static str] {
    if has(body, MEMORY) {
        &NOTHING
    } else if wants_tool(body) {
        &CALL
    } else {
        &CHUNKS
    }
}

async fn answer(State(stub): State<Arc<Stub>>, body: Bytes) -> Response {
    let released = stub.released.notified();
    stub.asked.fetch_add(1, Ordering::SeqCst);
    if stub.held.load(Ordering::SeqCst) {
        released.await;
    }
    if has(&body, b"take your time") {
        tokio::time::sleep(SLOW).await;
    }
    let chunks = chunks(&body);
    let chunks = stream::iter(chunks.iter().map(|chunk| Ok::<_, Infallible>(Bytes::from_static(chunk.as_bytes()))));
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(chunks)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_question_is_answered_in_its_form() {
        assert_eq!(chunks(br#"{"messages":[{"content":"Notes in force:\n(none)"}]}"#), NOTHING);
        assert_eq!(chunks(br#"{"tools":[{}],"messages":[{"role":"user"}]}"#), CALL);
        assert_eq!(chunks(br#"{"tools":[{}],"messages":[{"role":"tool"}]}"#), CHUNKS);
        assert_eq!(chunks(br#"{"messages":[{"role":"user"}]}"#), CHUNKS);
    }
}
