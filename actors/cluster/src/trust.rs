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
    /// The list of what was revoked, signed by the authority, with its number: the higher the newer, 0 for none.
    fn list(&self) -> (u64, String);
    /// Takes a list of a peer; `false` when it is no newer one. It may block.
    ///
    /// # Errors
    /// Words, when the authority has not signed it, or it can't be kept.
    fn take_list(&self, list: &str) -> Result<bool, String>;
    /// The serial number of this node's own certificate.
    fn own(&self) -> String;
    /// It is time to ask for the next certificate. It does not block.
    fn is_due(&self) -> bool;
    /// What to ask the authority for. It may block.
    ///
    /// # Errors
    /// Words, when a request can't be made.
    fn request(&self) -> Result<String, String>;
    /// The next certificate for whoever holds the one with this number. It may block.
    ///
    /// # Errors
    /// Words: this node has no authority, or the request is not one that it grants.
    fn renew(&self, request: &str, serial: &str) -> Result<String, String>;
    /// Takes the certificate that was asked for. It may block.
    ///
    /// # Errors
    /// Words, when it was not asked for, or does not fit.
    fn install(&self, certificate: &str) -> Result<(), String>;
}
