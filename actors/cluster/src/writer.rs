//! The write half: it ends when the peer takes nothing for too long, or when the link is closed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

use crate::limits::STALL_MAX;
use crate::switch::{Armed, Switch};

/// Writes to `inner`.
pub(crate) struct LinkWriter<W> {
    inner: W,
    /// Runs while the peer takes nothing.
    stall: Option<Armed>,
    switch: Switch,
}

impl<W> LinkWriter<W> {
    pub(crate) fn new(inner: W, switch: Switch) -> Self {
        Self { inner, stall: None, switch }
    }

    fn watched<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = done {
            self.stall = None;
            return Poll::Ready(done.inspect_err(|error| self.switch.turn_off(&error.to_string())));
        }
        if self.stall.get_or_insert_with(|| Armed::new(STALL_MAX)).poll(cx).is_ready() {
            self.switch.turn_off("it has taken nothing for too long");
        }
        if self.switch.poll_off(cx) { Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())) } else { Poll::Pending }
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for LinkWriter<W> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.switch.poll_off(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let done = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.watched(cx, done)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.inner).poll_flush(cx);
        this.watched(cx, done)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.watched(cx, done)
    }
}
