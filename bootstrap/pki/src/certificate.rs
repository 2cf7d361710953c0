//! What a node's certificate says, read strictly: what is not of the one form names nobody.

use std::net::IpAddr;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use crate::profile::Subject;
use crate::{AltName, Error, NodeName, Roles, Serial};

/// Who a certificate says that a peer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    /// The node.
    pub node: NodeName,
    /// What it may be in the cluster.
    pub roles: Roles,
    /// The number of the certificate.
    pub serial: Serial,
    /// Until when it is valid.
    pub not_after: UnixTime,
}

/// A node's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCertificate {
    /// Whom it names.
    pub identity: PeerIdentity,
    /// From when it is valid.
    pub not_before: UnixTime,
    /// The names and addresses of its host.
    pub alt_names: Vec<AltName>,
}

/// Whom a certificate (DER) names. Whether it is to be trusted is the handshake's to find out, before this is asked.
///
/// # Errors
/// [`Error::Identity`] unless it is a certificate of a node in each respect: exactly one URI of the form
/// `spiffe://agent-runtime/<node>`, that node as its one common name, one unit of known roles, for both sides of a link.
pub fn identify(der: &[u8]) -> Result<PeerIdentity, Error> {
    Ok(NodeCertificate::parse(der)?.identity)
}

impl NodeCertificate {
    /// The certificate that this is (DER).
    ///
    /// # Errors
    /// [`Error::Identity`], as [`identify`].
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| bad("it is no X.509 certificate"))?;
        if !rest.is_empty() {
            return Err(bad("something follows it"));
        }
        if parsed.is_ca() {
            return Err(bad("it is one of an authority"));
        }
        let names = parsed.subject_alternative_name().map_err(|_| bad("its alternative names can't be read"))?;
        let names = names.ok_or_else(|| bad("it has no URI"))?;
        let Subject { node, roles, alt_names } = subject(parsed.subject(), &names.value.general_names)?;
        is_for_both_sides(&parsed)?;
        let serial = Serial::of_bytes(parsed.raw_serial()).ok_or_else(|| bad("its number is too long"))?;
        let not_before = time(parsed.validity().not_before).ok_or_else(|| bad("its dates are wrong"))?;
        let not_after = time(parsed.validity().not_after).ok_or_else(|| bad("its dates are wrong"))?;
        Ok(Self { identity: PeerIdentity { node, roles, serial, not_after }, not_before, alt_names })
    }
}

fn bad(why: &str) -> Error {
    Error::Identity(why.to_owned())
}

/// Whom a certificate or a request names.
pub(crate) fn subject(name: &X509Name<'_>, alternative: &[GeneralName<'_>]) -> Result<Subject, Error> {
    let (node, alt_names) = names(alternative)?;
    if one(name.iter_common_name()) != Some(node.as_str()) {
        return Err(bad("its common name is not the node of its URI"));
    }
    let unit = one(name.iter_organizational_unit());
    let roles = unit.and_then(Roles::of_unit).ok_or_else(|| bad("it names no roles, or one that is not known"))?;
    Ok(Subject { node, roles, alt_names })
}

/// The value of an attribute that is there exactly once.
fn one<'a>(mut all: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>) -> Option<&'a str> {
    let first = all.next()?.as_str().ok()?;
    all.next().is_none().then_some(first)
}

fn names(general: &[GeneralName<'_>]) -> Result<(NodeName, Vec<AltName>), Error> {
    let (mut node, mut alt_names) = (None, Vec::new());
    for name in general {
        match name {
            GeneralName::URI(uri) if node.is_none() => {
                node = Some(NodeName::of_uri(uri).ok_or_else(|| bad("its URI names no node of a cluster"))?);
            }
            GeneralName::URI(_) => return Err(bad("it has more than one URI")),
            GeneralName::DNSName(name) => alt_names.push(name.parse().map_err(|_| bad("a name of its host is none"))?),
            GeneralName::IPAddress(bytes) => {
                alt_names.push(AltName::Ip(address(bytes).ok_or_else(|| bad("an address of its host is none"))?));
            }
            _ => return Err(bad("it has an alternative name that is neither URI, DNS name nor address")),
        }
    }
    Ok((node.ok_or_else(|| bad("it has no URI"))?, alt_names))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// Nothing else is tolerated: neither one side alone nor a certificate that does not say what it is for.
fn is_for_both_sides(parsed: &X509Certificate<'_>) -> Result<(), Error> {
    let usage = parsed.extended_key_usage().map_err(|_| bad("what it is for can't be read"))?;
    match usage {
        Some(usage) if usage.value.server_auth && usage.value.client_auth => Ok(()),
        _ => Err(bad("it is not for both sides of a link")),
    }
}

/// A date as seconds since the Unix epoch.
pub(crate) fn time(at: ASN1Time) -> Option<UnixTime> {
    let seconds = u64::try_from(at.timestamp()).ok()?;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}
