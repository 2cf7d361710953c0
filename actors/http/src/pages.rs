//! What the address tells.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use messages::alarms::{Alarms, Msg, NotReady, Readiness, Reply};
use messages::{Address, AskError};
use runtime::System;

/// How long the node may take to tell of itself.
const TELL_MAX: Duration = Duration::from_secs(4);
/// The text form of Prometheus.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const NOT_HERE: &str = "there is no such page; this address has /healthz, /readyz and /metrics\n";

pub(crate) fn pages(system: System) -> Router {
    let not_here = || async { text(StatusCode::NOT_FOUND, TEXT, NOT_HERE.to_owned()) };
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(not_here)
        .with_state(system)
}

/// The process answers, and its supervision tree stands.
async fn health(State(system): State<System>) -> Response {
    match system.stands() {
        Ok(()) => text(StatusCode::OK, TEXT, "ok\n".to_owned()),
        Err(why) => {
            tracing::debug!(why, "not healthy");
            text(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the supervision tree does not stand\n".to_owned())
        }
    }
}

async fn ready(State(system): State<System>) -> Response {
    let readiness = match ask(&system, Msg::Ready).await {
        Ok(Reply::Ready(readiness)) => readiness,
        Ok(_) => unheard("it answered something else"),
        Err(error) => unheard(&error.to_string()),
    };
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(readiness)).into_response()
}

async fn metrics(State(system): State<System>) -> Response {
    match ask(&system, Msg::Metrics).await {
        Ok(Reply::Metrics(metrics)) => text(StatusCode::OK, PROMETHEUS, metrics),
        Ok(_) => text(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the node answered something else\n".to_owned()),
        Err(error) => text(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("the node does not tell: {error}\n")),
    }
}

async fn ask(system: &System, msg: Msg) -> Result<Reply, AskError> {
    system.to::<Alarms>(&Address::fixed("alarms")).ask(msg, TELL_MAX).await
}

/// Who can't say that it is ready is not.
fn unheard(why: &str) -> Readiness {
    let why = format!("the node does not say whether it is ready: {why}");
    Readiness { ready: false, not_ready: vec![NotReady { what: "alarms".to_owned(), why }], alarms: Vec::new() }
}

fn text(status: StatusCode, kind: &'static str, words: String) -> Response {
    (status, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], words).into_response()
}
