//! From a certificate to the authority.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;

use crate::{CaCertificate, Error, identify};

/// The one anchor of trust.
pub(crate) fn roots(ca: &CaCertificate) -> Result<Arc<RootCertStore>, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.der.clone()).map_err(|error| Error::damaged("the authority's certificate", error.to_string()))?;
    Ok(Arc::new(roots))
}

/// The certificate is signed by the authority, for its use, and valid now.
pub(crate) fn verify(certificate: &CertificateDer<'_>, ca: &CaCertificate, now: UnixTime) -> Result<(), Error> {
    let identity = identify(certificate)?;
    ca.has_signed(certificate)?;
    let parsed = ParsedCertificate::try_from(certificate).map_err(|error| Error::Identity(error.to_string()))?;
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms.all;
    verify_server_cert_signed_by_trust_anchor(&parsed, &*roots(ca)?, &[], now, algorithms)
        .map_err(|_| Error::OutOfTime { node: identity.node, serial: identity.serial })
}
