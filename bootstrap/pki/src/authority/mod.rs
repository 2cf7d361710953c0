//! The authority: its folder, and what it signs.
//!
//! What is issued or taken back is in `issued.json` before the certificate or the list leaves. A list that was not written
//! because the process ended in between is written by the next change.

mod register;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, PublicKeyData, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::UnixTime;

use self::register::Register;
use crate::files::{self, Lock};
use crate::folder::{COOKIE, PEM_BYTES_MAX};
use crate::profile::{self, Span, Subject, date};
use crate::renewal::Request;
use crate::{AltName, Bundle, CaCertificate, Error, NodeKey, NodeName, PeerIdentity, Revocations, Roles, Serial, keys};

pub use register::{KEEP_DAYS, RECORDS_MAX, Record, VALID_PER_NODE_MAX, Which};

/// Days for which a certificate is valid, unless something else is asked for.
pub const DAYS_DEFAULT: u32 = 30;
/// The most days.
pub const DAYS_MAX: u32 = 825;
/// Days for which the authority is.
pub const CA_DAYS: u32 = 3_653;
const DAY_SECS: u64 = 86_400;
/// A certificate is valid from so long before it is made: clocks of hosts differ.
const BACKDATED: Duration = Duration::from_secs(300);

const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
const ISSUED: &str = "issued.json";
const CRL: &str = "crl.pem";

/// For whom a certificate is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The node.
    pub node: NodeName,
    /// What it may be.
    pub roles: Roles,
    /// By what its host is reached, at most [`crate::ALT_NAMES_MAX`].
    pub alt_names: Vec<AltName>,
    /// For how many days, at most [`DAYS_MAX`].
    pub days: u32,
}

