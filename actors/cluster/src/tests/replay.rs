//! Bytes of a link that someone has recorded on the wire.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use messages::cluster::Role;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::ca::Ca;
use super::node::{ask, hub, spec};

/// Passes one connection on to `to`, and gives all that went there once it has ended.
async fn recorded(listener: TcpListener, to: SocketAddr) -> Vec<u8> {
    let (mut from, _) = listener.accept().await.unwrap();
    let mut onward = TcpStream::connect(to).await.unwrap();
    let ((mut from_read, mut from_write), (mut to_read, mut to_write)) = (from.split(), onward.split());
    let mut bytes = Vec::new();
    let there = async {
        let mut buffer = [0; 16_384];
        while let Ok(length @ 1..) = from_read.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..length]);
            to_write.write_all(&buffer[..length]).await.unwrap();
        }
    };
    tokio::select! { () = there => {}, _ = tokio::io::copy(&mut to_read, &mut from_write) => {} }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_a_link_that_are_sent_again_open_none_and_do_nothing() {
    let ca = Ca::new();
    let hub = hub().start(&ca).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = listener.local_addr().unwrap();
    let recording = tokio::spawn(recorded(listener, hub.address()));
    let worker = spec("worker", &[Role::Worker]).dials(relay).start(&ca).await;
    let link = worker.link("hub").await;
    ask(&link, "store", b"once", 5_000).await.unwrap();
    worker.cluster.stop().await;
    hub.no_link("worker").await;
    let bytes = recording.await.unwrap();
    assert!(bytes.len() > 1_000, "a handshake, a hello and a call: {}", bytes.len());
    assert_eq!(hub.answers.served.load(Ordering::SeqCst), 1);

    let mut again = TcpStream::connect(hub.address()).await.unwrap();
    again.write_all(&bytes).await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(20), again.read_to_end(&mut rest)).await;
    // With an end, or a reset for what was not read.
    drop(closed.expect("the connection is closed"));
    assert!(hub.cluster.link("worker").is_none());
    assert_eq!(hub.answers.served.load(Ordering::SeqCst), 1, "it was not done again");
}
