//! A node's own files.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;

use crate::ca::one_certificate;
use crate::files::{self, Lock};
use crate::live::chain;
use crate::{CaCertificate, Error, NodeCertificate, NodeKey, Revocations, keys};

const CERTIFICATE: &str = "node.crt";
const KEY: &str = "node.key";
const CA: &str = "ca.crt";
const CRL: &str = "crl.pem";
pub(crate) const COOKIE: &str = "cookie";
/// A certificate and its key that take the place of the others. Both are on disk before either does; see [`Step`].
const NEXT_CERTIFICATE: &str = "next.crt";
const NEXT_KEY: &str = "next.key";
/// The longest certificate or key in bytes of PEM.
pub(crate) const PEM_BYTES_MAX: usize = 64 << 10;

/// The folder of a node's certificate.
#[derive(Debug, Clone)]
pub struct NodeFolder {
    path: PathBuf,
}

/// What lies in it, read and checked: the authority has signed certificate and list, the key is the certificate's. Whether
/// the certificate is valid now and not on the list is not asked: a node that is out must be able to say so.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The certificate.
    pub certificate: NodeCertificate,
    /// The authority's.
    pub ca: CaCertificate,
    /// The revocation list.
    pub crl: Revocations,
    /// The certificate with its key, for handshakes.
    pub(crate) key: Arc<CertifiedKey>,
}

/// A folder of a node before it is written.
#[derive(Debug)]
pub struct Bundle {
    /// The certificate (PEM).
    pub certificate: String,
    /// Its key.
    pub key: NodeKey,
    /// The authority's certificate (PEM).
    pub ca: String,
    /// The revocation list (PEM).
    pub crl: String,
    /// The cluster's cookie.
    pub cookie: String,
}

impl Bundle {
    /// Makes the folder, mode 0700, files 0600: whole, or not at all.
    ///
    /// # Errors
    /// [`Error::AlreadyThere`] when it holds anything; [`Error::Io`].
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let key = self.key.to_pem();
        let files = [
            (CERTIFICATE, self.certificate.as_str()),
            (KEY, &key),
            (CA, &self.ca),
            (CRL, &self.crl),
            (COOKIE, &self.cookie),
        ];
        files::make_folder(folder, &files)
    }
}

/// What identifies the files as they were: changed when any of them was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Stamp(Vec<Option<(u64, u64, i64, i64)>>);

/// How a certificate and its key take the place of the others. Cut off after any step there is a pair that fits: the old one
/// until the second step is done, then the new one, which [`NodeFolder::load`] puts in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    WriteKey,
    WriteCertificate,
    PlaceKey,
    PlaceCertificate,
}

impl Step {
    pub(crate) const ALL: [Self; 4] = [Self::WriteKey, Self::WriteCertificate, Self::PlaceKey, Self::PlaceCertificate];
}

