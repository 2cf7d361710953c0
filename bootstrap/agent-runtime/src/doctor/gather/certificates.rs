//! Certificates of a cluster, as they lie in the data folder.

use std::path::Path;

use pki::{Authority, NodeFolder, UnixTime, ca_folder, node_folder};

use crate::doctor::facts::{AuthorityCertificate, Certificates, OwnCertificate};
use crate::node::own_folder;

pub(super) fn found(data: &Path) -> Certificates {
    let own = own_folder(data);
    let (ca, node) = (ca_folder(&own), NodeFolder::new(node_folder(&own)));
    Certificates {
        own: node.is_there().then(|| of_node(&node).map_err(|error| error.to_string())),
        authority: Authority::is_there(&ca).then(|| of_authority(&ca).map_err(|error| error.to_string())),
    }
}

fn of_node(folder: &NodeFolder) -> Result<OwnCertificate, pki::Error> {
    let found = folder.look()?;
    let identity = &found.certificate.identity;
    Ok(OwnCertificate {
        node: identity.node.to_string(),
        not_before_ms: millis(found.certificate.not_before),
        not_after_ms: millis(identity.not_after),
        is_revoked: found.crl.contains(&identity.serial),
        authority: found.ca.fingerprint(),
    })
}

fn of_authority(folder: &Path) -> Result<AuthorityCertificate, pki::Error> {
    let authority = Authority::open(folder)?;
    // Whether they can be read.
    authority.records()?;
    authority.crl()?;
    let ca = authority.certificate();
    Ok(AuthorityCertificate { not_after_ms: millis(ca.not_after), fingerprint: ca.fingerprint() })
}

fn millis(at: UnixTime) -> i64 {
    i64::try_from(at.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000)
}
