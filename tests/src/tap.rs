//! A stream that notes every frame which comes out of it, whatever the client above makes of it.

use std::pin::Pin;
use std::task::{Context, Poll};

use console::wire::FromNode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

pub(crate) struct Tap {
    stream: UnixStream,
    line: Vec<u8>,
    saw: Box<dyn FnMut(FromNode) + Send>,
}

impl Tap {
    pub(crate) fn new(stream: UnixStream, saw: impl FnMut(FromNode) + Send + 'static) -> Self {
        Self { stream, line: Vec::new(), saw: Box::new(saw) }
    }

    fn note(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte != b'\n' {
                self.line.push(*byte);
                continue;
            }
            // What is no frame ends the client above, which is seen there.
            if let Ok(frame) = serde_json::from_slice(&self.line) {
                (self.saw)(frame);
            }
            self.line.clear();
        }
    }
}

impl AsyncRead for Tap {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if polled.is_ready() {
            let fresh = buf.filled().get(before..).unwrap_or_default().to_vec();
            self.note(&fresh);
        }
        polled
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
