//! Connections that go out: to one address, again and again, for as long as the node runs.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::chance;
use crate::cluster::Inner;
use crate::connect::{Connection, End, within};
use crate::limits::{CONNECT_MAX, REDIAL_MAX, REDIAL_MIN, STEP_MAX};
use crate::net::Stream;

/// A link that held for so long was a good one: the next wait is the first again.
const GOOD: Duration = Duration::from_secs(10);

/// Dials `address`, a name or number with a port, until the node stops. Each new reason is told once.
pub(crate) async fn run(inner: Arc<Inner>, address: String) {
    let (mut wait, mut told) = (REDIAL_MIN, String::new());
    loop {
        let (lasted, why) = match connect(&inner, &address).await {
            Ok(connection) => {
                let identity = connection.identity.clone();
                let (lasted, why) = inner.run(connection).await;
                if lasted.is_zero() {
                    inner.refused.note(&identity, &address, &why);
                }
                (lasted, why)
            }
            Err(why) => (Duration::ZERO, why),
        };
        if lasted >= GOOD {
            wait = REDIAL_MIN;
        }
        if lasted.is_zero() && why != told {
            tracing::warn!(address, why, "no link; it is tried again for as long as this node runs");
        }
        told = if lasted.is_zero() { why } else { String::new() };
        tokio::time::sleep(jittered(wait)).await;
        wait = (wait * 2).min(REDIAL_MAX);
    }
}

/// Between half of it and all of it.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + f64::from(chance::bytes::<2>()[0]) / 510.0)
}

async fn connect(inner: &Inner, address: &str) -> Result<Connection<tokio_rustls::client::TlsStream<Stream>>, String> {
    let words = |error: std::io::Error| error.to_string();
    let dialled = async { inner.net.dial(address).await.map_err(words) };
    let stream = within(CONNECT_MAX, "nothing answered", dialled).await?;
    let trust = &inner.config.trust;
    // Not the name by which it was found counts, but the one in its certificate: the hello is compared with that.
    let name = ServerName::try_from("agent-runtime").map_err(|e| e.to_string())?;
    let handshake = async { TlsConnector::from(trust.client()).connect(name, stream).await.map_err(words) };
    let stream = within(STEP_MAX, "its TLS handshake did not end", handshake).await?;
    let certificates = stream.get_ref().1.peer_certificates();
    let certificate = certificates.and_then(<[_]>::first).ok_or("it showed no certificate")?;
    let identity = trust.identify(certificate)?;
    Ok(Connection { stream, identity, at: address.to_owned(), end: End::Dialled, unproven: None })
}
