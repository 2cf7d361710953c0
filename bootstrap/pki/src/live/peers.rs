//! What handshakes ask: who is the other side, and who are we.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error as Tls, RootCertStore, SignatureScheme,
};

use super::{Shared, chain};
use crate::{CaCertificate, Error, identify};

/// Verifies certificates of peers, of either side. The libraries verify chain, dates, use and signatures; what is left to
/// do here is to look on the list, and to refuse what is no certificate of a node.
#[derive(Debug)]
pub(crate) struct Peers {
    roots: Arc<RootCertStore>,
    clients: Arc<dyn ClientCertVerifier>,
    algorithms: WebPkiSupportedAlgorithms,
    shared: Arc<Shared>,
}

impl Peers {
    pub(crate) fn new(ca: &CaCertificate, provider: &Arc<CryptoProvider>, shared: Arc<Shared>) -> Result<Self, Error> {
        let roots = chain::roots(ca)?;
        let clients = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone()).build();
        let clients = clients.map_err(|error| Error::damaged("the authority's certificate", error.to_string()))?;
        Ok(Self { roots, clients, algorithms: provider.signature_verification_algorithms, shared })
    }

    /// What both sides ask of a certificate whose chain was verified.
    fn admit(&self, certificate: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Result<(), Tls> {
        let refused = CertificateError::ApplicationVerificationFailure;
        // The authority signs for nodes itself.
        if !others.is_empty() {
            return Err(refused.into());
        }
        let Ok(identity) = identify(certificate) else { return Err(refused.into()) };
        if self.shared.get().crl.contains(&identity.serial) {
            return Err(CertificateError::Revoked.into());
        }
        Ok(())
    }
}

impl ServerCertVerifier for Peers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _host: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Tls> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, self.algorithms.all)?;
        self.admit(end_entity, intermediates)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Peers {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.clients.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Tls> {
        let verified = self.clients.verify_client_cert(end_entity, intermediates, now)?;
        self.admit(end_entity, intermediates)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        self.clients.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        self.clients.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.clients.supported_verify_schemes()
    }
}

/// Gives the certificate that is in force.
#[derive(Debug)]
pub(crate) struct Own {
    shared: Arc<Shared>,
}

impl Own {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl ResolvesServerCert for Own {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shared.get().key)
    }
}

impl ResolvesClientCert for Own {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.shared.get().key)
    }

    fn has_certs(&self) -> bool {
        true
    }
}
