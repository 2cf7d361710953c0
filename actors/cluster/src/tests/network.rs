//! A wire between two nodes that a test can cut: in one direction, in both, with or without notice.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the wire does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Whole,
    /// Nothing passes, and nobody is told.
    Cut,
    /// Nothing passes towards the one who listens.
    CutThere,
    /// Nothing passes towards the one who dials.
    CutBack,
}

pub(super) struct Network {
    pub(super) address: SocketAddr,
    wire: Arc<watch::Sender<Wire>>,
}

impl Network {
    /// A wire to `to`.
    pub(super) async fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let wire = Arc::new(watch::Sender::new(Wire::Whole));
        tokio::spawn({
            let wire = wire.clone();
            async move {
                while let Ok((from, _)) = listener.accept().await {
                    let Ok(onward) = TcpStream::connect(to).await else { continue };
                    let ((from_read, from_write), (to_read, to_write)) = (from.into_split(), onward.into_split());
                    tokio::spawn(carry(from_read, to_write, wire.subscribe(), Wire::CutThere));
                    tokio::spawn(carry(to_read, from_write, wire.subscribe(), Wire::CutBack));
                }
            }
        });
        Self { address, wire }
    }

    pub(super) fn set(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut wire: watch::Receiver<Wire>, mine: Wire) {
    let mut buffer = vec![0; 16_384];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        // What is under way when the wire is cut waits in it, and arrives when it is mended.
        if wire.wait_for(|now| *now == Wire::Whole || (*now != Wire::Cut && *now != mine)).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
