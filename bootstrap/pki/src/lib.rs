//! The internal certificate authority of a cluster of nodes, and what a node does with its certificate.
//!
//! - [`Authority`] signs: it issues, renews and revokes, and records each issuance before the certificate leaves.
//! - [`NodeFolder`] is a node's own files: certificate, key, the authority's certificate, the revocation list. [`Bundle`] is
//!   such a folder before it is written.
//! - [`LiveCredentials`] are those files in use: configurations of rustls whose handshakes read what is in force now, so that
//!   a renewed certificate and a newer list need no restart.
//! - [`identify`] says which node a certificate names, [`Revocations`] which certificates are not to be trusted any more.
//! - [`renewal_at`], [`renewal_due`] and [`request`] are what a node renews by.
//!
//! Keys are ECDSA on P-256: each implementation of TLS 1.3 must support it (RFC 8446, 9.1), as do hardware keys and browsers,
//! which do not take Ed25519. A certificate is signed by the authority itself; there are no intermediate ones.
//!
//! The crate knows no actors, no network and no clock: the time is given.

mod authority;
mod ca;
mod certificate;
mod error;
mod files;
mod folder;
mod keys;
mod live;
mod name;
mod profile;
mod renewal;
mod revocations;
mod role;
mod serial;

pub use authority::{
    Authority, CA_DAYS, DAYS_DEFAULT, DAYS_MAX, KEEP_DAYS, RECORDS_MAX, Record, VALID_PER_NODE_MAX, Wanted, Which,
};
pub use ca::CaCertificate;
pub use certificate::{NodeCertificate, PeerIdentity, identify};
pub use error::Error;
pub use folder::{Bundle, Loaded, NodeFolder};
pub use keys::NodeKey;
pub use live::LiveCredentials;
pub use name::{ALT_NAMES_MAX, AltName, NODE_NAME_BYTES_MAX, NodeName};
pub use renewal::{REQUEST_BYTES_MAX, renewal_at, renewal_due, request};
pub use revocations::{CRL_BYTES_MAX, Revocations};
pub use role::{Role, Roles};
pub use rustls::pki_types::UnixTime;
pub use serial::Serial;

use std::path::{Path, PathBuf};

/// Where the authority's files are below a node's own folder.
#[must_use]
pub fn ca_folder(own: &Path) -> PathBuf {
    own.join("pki/ca")
}

/// Where a node's files are below its own folder.
#[must_use]
pub fn node_folder(own: &Path) -> PathBuf {
    own.join("pki/node")
}

#[cfg(test)]
mod tests;