impl NodeFolder {
    /// The folder at this path.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// There is a certificate in it.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.file(CERTIFICATE).exists() || self.file(NEXT_CERTIFICATE).exists()
    }

    /// The cluster's cookie: what all its nodes know and nobody else, a second check beside the certificates.
    ///
    /// # Errors
    /// When it is not there, or open to others.
    pub fn cookie(&self) -> Result<String, Error> {
        Ok(files::read_secret(&self.file(COOKIE), PEM_BYTES_MAX)?.trim().to_owned())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads it. A renewal that was cut off is brought to its end.
    ///
    /// # Errors
    /// What is not there, can't be read, is open to others, or does not fit together.
    pub fn load(&self) -> Result<Loaded, Error> {
        let _lock = Lock::take(&self.path)?;
        self.settle()?;
        self.load_locked()
    }

    /// The same, and changes nothing: of a renewal that was cut off it gives what [`Self::load`] would.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn look(&self) -> Result<Loaded, Error> {
        let _lock = Lock::take(&self.path)?;
        self.load_locked()
    }

    fn load_locked(&self) -> Result<Loaded, Error> {
        let ca = CaCertificate::parse(&files::read(&self.file(CA), PEM_BYTES_MAX)?)?;
        let next = [NEXT_KEY, KEY].into_iter().find_map(|key| self.pair(NEXT_CERTIFICATE, key).ok());
        let (certificate, key) = next.map_or_else(|| self.pair(CERTIFICATE, KEY), Ok)?;
        ca.has_signed(key.end_entity_cert().map_err(|_| Error::KeyMismatch)?)?;
        let crl = Revocations::load(&self.file(CRL), &ca)?;
        Ok(Loaded { certificate, ca, crl, key: Arc::new(key) })
    }

    fn pair(&self, certificate: &str, key: &str) -> Result<(NodeCertificate, CertifiedKey), Error> {
        let certificate = files::read(&self.file(certificate), PEM_BYTES_MAX)?;
        pair(&certificate, &files::read_secret(&self.file(key), PEM_BYTES_MAX)?)
    }

    /// Brings a renewal that was cut off to its end, or clears it away.
    fn settle(&self) -> Result<(), Error> {
        if self.file(NEXT_CERTIFICATE).exists() {
            if self.pair(NEXT_CERTIFICATE, NEXT_KEY).is_ok() {
                self.place(NEXT_KEY, KEY)?;
            }
            if self.pair(NEXT_CERTIFICATE, KEY).is_ok() {
                self.place(NEXT_CERTIFICATE, CERTIFICATE)?;
            }
            files::remove(&self.file(NEXT_CERTIFICATE))?;
        }
        if self.file(NEXT_KEY).exists() { files::remove(&self.file(NEXT_KEY)) } else { Ok(()) }
    }

    fn place(&self, from: &str, to: &str) -> Result<(), Error> {
        files::rename(&self.file(from), &self.file(to))
    }

    /// Puts a renewed certificate (PEM) with its key in the place of the ones that are there, which stay until the new ones
    /// are on disk.
    ///
    /// # Errors
    /// When they do not fit each other, the authority, the time or this node, or can't be written. Then nothing has changed.
    pub fn install(&self, certificate: &str, key: &NodeKey, now: UnixTime) -> Result<(), Error> {
        let _lock = Lock::take(&self.path)?;
        self.settle()?;
        let current = self.load_locked()?;
        let key = key.to_pem();
        let (new, _) = pair(certificate, &key)?;
        let (is, was) = (&new.identity, &current.certificate.identity);
        if is.node != was.node {
            return Err(Error::Invalid(format!("the certificate is of `{}`, this is `{}`", is.node, was.node)));
        }
        chain::verify(&one_certificate(certificate).ok_or(Error::KeyMismatch)?, &current.ca, now)?;
        if current.crl.contains(&is.serial) {
            return Err(Error::Revoked { node: is.node.clone(), serial: is.serial.clone() });
        }
        Step::ALL.into_iter().try_for_each(|step| self.step(step, certificate, &key))
    }

    pub(crate) fn step(&self, step: Step, certificate: &str, key: &str) -> Result<(), Error> {
        match step {
            Step::WriteKey => files::write(&self.file(NEXT_KEY), key),
            Step::WriteCertificate => files::write(&self.file(NEXT_CERTIFICATE), certificate),
            Step::PlaceKey => self.place(NEXT_KEY, KEY),
            Step::PlaceCertificate => self.place(NEXT_CERTIFICATE, CERTIFICATE),
        }
    }

    /// Keeps a revocation list (PEM) if it is newer than the one that is there; `false`: it is not.
    ///
    /// # Errors
    /// When this node's authority has not signed it, or it can't be written.
    pub fn put_crl(&self, pem: &str) -> Result<bool, Error> {
        let _lock = Lock::take(&self.path)?;
        let ca = CaCertificate::parse(&files::read(&self.file(CA), PEM_BYTES_MAX)?)?;
        let crl = Revocations::verify(pem, &ca)?;
        // One that is missing or damaged is replaced by any.
        if Revocations::load(&self.file(CRL), &ca).is_ok_and(|kept| kept.number() >= crl.number()) {
            return Ok(false);
        }
        files::write(&self.file(CRL), pem)?;
        Ok(true)
    }

    /// What identifies the files as they are now.
    pub(crate) fn stamp(&self) -> Stamp {
        let of = |name: &str| {
            let found = std::fs::metadata(self.file(name)).ok()?;
            Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
        };
        Stamp([CERTIFICATE, KEY, CA, CRL, NEXT_CERTIFICATE].into_iter().map(of).collect())
    }
}

/// A certificate and a key, if they fit.
fn pair(certificate: &str, key: &str) -> Result<(NodeCertificate, CertifiedKey), Error> {
    let der = one_certificate(certificate);
    let der = der.ok_or_else(|| Error::damaged("the node's certificate", "it is not one certificate in PEM"))?;
    let parsed = NodeCertificate::parse(&der)?;
    keys::parse(key, "the node's key")?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| Error::damaged("the node's key", "it holds no private key in PEM"))?;
    let provider = rustls::crypto::ring::default_provider();
    let key = provider.key_provider.load_private_key(key).map_err(|error| Error::Signing(error.to_string()))?;
    let both = CertifiedKey::new(vec![der], key);
    both.keys_match().map_err(|_| Error::KeyMismatch)?;
    Ok((parsed, both))
}
