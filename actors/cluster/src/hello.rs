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

/// Versions of the protocol between nodes that this release speaks, from the oldest to the newest.
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

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.min, self.max) {
            (min, max) if min == max => write!(f, "version {min}"),
            (min, max) => write!(f, "versions {min} to {max}"),
        }
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
    /// It speaks this version, too, the newest of those that both do.
    Hello(Hello, u16),
    /// It speaks other versions; what else it says can't be read.
    Other(Versions),
}

/// Sends a hello.
pub(crate) async fn send<W: AsyncWrite + Unpin>(to: &mut W, hello: &Hello, speaks: Versions) -> io::Result<()> {
    let body = postcard::to_stdvec(hello).map_err(io::Error::other)?;
    if body.len() > HELLO_BYTES_MAX {
        return Err(io::Error::other("names and roles of this node do not fit into a hello"));
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend(speaks.min.to_be_bytes());
    bytes.extend(speaks.max.to_be_bytes());
    bytes.extend(u32::try_from(body.len()).map_err(io::Error::other)?.to_be_bytes());
    bytes.extend(body);
    to.write_all(&bytes).await?;
    to.flush().await
}

/// Reads a hello.
pub(crate) async fn receive<R: AsyncRead + Unpin>(from: &mut R, speaks: Versions) -> io::Result<Heard> {
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
    let Some(version) = speaks.meet(versions) else { return Ok(Heard::Other(versions)) };
    let hello = postcard::from_bytes(&body).map_err(|_| bad("its hello can't be read"))?;
    Ok(Heard::Hello(hello, version))
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
pub(crate) fn judge(ours: &Hello, speaks: Versions, certificate: &PeerIdentity, heard: &Heard) -> Result<(), String> {
    let theirs = match heard {
        Heard::Hello(theirs, _) => theirs,
        Heard::Other(versions) => return Err(apart(speaks, *versions, (&ours.node, &certificate.node))),
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

/// Versions that do not meet, and which of two nodes is to be updated.
fn apart(ours: Versions, theirs: Versions, (we, they): (&str, &str)) -> String {
    let older = if theirs.min > ours.max { we } else { they };
    format!(
        "`{we}` speaks {ours} of the protocol between nodes, `{they}` speaks {theirs}, and they have none in common; \
         update agent-runtime on `{older}`"
    )
}

fn bad(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn range(min: u16, max: u16) -> Versions {
        Versions { min, max }
    }

    /// Another version reads these before anything is agreed: the head never changes, the body only with a new version.
    #[tokio::test]
    async fn a_hello_has_these_bytes_and_is_read_back() {
        let hello = Hello {
            node: "a".into(),
            incarnation: "i".into(),
            roles: Roles::ALL,
            region: 300,
            token: [7; 16],
            program: "1".into(),
        };
        let mut bytes = Vec::new();
        send(&mut bytes, &hello, range(1, 2)).await.unwrap();
        let body = [&[1, b'a', 1, b'i', 7, 0xac, 0x02][..], &[7; 16], &[1, b'1']].concat();
        let head = [&b"AGENTRT1"[..], &[0, 1, 0, 2, 0, 0, 0, 25]].concat();
        assert_eq!(bytes, [head, body].concat());
        let Heard::Hello(read, version) = receive(&mut bytes.as_slice(), range(2, 9)).await.unwrap() else { panic!() };
        assert_eq!((read, version), (hello, 2));
        let Heard::Other(theirs) = receive(&mut bytes.as_slice(), range(3, 9)).await.unwrap() else { panic!() };
        assert_eq!(theirs, range(1, 2));
        let mut verdict = Vec::new();
        tell(&mut verdict, &Err("no".into())).await.unwrap();
        tell(&mut verdict, &Ok(())).await.unwrap();
        assert_eq!(verdict, [1, 0, 2, b'n', b'o', 0, 0, 0]);
    }

    #[test]
    fn two_nodes_speak_the_newest_version_that_both_know() {
        for (ours, theirs, common) in [
            (range(1, 1), range(1, 1), Some(1)),
            (range(1, 2), range(1, 1), Some(1)),
            (range(1, 3), range(2, 5), Some(3)),
            (range(1, 2), range(2, 3), Some(2)),
            (range(1, 1), range(2, 3), None),
            (range(4, 6), range(2, 3), None),
            (range(0, u16::MAX), range(7, 7), Some(7)),
            // Not a range: it meets nothing.
            (range(1, 3), range(3, 2), None),
        ] {
            assert_eq!((ours.meet(theirs), theirs.meet(ours)), (common, common), "{ours} and {theirs}");
        }
    }

    #[test]
    fn versions_that_do_not_meet_are_named_with_the_node_that_is_to_be_updated() {
        let told = apart(range(1, 1), range(2, 3), ("hub", "worker"));
        assert_eq!(
            told,
            "`hub` speaks version 1 of the protocol between nodes, `worker` speaks versions 2 to 3, and they have none in \
             common; update agent-runtime on `hub`"
        );
        assert!(apart(range(2, 3), range(1, 1), ("worker", "hub")).ends_with("update agent-runtime on `hub`"));
    }
}