/// The authority of a cluster.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    certificate: CaCertificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new one in a folder of its own, mode 0700, files 0600.
    ///
    /// # Errors
    /// [`Error::AlreadyThere`] when there is one; [`Error::Io`].
    pub fn init(folder: &Path, now: UnixTime) -> Result<Self, Error> {
        let (key, serial) = (keys::generate()?, Serial::random()?);
        let name = format!("Agent Runtime CA {}", serial.as_str().get(..8).unwrap_or_default());
        let certificate = profile::ca(&name, &serial, &span(now, CA_DAYS)).self_signed(&key)?.pem();
        let (register, key_pem) = (Register::new().to_json()?, key.serialize_pem());
        let made = Self::new(folder, &certificate, key)?;
        let crl = made.sign_crl(&Register::new(), now)?;
        // 256 bits, of which certificates say nothing.
        let cookie = format!("{}{}", Serial::random()?.as_str(), Serial::random()?.as_str());
        let files =
            [(CERTIFICATE, certificate.as_str()), (KEY, &key_pem), (ISSUED, &register), (CRL, &crl), (COOKIE, &cookie)];
        files::make_folder(folder, &files)?;
        Ok(made)
    }

    /// Opens the one in a folder.
    ///
    /// # Errors
    /// [`Error::NotThere`], [`Error::OpenToOthers`], or what does not fit together.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let certificate = files::read(&folder.join(CERTIFICATE), PEM_BYTES_MAX)?;
        let path = folder.join(KEY);
        let key = keys::parse(&files::read_secret(&path, PEM_BYTES_MAX)?, &path.display().to_string())?;
        Self::new(folder, &certificate, key)
    }

    fn new(folder: &Path, pem: &str, key: KeyPair) -> Result<Self, Error> {
        let certificate = CaCertificate::parse(pem)?;
        if certificate.with(|parsed| parsed.public_key().raw != key.subject_public_key_info())? {
            return Err(Error::KeyMismatch);
        }
        let issuer = Issuer::from_ca_cert_der(&certificate.der, key)?;
        Ok(Self { folder: folder.to_owned(), certificate, issuer })
    }

    fn bundle(&self, certificate: String, key: NodeKey, crl: String) -> Result<Bundle, Error> {
        let cookie = files::read_secret(&self.folder.join(COOKIE), PEM_BYTES_MAX)?;
        Ok(Bundle { certificate, key, ca: self.certificate.pem.clone(), crl, cookie })
    }

    /// There is one in this folder, readable or not.
    #[must_use]
    pub fn is_there(folder: &Path) -> bool {
        folder.join(CERTIFICATE).exists() || folder.join(KEY).exists()
    }

    /// Its certificate.
    #[must_use]
    pub fn certificate(&self) -> &CaCertificate {
        &self.certificate
    }

    /// All that is recorded, oldest first.
    ///
    /// # Errors
    /// When `issued.json` can't be read.
    pub fn records(&self) -> Result<Vec<Record>, Error> {
        Ok(self.register()?.certificates)
    }

    /// The revocation list in force.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn crl(&self) -> Result<Revocations, Error> {
        Revocations::load(&self.folder.join(CRL), &self.certificate)
    }

    /// Issues the first certificate of a node, with a new key.
    ///
    /// # Errors
    /// [`Error::HasCertificate`] when one of the node is valid; [`Error::Invalid`], [`Error::TooMany`] at a limit.
    pub fn issue(&self, wanted: &Wanted, now: UnixTime) -> Result<Bundle, Error> {
        let key = NodeKey::generate()?;
        let (certificate, crl) = self.change(now, |register| {
            if register.valid(&wanted.node, now).next().is_some() {
                return Err(Error::HasCertificate(wanted.node.clone()));
            }
            self.sign(register, wanted, key.pair(), now)
        })?;
        self.bundle(certificate, key, crl)
    }

    /// Issues a node's next certificate, with a new key: same names, and as many days as the last unless others are given. It
    /// is for the operator and asks not for the last one to be valid, but not to be revoked.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::AllRevoked`], [`Error::TooMany`] at a limit.
    pub fn reissue(&self, node: &NodeName, days: Option<u32>, now: UnixTime) -> Result<Bundle, Error> {
        let key = NodeKey::generate()?;
        let (certificate, crl) = self.change(now, |register| {
            let last = register.last(node)?;
            let wanted = Wanted { days: days.unwrap_or(last.days), ..last.wanted() };
            self.sign(register, &wanted, key.pair(), now)
        })?;
        self.bundle(certificate, key, crl)
    }

    /// Issues the next certificate (PEM) to a node that asked over its link, for the key of its request and with the names of
    /// its current certificate.
    ///
    /// # Errors
    /// [`Error::Request`] when it asks for other names or does not have the key; [`Error::Unknown`], [`Error::Revoked`],
    /// [`Error::OutOfTime`] for its current certificate; [`Error::TooMany`] at a limit.
    pub fn renew(&self, request: &str, current: &PeerIdentity, now: UnixTime) -> Result<String, Error> {
        let request = Request::parse(request)?;
        let (certificate, _) = self.change(now, |register| {
            let record = register.renewable(current, now)?.clone();
            let has =
                Subject { node: record.node.clone(), roles: record.roles.clone(), alt_names: record.alt_names.clone() };
            if request.subject != has || current.roles != has.roles {
                return Err(Error::Request(format!(
                    "it asks for other names than those of certificate {}",
                    record.serial
                )));
            }
            self.sign(register, &record.wanted(), &request.key, now)
        })?;
        Ok(certificate)
    }

    /// Takes certificates back and signs a list that says so. Gives those that were not taken back before; the list is there
    /// in any case.
    ///
    /// # Errors
    /// [`Error::Unknown`] when nothing is recorded of them.
    pub fn revoke(&self, which: &Which, now: UnixTime) -> Result<Vec<Record>, Error> {
        self.change(now, |register| register.revoke(which, now)).map(|(revoked, _)| revoked)
    }

    /// Signs a certificate and records it.
    fn sign(
        &self,
        register: &mut Register,
        wanted: &Wanted,
        key: &impl PublicKeyData,
        now: UnixTime,
    ) -> Result<String, Error> {
        if now >= self.certificate.not_after {
            return Err(Error::AuthorityExpired);
        }
        let mut span = span(now, wanted.days);
        span.to = span.to.min(self.certificate.not_after);
        let record = Record::new(Serial::random()?, wanted, &span)?;
        let subject =
            Subject { node: wanted.node.clone(), roles: wanted.roles.clone(), alt_names: wanted.alt_names.clone() };
        let certificate = profile::node(&subject, &record.serial, &span)?.signed_by(key, &self.issuer)?;
        register.add(record, now)?;
        Ok(certificate.pem())
    }

    /// Changes the register, and the list where it is behind. Gives the list, too.
    fn change<T>(
        &self,
        now: UnixTime,
        change: impl FnOnce(&mut Register) -> Result<T, Error>,
    ) -> Result<(T, String), Error> {
        let _lock = Lock::take(&self.folder)?;
        let (mut register, path) = (self.register()?, self.folder.join(CRL));
        let kept = Revocations::load(&path, &self.certificate).ok();
        if kept.as_ref().is_some_and(|crl| crl.number() > register.crl_number) {
            let why =
                "it is older than crl.pem, so that what was revoked since would be forgotten; restore the newer one";
            return Err(Error::damaged(self.folder.join(ISSUED).display().to_string(), why));
        }
        let changed = change(&mut register)?;
        files::write(&self.folder.join(ISSUED), &register.to_json()?)?;
        let kept = kept.filter(|crl| crl.number() == register.crl_number);
        let crl = match kept {
            Some(crl) => crl.pem().to_owned(),
            None => {
                let crl = self.sign_crl(&register, now)?;
                files::write(&path, &crl)?;
                crl
            }
        };
        Ok((changed, crl))
    }

    fn register(&self) -> Result<Register, Error> {
        Register::read(&self.folder.join(ISSUED))
    }

    /// Nobody waits for a next list by its date: the number alone decides. It is as far off as the authority lives.
    fn sign_crl(&self, register: &Register, now: UnixTime) -> Result<String, Error> {
        let next = self.certificate.not_after.max(span(now, 1).to);
        let entry = |(serial, at): (&Serial, UnixTime)| RevokedCertParams {
            serial_number: profile::number(serial),
            revocation_time: date!(at),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date!(now),
            next_update: date!(next),
            crl_number: SerialNumber::from(register.crl_number),
            issuing_distribution_point: None,
            revoked_certs: register.revoked().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(&self.issuer)?.pem()?)
    }
}

fn span(now: UnixTime, days: u32) -> Span {
    let at = |secs| UnixTime::since_unix_epoch(Duration::from_secs(secs));
    let from = now.as_secs().saturating_sub(BACKDATED.as_secs());
    Span { from: at(from), to: at(now.as_secs().saturating_add(u64::from(days) * DAY_SECS)) }
}
