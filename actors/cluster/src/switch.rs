//! What ends a link from within its halves: a switch that both share, and a clock that runs while nothing happens.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Turned off once, by whoever is first; both halves of a link end then, whatever they wait for.
pub(crate) struct Switch {
    token: CancellationToken,
    why: Arc<OnceLock<String>>,
    off: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Switch {
    pub(crate) fn new() -> Self {
        let token = CancellationToken::new();
        Self { off: Box::pin(token.clone().cancelled_owned()), token, why: Arc::default() }
    }

    /// Ends the link. The first reason stays.
    pub(crate) fn turn_off(&self, why: &str) {
        drop(self.why.set(why.to_owned()));
        self.token.cancel();
    }

    /// Why it was turned off; empty while it was not.
    pub(crate) fn why(&self) -> &str {
        self.why.get().map_or("", String::as_str)
    }

    /// Ends when it is turned off.
    pub(crate) async fn is_off(&self) {
        self.token.cancelled().await;
    }

    pub(crate) fn poll_off(&mut self, cx: &mut Context<'_>) -> bool {
        self.token.is_cancelled() || self.off.as_mut().poll(cx).is_ready()
    }
}

impl Clone for Switch {
    fn clone(&self) -> Self {
        let token = self.token.clone();
        Self { off: Box::pin(token.clone().cancelled_owned()), token, why: self.why.clone() }
    }
}

/// A clock that rings when it was not set again for its time.
pub(crate) struct Armed {
    time: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Armed {
    pub(crate) fn new(time: Duration) -> Self {
        Self { time, sleep: Box::pin(sleep(time)) }
    }

    /// Its time begins anew.
    pub(crate) fn again(&mut self) {
        self.sleep.as_mut().reset(Instant::now() + self.time);
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}
