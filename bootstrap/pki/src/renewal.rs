//! Renewal: when it is due, what a node asks for, and what an authority reads of that.

use std::time::Duration;

use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SubjectPublicKeyInfo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateSigningRequestDer, UnixTime};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;

use crate::certificate::subject;
use crate::profile::{self, Subject};
use crate::{Error, NodeCertificate, NodeKey};

/// The longest request in bytes of PEM.
pub const REQUEST_BYTES_MAX: usize = 16 << 10;
/// Of a life in thousandths: renewal is due from two thirds on, later by up to a twentieth, so that nodes that were set up
/// together do not all come at once.
const DUE_PER_MILLE: u64 = 667;
const JITTER_PER_MILLE: u64 = 50;

/// When a certificate with these dates is to be renewed. Each seed has a moment of its own; one node keeps its seed.
#[must_use]
pub fn renewal_at(not_before: UnixTime, not_after: UnixTime, seed: u64) -> UnixTime {
    let life = not_after.as_secs().saturating_sub(not_before.as_secs());
    let jitter = mixed(seed) % (JITTER_PER_MILLE + 1);
    // Divided first: no life is so short that the remainder counts, and none so long that it overflows.
    let after = life / 1_000 * (DUE_PER_MILLE + jitter);
    UnixTime::since_unix_epoch(Duration::from_secs(not_before.as_secs().saturating_add(after)))
}

/// It is to be renewed now. After a refusal or a lost answer it stays due: the caller waits in between.
#[must_use]
pub fn renewal_due(not_before: UnixTime, not_after: UnixTime, now: UnixTime, seed: u64) -> bool {
    now >= renewal_at(not_before, not_after, seed)
}

/// Spreads seeds that are close together (the finalizer of splitmix64).
fn mixed(seed: u64) -> u64 {
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

/// A request (PKCS#10, PEM) for a certificate of the same names for this key, which signs it.
///
/// # Errors
/// [`Error::Signing`].
pub fn request(key: &NodeKey, of: &NodeCertificate) -> Result<String, Error> {
    let identity = &of.identity;
    let subject =
        Subject { node: identity.node.clone(), roles: identity.roles.clone(), alt_names: of.alt_names.clone() };
    Ok(profile::named(&subject)?.serialize_request(key.pair())?.pem()?)
}

/// What is asked for.
pub(crate) struct Request {
    pub(crate) subject: Subject,
    pub(crate) key: SubjectPublicKeyInfo,
}

impl Request {
    /// Reads a request; whoever made it has the key.
    pub(crate) fn parse(pem: &str) -> Result<Self, Error> {
        let refused = |why: &str| Error::Request(why.to_owned());
        if pem.len() > REQUEST_BYTES_MAX {
            return Err(refused(&format!("it is longer than {REQUEST_BYTES_MAX} bytes")));
        }
        let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes());
        let der = der.map_err(|_| refused("it is no request in PEM"))?;
        let (rest, parsed) = X509CertificationRequest::from_der(&der).map_err(|_| refused("it can't be parsed"))?;
        if !rest.is_empty() {
            return Err(refused("something follows it"));
        }
        let info = &parsed.certification_request_info;
        let key = SubjectPublicKeyInfo::from_der(info.subject_pki.raw).map_err(|_| refused("its key can't be read"))?;
        if key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(refused("its key is not of ECDSA on P-256"));
        }
        parsed.verify_signature().map_err(|_| refused("it is not signed with the key that it is for"))?;
        let extensions: Vec<_> = parsed.requested_extensions().into_iter().flatten().collect();
        let [ParsedExtension::SubjectAlternativeName(names)] = extensions.as_slice() else {
            return Err(refused("it asks for something else than names"));
        };
        let subject = subject(&info.subject, &names.general_names).map_err(|error| refused(&error.to_string()))?;
        Ok(Self { subject, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn at(secs: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(secs))
    }

    #[test]
    fn renewal_is_due_between_two_thirds_and_three_quarters_of_a_life() {
        let (from, to) = (at(1_000 * DAY), at(1_030 * DAY));
        let moments: Vec<u64> = (0..1_000).map(|seed| renewal_at(from, to, seed).as_secs()).collect();
        assert!(moments.iter().all(|moment| (1_020 * DAY..1_020 * DAY + 36 * 3_600 + DAY).contains(moment)));
        assert!(moments.iter().collect::<std::collections::BTreeSet<_>>().len() > 30, "seeds have their own moments");
        assert_eq!(renewal_at(from, to, 7), renewal_at(from, to, 7));
        let due = renewal_at(from, to, 7).as_secs();
        assert!(!renewal_due(from, to, at(due - 1), 7) && renewal_due(from, to, at(due), 7));
    }

    #[test]
    fn dates_that_make_no_sense_are_due_and_never_overflow() {
        assert!(renewal_due(at(10), at(5), at(10), 3));
        assert!(renewal_at(at(u64::MAX), at(u64::MAX), 3) >= at(u64::MAX));
        assert!(renewal_at(at(0), at(u64::MAX), 3) < at(u64::MAX));
    }
}
