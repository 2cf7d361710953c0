//! Sockets, injected: those of the system, or those of a simulated network.

use std::io;
use std::net::SocketAddr;

use runtime::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// Both directions of a connection.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Socket for T {}

/// A connection, whatever network it goes by.
pub type Stream = Box<dyn Socket>;

/// How a node is reached, and how it reaches others.
pub trait Net: Send + Sync + 'static {
    /// Where others come in; `None` where nobody does, and then [`Net::accept`] is not called.
    fn address(&self) -> Option<SocketAddr>;
    /// The next connection that comes in, and from where.
    fn accept(&self) -> BoxFuture<io::Result<(Stream, SocketAddr)>>;
    /// A connection to a name or number with a port.
    fn dial(&self, address: &str) -> BoxFuture<io::Result<Stream>>;
}

/// The system's TCP.
pub struct Tcp {
    listener: Option<std::sync::Arc<TcpListener>>,
}

impl Tcp {
    /// Others come in by `listener`. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// What the system says when it can't be listened.
    pub fn new(listener: Option<std::net::TcpListener>) -> io::Result<Self> {
        let listening = |listener: std::net::TcpListener| {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener).map(std::sync::Arc::new)
        };
        Ok(Self { listener: listener.map(listening).transpose()? })
    }
}

impl Net for Tcp {
    fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    fn accept(&self) -> BoxFuture<io::Result<(Stream, SocketAddr)>> {
        let listener = self.listener.clone();
        Box::pin(async move {
            let listener = listener.ok_or(io::ErrorKind::NotConnected)?;
            let (stream, from) = listener.accept().await?;
            // One that is gone already fails in its own handshake, and keeps no other waiting.
            drop(stream.set_nodelay(true));
            Ok((Box::new(stream) as Stream, from))
        })
    }

    fn dial(&self, address: &str) -> BoxFuture<io::Result<Stream>> {
        let address = address.to_owned();
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Stream)
        })
    }
}
