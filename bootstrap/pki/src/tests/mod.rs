//! Real handshakes in memory, over real files.

mod authority;
mod files;
mod forms;
mod handshake;
mod lists;
mod renewals;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, Error as Tls, ServerConfig, ServerConnection, SignatureScheme};

use crate::profile::{self, Span, Subject};
use crate::*;

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

fn at(secs: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(secs))
}

#[derive(Debug)]
struct TestClock(AtomicU64);

impl TimeProvider for TestClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(at(self.0.load(Ordering::SeqCst)))
    }
}

fn clock(secs: u64) -> Arc<TestClock> {
    Arc::new(TestClock(AtomicU64::new(secs)))
}

/// A cluster in a folder of its own.
struct World {
    folder: tempfile::TempDir,
    authority: Authority,
}

fn roles(text: &str) -> Roles {
    Roles::of_unit(text).unwrap()
}

fn wanted(node: &str) -> Wanted {
    let alt_names = vec!["hub.example.org".parse().unwrap(), "10.0.0.1".parse().unwrap()];
    Wanted { node: node.parse().unwrap(), roles: roles("hub worker"), alt_names, days: DAYS_DEFAULT }
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::init(&folder.path().join("ca"), at(NOW)).unwrap();
        Self { folder, authority }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn node_folder(&self, node: &str) -> NodeFolder {
        NodeFolder::new(self.path(node))
    }

    /// A new node, in a folder of its name.
    fn node(&self, node: &str) -> LiveCredentials {
        self.authority.issue(&wanted(node), at(NOW)).unwrap().write(&self.path(node)).unwrap();
        self.open(node, NOW)
    }

    fn open(&self, node: &str, now: u64) -> LiveCredentials {
        LiveCredentials::open(self.node_folder(node), clock(now)).unwrap()
    }

    /// Revokes, and gives the list.
    fn revoke(&self, node: &str) -> String {
        self.authority.revoke(&Which::Node(node.parse().unwrap()), at(NOW)).unwrap();
        self.authority.crl().unwrap().pem().to_owned()
    }

    /// The authority's key, with which a test signs what the authority would not.
    fn issuer(&self) -> Issuer<'static, KeyPair> {
        let key = KeyPair::from_pem(&std::fs::read_to_string(self.path("ca/ca.key")).unwrap()).unwrap();
        Issuer::from_ca_cert_der(&self.authority.certificate().der, key).unwrap()
    }

    /// A certificate of the authority that is changed before it is signed.
    fn odd(&self, change: impl FnOnce(&mut CertificateParams)) -> Arc<CertifiedKey> {
        let mut params = params("worker-1");
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer()).unwrap();
        certified(vec![signed.der().clone()], &key)
    }
}

/// What the authority would sign for this node.
fn params(node: &str) -> CertificateParams {
    let Wanted { node, roles, alt_names, .. } = wanted(node);
    let span = Span { from: at(NOW - 300), to: at(NOW + 30 * DAY) };
    profile::node(&Subject { node, roles, alt_names }, &Serial::random().unwrap(), &span).unwrap()
}

fn certified(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Arc<CertifiedKey> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(CertifiedKey::new(chain, provider.key_provider.load_private_key(key).unwrap()))
}

/// Shows this certificate, whatever is in force.
#[derive(Debug)]
struct Shows(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }
}

fn client_showing(live: &LiveCredentials, shown: Option<Arc<CertifiedKey>>) -> Arc<ClientConfig> {
    let mut config = (*live.client_config()).clone();
    config.client_auth_cert_resolver = Arc::new(Shows(shown));
    Arc::new(config)
}

fn server_showing(live: &LiveCredentials, shown: Arc<CertifiedKey>) -> Arc<ServerConfig> {
    let mut config = (*live.server_config()).clone();
    config.cert_resolver = Arc::new(Shows(Some(shown)));
    Arc::new(config)
}

/// What a side knows of the other when the handshake is over.
type Met = Result<PeerIdentity, Tls>;

/// A handshake, to its end on both sides: what the client found, what the server found.
fn shake(client: Arc<ClientConfig>, server: Arc<ServerConfig>) -> (Met, Met) {
    let name = ServerName::try_from("any.invalid").unwrap();
    let (mut client, mut server) =
        (ClientConnection::new(client, name).unwrap(), ServerConnection::new(server).unwrap());
    let (mut client_said, mut server_said) = (Ok(()), Ok(()));
    loop {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        while client.wants_write() {
            client.write_tls(&mut up).unwrap();
        }
        let mut rest = up.as_slice();
        while !rest.is_empty() && server_said.is_ok() {
            server.read_tls(&mut rest).unwrap();
            server_said = server.process_new_packets().map(drop);
        }
        while server.wants_write() {
            server.write_tls(&mut down).unwrap();
        }
        let mut rest = down.as_slice();
        while !rest.is_empty() && client_said.is_ok() {
            client.read_tls(&mut rest).unwrap();
            client_said = client.process_new_packets().map(drop);
        }
        if up.is_empty() && down.is_empty() {
            break;
        }
    }
    let met = |certificates: Option<&[CertificateDer<'_>]>| identify(&certificates.unwrap()[0]).unwrap();
    (client_said.map(|()| met(client.peer_certificates())), server_said.map(|()| met(server.peer_certificates())))
}

/// Both sides refuse nothing.
fn meets(client: &LiveCredentials, server: &LiveCredentials) -> bool {
    let (at_client, at_server) = shake(client.client_config(), server.server_config());
    at_client.is_ok() && at_server.is_ok()
}
