//! What can go wrong.

use std::io;
use std::path::PathBuf;

use crate::{NodeName, Serial};

/// Why something could not be done. What it means for a command is said by the command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder that is needed.
    #[error("{0} is not there")]
    NotThere(PathBuf),
    /// A folder that would be overwritten.
    #[error("{0} is there already and is left as it is")]
    AlreadyThere(PathBuf),
    /// What the system says of a file.
    #[error("{path} can't be {verb}")]
    Io {
        /// `read`, `written`, ...
        verb: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process changes the same folder, and does not end.
    #[error("{0} is being changed by another process")]
    Busy(PathBuf),
    /// A key that is no secret.
    #[error("{path} can be read by others (mode {mode:03o}); run `chmod 600` on it")]
    OpenToOthers {
        /// The file of the key.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file or text that is not what it should be.
    #[error("{what} can't be used: {why}")]
    Damaged {
        /// Which.
        what: String,
        /// In which way.
        why: String,
    },
    /// A name, role or number that is not allowed.
    #[error("{0}")]
    Invalid(String),
    /// A certificate that does not name a node in the one form that counts.
    #[error("the certificate is no node's: {0}")]
    Identity(String),
    /// A certificate or list of another authority.
    #[error("{0} was not signed by this cluster's authority")]
    Foreign(&'static str),
    /// A key that does not belong to the certificate.
    #[error("the key does not belong to the certificate")]
    KeyMismatch,
    /// A certificate that was taken back.
    #[error("certificate {serial} of `{node}` is revoked")]
    Revoked {
        /// Whose.
        node: NodeName,
        /// Which.
        serial: Serial,
    },
    /// A certificate out of its time.
    #[error("certificate {serial} of `{node}` is not valid now")]
    OutOfTime {
        /// Whose.
        node: NodeName,
        /// Which.
        serial: Serial,
    },
    /// The authority itself has expired.
    #[error("the authority's certificate has expired")]
    AuthorityExpired,
    /// No certificate is recorded that this names.
    #[error("no certificate is recorded of `{0}`")]
    Unknown(String),
    /// A node that has a certificate already.
    #[error("`{0}` has a valid certificate already")]
    HasCertificate(NodeName),
    /// All certificates of the node were taken back.
    #[error("all certificates of `{0}` are revoked")]
    AllRevoked(NodeName),
    /// A request that is not carried out.
    #[error("the request is refused: {0}")]
    Request(String),
    /// A limit.
    #[error("{0}")]
    TooMany(String),
    /// What the library that signs says.
    #[error("signing failed: {0}")]
    Signing(String),
}

impl Error {
    pub(crate) fn io(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { verb, path, source }
    }

    pub(crate) fn damaged(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Damaged { what: what.into(), why: why.into() }
    }
}

impl From<rcgen::Error> for Error {
    fn from(error: rcgen::Error) -> Self {
        Self::Signing(error.to_string())
    }
}
