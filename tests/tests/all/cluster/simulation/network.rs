//! What a node is given in place of the machine: sockets of the simulated network, and clocks of its time.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use cluster::{LeaseClock, Net, Stream};
use messages::Moment;
use placement::Monotonic;
use runtime::{BoxFuture, Clock};
use turmoil::net::{TcpListener, TcpStream};

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
#[derive(Default)]
pub(super) struct SimNet {
    listener: Option<Weak<TcpListener>>,
}

/// Where others come in, as long as it lives: it is the process's, and goes with it.
pub(super) async fn listen() -> io::Result<Arc<TcpListener>> {
    TcpListener::bind(("0.0.0.0", PORT)).await.map(Arc::new)
}

impl SimNet {
    pub(super) fn listening(listener: &Arc<TcpListener>) -> Self {
        Self { listener: Some(Arc::downgrade(listener)) }
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
        let address = address.to_owned();
        Box::pin(async move { Ok(Box::new(TcpStream::connect(address.as_str()).await?) as Stream) })
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
