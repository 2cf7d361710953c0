//! What two nodes say to each other before anything else, and whether they go on.
//!
//! ```text
//!   "AGENTRT1"  min u16  max u16  length u32  body (postcard)          both ends, at once
//!   verdict u8 (0 go on, 1 refused)  length u16  reason (UTF-8)        both ends, at once
//! ```
//!
//! The head never changes: whatever versions two nodes speak, they can tell each other that these do not meet.

use std::io;

use messages::cluster::Roles;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::limits::{HELLO_BYTES_MAX, VERDICT_BYTES_MAX};
use crate::trust::PeerIdentity;

const MAGIC: &[u8; 8] = b"AGENTRT1";

/// Versions of the protocol between nodes that this program speaks, from the oldest to the newest.
pub const VERSIONS: Versions = Versions { min: 1, max: 1 };

/// A range of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The oldest.
    pub min: u16,
    /// The newest.
    pub max: u16,
}

impl Versions {
    /// The newest that both speak.
    #[must_use]
    pub fn meet(self, other: Self) -> Option<u16> {
        let newest = self.max.min(other.max);
        (newest >= self.min && newest >= other.min).then_some(newest)
    }
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// Its name; the certificate's.
    pub(crate) node: String,
    /// This start of it.
    pub(crate) incarnation: String,
    /// What it takes on.
    pub(crate) roles: Roles,
    /// The pid of its region, the one actor that may be called.
    pub(crate) region: u64,
    /// What calls to it must carry as long as this link lives.
    pub(crate) token: [u8; 16],
    /// The version of its program, for people.
    pub(crate) program: String,
}

/// What came of a peer's hello.
#[derive(Debug)]
pub(crate) enum Heard {
    Hello(Hello),
    /// It speaks other versions; what else it says can't be read.
    Other(Versions),
}

/// Sends a hello.
pub(crate) async fn send<W: AsyncWrite + Unpin>(to: &mut W, hello: &Hello) -> io::Result<()> {
    let body = postcard::to_stdvec(hello).map_err(io::Error::other)?;
    if body.len() > HELLO_BYTES_MAX {
        return Err(io::Error::other("names and roles of this node do not fit into a hello"));
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSIONS.min.to_be_bytes());
    bytes.extend(VERSIONS.max.to_be_bytes());
    bytes.extend(u32::try_from(body.len()).map_err(io::Error::other)?.to_be_bytes());
    bytes.extend(body);
    to.write_all(&bytes).await?;
    to.flush().await
}

/// Reads a hello.
pub(crate) async fn receive<R: AsyncRead + Unpin>(from: &mut R) -> io::Result<Heard> {
    let mut magic = [0; 8];
    from.read_exact(&mut magic).await?;
    if &magic != MAGIC {
        return Err(bad("it does not speak the protocol of nodes"));
    }
    let versions = Versions { min: from.read_u16().await?, max: from.read_u16().await? };
    let length = usize::try_from(from.read_u32().await?).unwrap_or(usize::MAX);
    if length > HELLO_BYTES_MAX {
        return Err(bad("its hello is larger than one may be"));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).await?;
    if VERSIONS.meet(versions).is_none() {
        return Ok(Heard::Other(versions));
    }
    postcard::from_bytes(&body).map(Heard::Hello).map_err(|_| bad("its hello can't be read"))
}

/// Tells the peer whether this end goes on.
pub(crate) async fn tell<W: AsyncWrite + Unpin>(to: &mut W, verdict: &Result<(), String>) -> io::Result<()> {
    let reason = verdict.as_ref().err().map(String::as_str).unwrap_or_default();
    let reason = reason.get(..reason.floor_char_boundary(VERDICT_BYTES_MAX)).unwrap_or_default();
    to.write_u8(u8::from(verdict.is_err())).await?;
    to.write_u16(u16::try_from(reason.len()).unwrap_or_default()).await?;
    to.write_all(reason.as_bytes()).await?;
    to.flush().await
}

/// Hears whether the peer goes on.
pub(crate) async fn told<R: AsyncRead + Unpin>(from: &mut R) -> io::Result<Result<(), String>> {
    let refused = from.read_u8().await? != 0;
    let length = usize::from(from.read_u16().await?);
    if length > VERDICT_BYTES_MAX {
        return Err(bad("its verdict is larger than one may be"));
    }
    let mut reason = vec![0; length];
    from.read_exact(&mut reason).await?;
    let reason = String::from_utf8(reason).map_err(|_| bad("its verdict can't be read"))?;
    Ok(if refused { Err(reason) } else { Ok(()) })
}

/// Whether to go on with a peer: pure.
pub(crate) fn judge(ours: &Hello, certificate: &PeerIdentity, heard: &Heard) -> Result<(), String> {
    let theirs = match heard {
        Heard::Hello(theirs) => theirs,
        Heard::Other(Versions { min, max }) => {
            let Versions { min: from, max: to } = VERSIONS;
            return Err(format!(
                "this node speaks versions {from} to {to} of the protocol, the other {min} to {max}; update the older one"
            ));
        }
    };
    if theirs.node != certificate.node {
        return Err(format!("the certificate is of `{}`, the hello of `{}`", certificate.node, theirs.node));
    }
    if theirs.node == ours.node {
        return Err(format!("both ends are named `{}`; each node needs a name of its own", ours.node));
    }
    if !theirs.roles.is_within(certificate.roles) {
        return Err(format!("`{}` claims roles that its certificate does not name: {}", theirs.node, theirs.roles));
    }
    if theirs.roles.is_empty() {
        return Err(format!("`{}` has no role", theirs.node));
    }
    let well_formed = |text: &str| {
        !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if !well_formed(&theirs.node) || !well_formed(&theirs.incarnation) {
        return Err("its name or incarnation is none".into());
    }
    Ok(())
}

fn bad(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
