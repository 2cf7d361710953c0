//! Credentials in use.

pub(crate) mod chain;
mod peers;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::UnixTime;
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;

use self::peers::{Own, Peers};
use crate::folder::Stamp;
use crate::{CaCertificate, Error, Loaded, NodeCertificate, NodeFolder, NodeKey, Revocations, Serial};

/// What is in force: each handshake reads it anew.
#[derive(Debug, Clone)]
pub(crate) struct InForce {
    certificate: Arc<NodeCertificate>,
    key: Arc<CertifiedKey>,
    crl: Arc<Revocations>,
}

/// What the configurations of rustls share with [`LiveCredentials`].
#[derive(Debug)]
pub(crate) struct Shared {
    in_force: RwLock<InForce>,
}

impl Shared {
    fn get(&self) -> InForce {
        self.in_force.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, new: InForce) {
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = new;
    }
}

/// A node's certificate, key and revocation list in use.
///
/// Configurations are made once; what they answer and check is what is in force at each handshake. A connection that is
/// open already is not looked at again: on a change, its holder asks [`Self::is_revoked`].
#[derive(Debug)]
pub struct LiveCredentials {
    folder: NodeFolder,
    ca: CaCertificate,
    clock: Arc<dyn TimeProvider>,
    shared: Arc<Shared>,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    /// Held by who changes what is in force; the files as they were when they were last read.
    changing: Mutex<Stamp>,
    version: Mutex<u64>,
    changed: Condvar,
}

impl LiveCredentials {
    /// Opens a node's folder. Time is read from `clock`.
    ///
    /// # Errors
    /// As [`NodeFolder::load`].
    pub fn open(folder: NodeFolder, clock: Arc<dyn TimeProvider>) -> Result<Self, Error> {
        let stamp = folder.stamp();
        let Loaded { certificate, ca, crl, key } = folder.load()?;
        let in_force = InForce { certificate: Arc::new(certificate), key, crl: Arc::new(crl) };
        let shared = Arc::new(Shared { in_force: RwLock::new(in_force) });
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let peers = Arc::new(Peers::new(&ca, &provider, shared.clone())?);
        let own = Arc::new(Own::new(shared.clone()));
        let server = server_config(&provider, &clock, peers.clone(), own.clone())?;
        let client = client_config(&provider, &clock, peers, own)?;
        Ok(Self {
            folder,
            ca,
            clock,
            shared,
            server: Arc::new(server),
            client: Arc::new(client),
            changing: Mutex::new(stamp),
            version: Mutex::new(0),
            changed: Condvar::new(),
        })
    }

