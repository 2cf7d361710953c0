//! What a node is given in place of the machine: sockets of the simulated network, and clocks of its time.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use cluster::{LeaseClock, Net, Stream};
use messages::Moment;
use placement::Monotonic;
use runtime::{BoxFuture, Clock};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use turmoil::net::{TcpListener, TcpStream};

use super::outside::Outside;

/// Where the hub listens.
pub(super) const HUB: &str = "hub:7443";
const PORT: u16 = 7443;
/// When the simulated time begins: 2026-01-01.
pub(super) const BEGIN_MS: i64 = 1_767_225_600_000;

/// The simulated time since the beginning.
pub(super) fn elapsed() -> Duration {
    turmoil::sim_elapsed().unwrap_or_default()
}

/// The simulated network, from one node.
pub(super) struct SimNet {
    node: &'static str,
    outside: Arc<Outside>,
    listener: Option<Weak<TcpListener>>,
}

/// Where others come in, as long as it lives: it is the process's, and goes with it.
pub(super) async fn listen() -> io::Result<Arc<TcpListener>> {
    TcpListener::bind(("0.0.0.0", PORT)).await.map(Arc::new)
}

impl SimNet {
    pub(super) fn new(node: &'static str, outside: &Arc<Outside>, listener: Option<&Arc<TcpListener>>) -> Self {
        Self { node, outside: outside.clone(), listener: listener.map(Arc::downgrade) }
    }

    fn listener(&self) -> Option<Arc<TcpListener>> {
        self.listener.as_ref()?.upgrade()
    }
}

impl Net for SimNet {
    fn address(&self) -> Option<SocketAddr> {
        self.listener()?.local_addr().ok()
    }

    fn accept(&self) -> BoxFuture<io::Result<(Stream, SocketAddr)>> {
        let listener = self.listener();
        Box::pin(async move {
            let (stream, from) = listener.ok_or(io::ErrorKind::NotConnected)?.accept().await?;
            Ok((Box::new(stream) as Stream, from))
        })
    }

    fn dial(&self, address: &str) -> BoxFuture<io::Result<Stream>> {
        let (address, node, outside) = (address.to_owned(), self.node, self.outside.clone());
        Box::pin(async move {
            let stream = TcpStream::connect(address.as_str()).await?;
            let [read, write] = outside.connected(node);
            Ok(Box::new(Resettable { stream, read, write, is_reset: false }) as Stream)
        })
    }
}

/// A connection that something on its way may reset.
struct Resettable {
    stream: TcpStream,
    /// Both end when it is reset; each wakes one of its halves.
    read: oneshot::Receiver<()>,
    write: oneshot::Receiver<()>,
    is_reset: bool,
}

impl Resettable {
    fn is_reset(&mut self, cx: &mut Context<'_>, reads: bool) -> bool {
        let of = if reads { &mut self.read } else { &mut self.write };
        self.is_reset = self.is_reset || Pin::new(of).poll(cx).is_ready();
        self.is_reset
    }
}

impl AsyncRead for Resettable {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_reset(cx, true) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut this.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Resettable {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_reset(cx, false) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut this.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// A host's clocks: `of_1000` milliseconds by them are a second of the others.
#[derive(Clone, Copy)]
pub(super) struct SimClock {
    pub(super) of_1000: u64,
}

impl LeaseClock for SimClock {
    fn now(&self) -> Monotonic {
        let us = u64::try_from(elapsed().as_micros()).unwrap();
        Monotonic(1_000_000 + us / 1_000 * self.of_1000 / 1_000)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Moment {
        Moment(BEGIN_MS + i64::try_from(elapsed().as_millis()).unwrap())
    }
}
