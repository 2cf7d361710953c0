//! Connections that come in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::TlsAcceptor;

use crate::cluster::Inner;
use crate::connect::{Connection, End, within};
use crate::limits::STEP_MAX;
use crate::net::Stream;
use crate::unproven::{Place, Unproven};

/// Until the next try when no connection could be taken, most likely for want of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Takes connections for as long as the node runs; a task for each, so that none waits for another.
pub(crate) async fn run(inner: Arc<Inner>) {
    let unproven = Unproven::default();
    loop {
        match inner.net.accept().await {
            Ok((stream, from)) => inner.spawn(accept(inner.clone(), stream, from, unproven.enter())),
            Err(error) => {
                tracing::warn!(%error, "no connection of another node can be taken");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn accept(inner: Arc<Inner>, stream: Stream, from: SocketAddr, place: Place) {
    match prove(&inner, stream, from, place).await {
        Ok(connection) => {
            let identity = connection.identity.clone();
            let (lasted, why) = inner.run(connection).await;
            // It comes again several times a second.
            if lasted.is_zero() && inner.refused.note(&identity, &from.ip().to_string(), &why) {
                tracing::warn!(%from, peer = identity.node, why, "no link; it is let in when that is mended");
            }
        }
        Err(why) => tracing::info!(%from, why, "a connection did not prove itself"),
    }
}

async fn prove(
    inner: &Inner,
    stream: Stream,
    from: SocketAddr,
    place: Place,
) -> Result<Connection<tokio_rustls::server::TlsStream<Stream>>, String> {
    let trust = &inner.config.trust;
    let handshake = async { TlsAcceptor::from(trust.server()).accept(stream).await.map_err(|e| e.to_string()) };
    let handshake = within(STEP_MAX, "its TLS handshake did not end", handshake);
    let stream = place.unless_needed(handshake).await?;
    let certificates = stream.get_ref().1.peer_certificates();
    let certificate = certificates.and_then(<[_]>::first).ok_or("it showed no certificate")?;
    let identity = trust.identify(certificate)?;
    Ok(Connection { stream, identity, at: from.to_string(), end: End::Accepted, unproven: Some(place) })
}