    /// For who is dialled: TLS 1.3, a certificate of this cluster is required, no resumption.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.server.clone()
    }

    /// For who dials, the same. Chain, dates, use and revocation are verified, and the name of a host is not: who has
    /// answered is what [`crate::identify`] says of its certificate. The name that rustls wants for a connection is not sent.
    #[must_use]
    pub fn client_config(&self) -> Arc<ClientConfig> {
        self.client.clone()
    }

    /// This node's certificate.
    #[must_use]
    pub fn certificate(&self) -> Arc<NodeCertificate> {
        self.shared.get().certificate
    }

    /// The authority's.
    #[must_use]
    pub fn ca(&self) -> &CaCertificate {
        &self.ca
    }

    /// The revocation list, for peers that may have an older one.
    #[must_use]
    pub fn crl(&self) -> Arc<Revocations> {
        self.shared.get().crl
    }

    /// A certificate was taken back.
    #[must_use]
    pub fn is_revoked(&self, serial: &Serial) -> bool {
        self.shared.get().crl.contains(serial)
    }

    /// Looks at the files and takes what has changed; `true`: something has. It costs five looks at metadata when nothing
    /// has, so that it can be called several times a second. What can't be used leaves in force what is. It reads files, and
    /// waits at most 5 s for a process that writes them: not for the thread of an executor.
    ///
    /// # Errors
    /// As [`NodeFolder::load`], each time as long as it is so; [`Error::Foreign`] when the authority is another: that needs a
    /// restart.
    pub fn reload(&self) -> Result<bool, Error> {
        let mut known = self.lock();
        let stamp = self.folder.stamp();
        if *known == stamp {
            return Ok(false);
        }
        let changed = self.take_files()?;
        *known = stamp;
        Ok(changed)
    }

    fn take_files(&self) -> Result<bool, Error> {
        let loaded = self.folder.load()?;
        if loaded.ca.der != self.ca.der {
            return Err(Error::Foreign("what lies in the folder"));
        }
        let was = self.shared.get();
        let is_newer = loaded.crl.number() > was.crl.number();
        if loaded.crl.number() < was.crl.number() {
            self.folder.put_crl(was.crl.pem())?;
        }
        let changed = is_newer || loaded.certificate != *was.certificate;
        let crl = if is_newer { Arc::new(loaded.crl) } else { was.crl };
        self.shared.set(InForce { certificate: Arc::new(loaded.certificate), key: loaded.key, crl });
        if changed {
            self.tell();
        }
        Ok(changed)
    }

    /// Takes a revocation list (PEM) that a peer has sent, if it is newer; `false`: it is not. It is in force before it is
    /// written, and stays so when it can't be written.
    ///
    /// # Errors
    /// When the authority has not signed it; when it can't be written.
    pub fn take_crl(&self, pem: &str) -> Result<bool, Error> {
        let crl = Revocations::verify(pem, &self.ca)?;
        let mut known = self.lock();
        let was = self.shared.get();
        if crl.number() <= was.crl.number() {
            return Ok(false);
        }
        self.shared.set(InForce { crl: Arc::new(crl), ..was });
        self.tell();
        // So that the next look writes it again if it can't be written now.
        *known = Stamp::default();
        self.folder.put_crl(pem)?;
        Ok(true)
    }

    /// Takes a renewed certificate (PEM) with its key: on disk first, then in force for the next handshake.
    ///
    /// # Errors
    /// As [`NodeFolder::install`]; then nothing has changed.
    pub fn install(&self, certificate: &str, key: &NodeKey) -> Result<(), Error> {
        let mut known = self.lock();
        self.folder.install(certificate, key, self.now()?)?;
        *known = Stamp::default();
        self.take_files().map(drop)
    }

    /// The time of its clock.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the clock has none.
    pub fn now(&self) -> Result<UnixTime, Error> {
        self.clock.current_time().ok_or_else(|| Error::Invalid("the clock tells no time".to_owned()))
    }

    /// How often something has changed since it was opened.
    #[must_use]
    pub fn version(&self) -> u64 {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until it has changed more often than `seen`, at most for `within`; gives how often it has.
    #[must_use]
    pub fn wait_past(&self, seen: u64, within: Duration) -> u64 {
        let version = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(version, within, |version| *version <= seen);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn tell(&self) {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Stamp> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn server_config(
    provider: &Arc<CryptoProvider>,
    clock: &Arc<dyn TimeProvider>,
    peers: Arc<Peers>,
    own: Arc<Own>,
) -> Result<ServerConfig, Error> {
    let versions =
        ServerConfig::builder_with_details(provider.clone(), clock.clone()).with_protocol_versions(&[&TLS13]);
    let versions = versions.map_err(|error| Error::Signing(error.to_string()))?;
    let mut config = versions.with_client_cert_verifier(peers).with_cert_resolver(own);
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

fn client_config(
    provider: &Arc<CryptoProvider>,
    clock: &Arc<dyn TimeProvider>,
    peers: Arc<Peers>,
    own: Arc<Own>,
) -> Result<ClientConfig, Error> {
    let versions =
        ClientConfig::builder_with_details(provider.clone(), clock.clone()).with_protocol_versions(&[&TLS13]);
    let versions = versions.map_err(|error| Error::Signing(error.to_string()))?;
    // "Dangerous" is what rustls calls each verifier that is not its own; `Peers` leaves out the name of the host alone.
    let mut config = versions.dangerous().with_custom_certificate_verifier(peers).with_client_cert_resolver(own);
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(config)
}
