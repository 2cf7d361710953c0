//! The certificate of the authority, the one thing that a node trusts.

use ring::digest::{SHA256, digest};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::Error;
use crate::certificate::time;
use crate::serial::hex;

/// The certificate of an authority.
#[derive(Debug, Clone)]
pub struct CaCertificate {
    /// As it is signed.
    pub der: CertificateDer<'static>,
    /// As it is kept.
    pub pem: String,
    /// The name of the authority.
    pub name: String,
    /// From when it is valid.
    pub not_before: UnixTime,
    /// Until when.
    pub not_after: UnixTime,
}

impl CaCertificate {
    /// Of a PEM text that holds it alone.
    ///
    /// # Errors
    /// [`Error::Damaged`], also where it is no certificate of an authority.
    pub fn parse(pem: &str) -> Result<Self, Error> {
        let bad = |why: &str| Error::damaged("the authority's certificate", why);
        let der = one_certificate(pem).ok_or_else(|| bad("it is not one certificate in PEM"))?;
        let (rest, parsed) = X509Certificate::from_der(&der).map_err(|_| bad("it is no X.509 certificate"))?;
        if !rest.is_empty() || !parsed.is_ca() {
            return Err(bad("it is no certificate of an authority"));
        }
        let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        let name = name.ok_or_else(|| bad("it has no name"))?.to_owned();
        let not_before = time(parsed.validity().not_before).ok_or_else(|| bad("its dates are wrong"))?;
        let not_after = time(parsed.validity().not_after).ok_or_else(|| bad("its dates are wrong"))?;
        Ok(Self { der: der.clone(), pem: pem.to_owned(), name, not_before, not_after })
    }

    /// SHA-256 of it, in hexadecimal digits: what people compare.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(digest(&SHA256, &self.der).as_ref())
    }

    /// Runs something on what was parsed.
    pub(crate) fn with<T>(&self, run: impl FnOnce(&X509Certificate<'_>) -> T) -> Result<T, Error> {
        let parsed = X509Certificate::from_der(&self.der);
        let (_, parsed) = parsed.map_err(|_| Error::damaged("the authority's certificate", "it can't be parsed"))?;
        Ok(run(&parsed))
    }

    /// The certificate was signed by this authority; whether it is valid now is not asked.
    pub(crate) fn has_signed(&self, der: &[u8]) -> Result<(), Error> {
        let foreign = || Error::Foreign("the certificate");
        let (_, leaf) = X509Certificate::from_der(der).map_err(|_| foreign())?;
        let is_ours = self.with(|ca| {
            leaf.issuer().as_raw() == ca.subject().as_raw() && leaf.verify_signature(Some(ca.public_key())).is_ok()
        })?;
        if is_ours { Ok(()) } else { Err(foreign()) }
    }
}

/// The one certificate of a PEM text.
pub(crate) fn one_certificate(pem: &str) -> Option<CertificateDer<'static>> {
    let mut all = CertificateDer::pem_slice_iter(pem.as_bytes());
    let first = all.next()?.ok()?;
    all.next().is_none().then_some(first)
}
