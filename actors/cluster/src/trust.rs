//! Whom a node takes for whom: injected, so that this crate knows no certificates' files.

use std::sync::Arc;

use messages::cluster::Roles;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ServerConfig};

/// Who a certificate says a peer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    /// The node's name.
    pub node: String,
    /// The roles that it may take on.
    pub roles: Roles,
    /// The certificate's serial number, in hexadecimal.
    pub serial: String,
}

/// What a node proves itself with, and whom it believes. Asked anew for each connection, so that a renewed certificate
/// and a new revocation take effect at once.
pub trait Trust: Send + Sync + 'static {
    /// For connections that come in: mutual, TLS 1.3, no resumption.
    fn server(&self) -> Arc<ServerConfig>;
    /// For connections that go out. The chain is verified by it; the name is compared by the link.
    fn client(&self) -> Arc<ClientConfig>;
    /// Who the holder of a verified certificate is.
    ///
    /// # Errors
    /// Words, when it is not a node's certificate.
    fn identify(&self, certificate: &CertificateDer<'_>) -> Result<PeerIdentity, String>;
    /// It was revoked.
    fn is_revoked(&self, serial: &str) -> bool;
}
