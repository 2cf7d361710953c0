//! How certificates are filled in: the one form for the authority and the one for nodes.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    SanType, SerialNumber,
};
use rustls::pki_types::UnixTime;

use crate::{AltName, Error, NodeName, Roles, Serial};

/// The last second of the year 9999, which X.509 can say.
pub(crate) const LAST_SECS: u64 = 253_402_300_799;

/// A time as rcgen takes it. A macro, since the type is not rcgen's own to name.
macro_rules! date {
    ($at:expr) => {
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs($at.as_secs().min($crate::profile::LAST_SECS))
    };
}
pub(crate) use date;

/// From when to when something is valid.
pub(crate) struct Span {
    pub(crate) from: UnixTime,
    pub(crate) to: UnixTime,
}

/// Whom a certificate names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) node: NodeName,
    pub(crate) roles: Roles,
    pub(crate) alt_names: Vec<AltName>,
}

/// An authority that signs certificates of nodes and lists, and no other authority.
pub(crate) fn ca(name: &str, serial: &Serial, span: &Span) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(number(serial));
    (params.not_before, params.not_after) = (date!(span.from), date!(span.to));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A node, for both sides of a link.
pub(crate) fn node(subject: &Subject, serial: &Serial, span: &Span) -> Result<CertificateParams, Error> {
    let mut params = named(subject)?;
    params.serial_number = Some(number(serial));
    (params.not_before, params.not_after) = (date!(span.from), date!(span.to));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Its names alone, as they stand in a request.
pub(crate) fn named(subject: &Subject) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, subject.node.as_str());
    params.distinguished_name.push(DnType::OrganizationalUnitName, subject.roles.unit());
    params.subject_alt_names = vec![SanType::URI(subject.node.uri().try_into()?)];
    for name in &subject.alt_names {
        params.subject_alt_names.push(match name {
            AltName::Dns(name) => SanType::DnsName(name.as_str().try_into()?),
            AltName::Ip(address) => SanType::IpAddress(*address),
        });
    }
    Ok(params)
}

pub(crate) fn number(serial: &Serial) -> SerialNumber {
    SerialNumber::from(serial.to_bytes())
}
