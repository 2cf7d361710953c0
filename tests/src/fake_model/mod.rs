//! A server that speaks the wire of an OpenAI-compatible model, and misbehaves on command.
//!
//! | path | what |
//! |---|---|
//! | `POST /v1/chat/completions`, `POST /api/paas/v4/chat/completions` | a streamed answer that echoes the question: `echo: <question>` |
//! | `PUT /control` | a [`Mode`] as JSON, from now on for every model whose name is not itself a mode |
//! | `GET /stats` | [`Stats`] as JSON |
//! | `GET /requests` | the bodies of the last [`REQUESTS_KEPT_MAX`] calls, oldest first |
//!
//! A call whose `model` is the name of a mode (`empty`, `code:1305`, `random:7`) gets that mode, whatever the control says.
//! A question with lines `tools: <name> <arguments>` makes it ask for these tools, one in each turn, in their order; then it
//! answers with its echo and, for each result, a line `result: <its beginning>`. Its tokens are bytes by four, rounded up.
//! Written from z.ai's reference of 2026-07-11.

mod asked;
mod codes;
mod mode;
mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use asked::Asked;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task::AbortHandle;

pub use mode::Mode;

/// Bodies of calls that are kept for `GET /requests`.
pub const REQUESTS_KEPT_MAX: usize = 256;
/// How often what is held looks whether it still is.
const LOOK: Duration = Duration::from_millis(5);
/// The longest body of a call.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What it has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Calls that came.
    pub calls: u64,
    /// The same by the mode they were answered in.
    pub by_mode: BTreeMap<String, u64>,
    /// Answers under way.
    pub in_flight: u64,
    /// The most answers that were under way at once.
    pub in_flight_max: u64,
}

#[derive(Default)]
struct Seen {
    mode: Mode,
    stats: Stats,
    requests: VecDeque<Value>,
    knows: Option<Knows>,
}

/// What is answered to a question where the answer is to be a right one; `None`: the usual echo.
pub type Knows = fn(&str) -> Option<String>;

/// What all calls share.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Seen>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn is_no_longer_held(&self) {
        while self.lock().mode == Mode::Held {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// A running fake. It ends when it is dropped.
pub struct FakeModel {
    address: SocketAddr,
    shared: Shared,
    server: AbortHandle,
}

impl FakeModel {
    /// Listens on loopback; port 0 takes a free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(port: u16) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let shared = Shared::default();
        let router = Router::new()
            .route("/v1/chat/completions", post(complete))
            .route("/api/paas/v4/chat/completions", post(complete))
            .route("/control", put(control))
            .route("/stats", get(stats))
            .route("/requests", get(requests))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(shared.clone());
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
            // Without it each small chunk may wait 40 ms for an acknowledgement. That it fails has no other effect.
            stream.set_nodelay(true).ok();
        });
        let server = tokio::spawn(async move { axum::serve(listener, router).await.ok() });
        Ok(Self { address, shared, server: server.abort_handle() })
    }

    /// What a provider's `base_url` is: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The same as z.ai has it: `http://127.0.0.1:PORT/api/paas/v4`.
    #[must_use]
    pub fn zai_url(&self) -> String {
        format!("http://{}/api/paas/v4", self.address)
    }

    /// From now on it behaves like this.
    pub fn set(&self, mode: Mode) {
        self.shared.lock().mode = mode;
    }

    /// From now on what this knows is answered so, when its mode is normal.
    pub fn know(&self, knows: Knows) {
        self.shared.lock().knows = Some(knows);
    }

    /// What it has seen.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.lock().stats.clone()
    }

    /// The bodies of the last calls, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        self.shared.lock().requests.iter().cloned().collect()
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn complete(State(shared): State<Shared>, bytes: Bytes) -> Response {
    let body: Value = match serde_json::from_slice(&bytes) {
        Ok(body) => body,
        Err(why) => return wire::error(400, "1210", &why.to_string(), None),
    };
    let asked = match Asked::read(&body) {
        Ok(asked) => asked,
        Err(why) => return wire::error(400, "1214", &why, None),
    };
    let mode = {
        let mut seen = shared.lock();
        let named = body.get("model").and_then(Value::as_str).and_then(Mode::named);
        let mode = named.unwrap_or_else(|| seen.mode.next()).drawn(seen.stats.calls);
        seen.stats.calls += 1;
        *seen.stats.by_mode.entry(mode.name().into_owned()).or_default() += 1;
        if seen.requests.len() == REQUESTS_KEPT_MAX {
            seen.requests.pop_front();
        }
        seen.requests.push_back(body);
        let known = seen.knows.filter(|_| matches!(mode, Mode::Normal { .. })).and_then(|knows| knows(&asked.question));
        known.map_or(mode, |text| Mode::Says { when: String::new(), text })
    };
    let under_way = UnderWay::new(shared.clone());
    match mode {
        Mode::SlowFirstByte { delay_ms } => tokio::time::sleep(Duration::from_millis(delay_ms)).await,
        Mode::Held => shared.is_no_longer_held().await,
        _ => {}
    }
    wire::reply(&mode, &asked, bytes.len(), under_way)
}

async fn control(State(shared): State<Shared>, Json(mode): Json<Mode>) {
    shared.lock().mode = mode;
}

async fn stats(State(shared): State<Shared>) -> Json<Stats> {
    Json(shared.lock().stats.clone())
}

async fn requests(State(shared): State<Shared>) -> Json<Vec<Value>> {
    Json(shared.lock().requests.iter().cloned().collect())
}

/// Counts an answer as under way until it is dropped, be it sent or given up by the client.
struct UnderWay(Shared);

impl UnderWay {
    fn new(shared: Shared) -> Self {
        let mut seen = shared.lock();
        seen.stats.in_flight += 1;
        seen.stats.in_flight_max = seen.stats.in_flight_max.max(seen.stats.in_flight);
        drop(seen);
        Self(shared)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut seen = self.0.lock();
        seen.stats.in_flight = seen.stats.in_flight.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests;
