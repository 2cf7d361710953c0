//! Times and their distribution.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Monotonic time.
pub(super) fn now() -> Instant {
    Instant::now()
}

/// p50, p99 and the longest, in milliseconds.
pub(super) fn latency(mut all: Vec<Duration>) -> Value {
    all.sort();
    let at = |part: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let index = ((all.len() as f64 * part) as usize).min(all.len().saturating_sub(1));
        all.get(index).map_or(0.0, |d| round(d.as_secs_f64() * 1_000.0))
    };
    json!({ "count": all.len(), "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0) })
}

/// Three significant decimals are more than such a measurement holds.
pub(super) fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
