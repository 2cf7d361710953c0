//! The revocation list: which certificates are not to be trusted any more, signed by the authority.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Extension};

use crate::{CaCertificate, Error, Serial, files};

/// The longest list in bytes of PEM. One of as many entries as an authority records is shorter.
pub const CRL_BYTES_MAX: usize = 1 << 20;

/// A revocation list whose signature was verified.
#[derive(Clone)]
pub struct Revocations {
    pem: String,
    number: u64,
    serials: HashSet<Serial>,
}

impl Revocations {
    /// A list in PEM, if this authority has signed it.
    ///
    /// # Errors
    /// [`Error::Foreign`] when another has; [`Error::Damaged`] when it is none, or holds what is not understood: of a list that
    /// is only a part of the whole, nobody could say what it leaves out.
    pub fn verify(pem: &str, ca: &CaCertificate) -> Result<Self, Error> {
        if pem.len() > CRL_BYTES_MAX {
            return Err(bad(&format!("it is longer than {CRL_BYTES_MAX} bytes")));
        }
        let der = CertificateRevocationListDer::from_pem_slice(pem.as_bytes());
        let der = der.map_err(|_| bad("it is no list in PEM"))?;
        let (rest, list) = CertificateRevocationList::from_der(&der).map_err(|_| bad("it can't be parsed"))?;
        if !rest.is_empty() {
            return Err(bad("something follows it"));
        }
        let is_ours = ca.with(|ca| {
            list.issuer().as_raw() == ca.subject().as_raw() && list.verify_signature(ca.public_key()).is_ok()
        })?;
        if !is_ours {
            return Err(Error::Foreign("the revocation list"));
        }
        let number = list.crl_number().and_then(|number| u64::try_from(number).ok());
        let number = number.ok_or_else(|| bad("it has no number"))?;
        let is_critical = |extension: &X509Extension<'_>| extension.critical;
        let mut entries = list.iter_revoked_certificates();
        if list.extensions().iter().any(is_critical) || entries.any(|of| of.extensions().iter().any(is_critical)) {
            return Err(bad("it has an extension that is not understood"));
        }
        let serials: Option<HashSet<Serial>> =
            list.iter_revoked_certificates().map(|entry| Serial::of_bytes(entry.raw_serial())).collect();
        let serials = serials.ok_or_else(|| bad("a number in it is too long"))?;
        Ok(Self { pem: pem.to_owned(), number, serials })
    }

    /// The list of a file.
    ///
    /// # Errors
    /// As [`Self::verify`], or that it can't be read.
    pub fn load(path: &Path, ca: &CaCertificate) -> Result<Self, Error> {
        Self::verify(&files::read(path, CRL_BYTES_MAX)?, ca)
    }

    /// The certificate is on it.
    #[must_use]
    pub fn contains(&self, serial: &Serial) -> bool {
        self.serials.contains(serial)
    }

    /// Its number: a list of a higher number replaces one of a lower.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Certificates on it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.serials.len()
    }

    /// Nothing is on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.serials.is_empty()
    }

    /// As it was signed.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }
}

fn bad(why: &str) -> Error {
    Error::damaged("the revocation list", why)
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations").field("number", &self.number).field("serials", &self.serials.len()).finish()
    }
}
