//! Certificates for tests, by a CA of their own. What a node's certificate looks like is `bootstrap/pki`'s to say; here
//! the CA remembers whom it made which for.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use messages::cluster::{Role, Roles};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::trust::{PeerIdentity, Trust};

pub(super) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    issued: Arc<Mutex<HashMap<Vec<u8>, PeerIdentity>>>,
    pub(super) revoked: Arc<Mutex<HashSet<String>>>,
}

/// A node's certificate with its key.
pub(super) struct Leaf {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Clone for Leaf {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

pub(super) fn roles(all: &[Role]) -> Roles {
    Roles::of(all)
}

impl Ca {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), root, issued: Arc::default(), revoked: Arc::default() }
    }

    pub(super) fn leaf(&self, node: &str, roles: Roles) -> Leaf {
        self.leaf_with(node, roles, |_| {})
    }

    pub(super) fn leaf_with(&self, node: &str, roles: Roles, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let mut params = CertificateParams::new(vec!["agent-runtime".into()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let mut issued = self.issued.lock().unwrap();
        let serial = format!("{:02x}", issued.len());
        issued.insert(certificate.to_vec(), PeerIdentity { node: node.into(), roles, serial });
        Leaf { chain: vec![certificate], key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) }
    }

    /// What a node of this CA believes, with `leaf` as its own certificate.
    pub(super) fn trust(&self, leaf: Leaf) -> Arc<TestTrust> {
        Arc::new(TestTrust { leaf, roots: self.roots(), issued: self.issued.clone(), revoked: self.revoked.clone() })
    }

    pub(super) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        Arc::new(roots)
    }

    pub(super) fn revoke(&self, leaf: &Leaf) {
        let serial = self.issued.lock().unwrap().get(leaf.chain[0].as_ref()).unwrap().serial.clone();
        self.revoked.lock().unwrap().insert(serial);
    }
}

pub(super) struct TestTrust {
    leaf: Leaf,
    roots: Arc<RootCertStore>,
    issued: Arc<Mutex<HashMap<Vec<u8>, PeerIdentity>>>,
    revoked: Arc<Mutex<HashSet<String>>>,
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A client that shows `leaf`, or nothing.
pub(super) fn client(roots: Arc<RootCertStore>, leaf: Option<Leaf>) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match leaf {
        Some(leaf) => config.with_client_auth_cert(leaf.chain, leaf.key).unwrap(),
        None => config.with_no_client_auth(),
    })
}

impl Trust for TestTrust {
    fn server(&self) -> Arc<ServerConfig> {
        let verifier = WebPkiClientVerifier::builder_with_provider(self.roots.clone(), provider()).build().unwrap();
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.leaf.chain.clone(), self.leaf.key.clone_key())
            .unwrap();
        Arc::new(config)
    }

    fn client(&self) -> Arc<ClientConfig> {
        client(self.roots.clone(), Some(self.leaf.clone()))
    }

    fn identify(&self, certificate: &CertificateDer<'_>) -> Result<PeerIdentity, String> {
        let issued = self.issued.lock().unwrap();
        issued.get(certificate.as_ref()).cloned().ok_or_else(|| "it is not a node's certificate".to_owned())
    }

    fn is_revoked(&self, serial: &str) -> bool {
        self.revoked.lock().unwrap().contains(serial)
    }

    // Lists and renewals are `bootstrap/pki`'s, and tested with it.
    fn list(&self) -> (u64, String) {
        (0, String::new())
    }

    fn take_list(&self, _: &str) -> Result<bool, String> {
        Ok(false)
    }

    fn own(&self) -> String {
        String::new()
    }

    fn is_due(&self) -> bool {
        false
    }

    fn request(&self) -> Result<String, String> {
        Err("it is not due".into())
    }

    fn renew(&self, _: &str, _: &str) -> Result<String, String> {
        Err("no authority".into())
    }

    fn install(&self, _: &str) -> Result<(), String> {
        Err("none was asked for".into())
    }
}
