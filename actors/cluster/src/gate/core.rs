//! What may pass. Pure: a frame and what came before it, and what becomes of it.
//!
//! ractor_cluster lets an authenticated peer say anything to any remotable actor, claim any name, fill process groups and
//! have actors made by the thousand. This passes its handshake under the one name that the certificate bears, pings,
//! replies of the peer's region, calls to ours, and nothing else; and it stamps each call with the link it came by, which
//! the receiver is not told otherwise.

use super::protobuf::{Bad, Fields, Value, put_bytes, put_number, put_varint};
use crate::limits::{HANDSHAKE_FRAMES_MAX, SMALL_FRAME_BYTES_MAX};

/// What becomes of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// It goes on as it is.
    Pass,
    /// It goes on with these bytes behind it.
    Append(Vec<u8>),
    /// This goes on in its place.
    Replace(Vec<u8>),
    /// It ends here: it harms nothing, and means nothing to us.
    Drop,
    /// The link is closed.
    Close(&'static str),
}

/// One link as the gate sees it.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The name under which the peer's ractor must speak, by its certificate.
    pub(crate) peer: String,
    /// Our region.
    pub(crate) ours: u64,
    /// The peer's region.
    pub(crate) theirs: u64,
    /// What goes behind each call: a second `node { call { metadata } }`, which readers of protobuf merge into the first.
    stamp: Vec<u8>,
    handshakes: u32,
    spawned: bool,
    ready: bool,
}

// Fields of ractor_cluster's `NetworkMessage`, and of the messages in it (its `protocol/*.proto`).
const AUTH: u32 = 1;
const NODE: u32 = 2;
const CONTROL: u32 = 3;
const AUTH_NAME: u32 = 1;
const AUTH_CHALLENGE: u32 = 4;
const AUTH_LAST: u32 = 6;
const NODE_CALL: u32 = 2;
const NODE_REPLY: u32 = 3;
const CALL_TO: u32 = 1;
const CALL_METADATA: u32 = 6;
const CONTROL_SPAWN: u32 = 1;
const CONTROL_TERMINATE: u32 = 2;
const CONTROL_PING: u32 = 3;
const CONTROL_PONG: u32 = 4;
const CONTROL_READY: u32 = 9;

impl Gate {
    pub(crate) fn new(peer: String, ours: u64, theirs: u64, stamp: u64) -> Self {
        Self { peer, ours, theirs, stamp: stamped(stamp), handshakes: 0, spawned: false, ready: false }
    }

    /// Judges the next frame, without its length.
    pub(crate) fn judge(&mut self, frame: &[u8]) -> Judged {
        self.weigh(frame).unwrap_or(Judged::Close("a frame that is not canonical"))
    }

    fn weigh(&mut self, frame: &[u8]) -> Result<Judged, Bad> {
        let (of, message) = Fields::new(frame).only()?;
        let (kind, body) = Fields::new(message).only()?;
        match of {
            NODE => self.node(kind, body),
            AUTH | CONTROL if frame.len() > SMALL_FRAME_BYTES_MAX => {
                Ok(Judged::Close("a frame of control is too large"))
            }
            AUTH => self.auth(kind, body),
            CONTROL => self.control(kind, body),
            _ => Err(Bad),
        }
    }

    fn auth(&mut self, kind: u32, body: &[u8]) -> Result<Judged, Bad> {
        self.handshakes += 1;
        if self.handshakes > HANDSHAKE_FRAMES_MAX {
            return Ok(Judged::Close("a handshake that does not end"));
        }
        if (kind == AUTH_NAME || kind == AUTH_CHALLENGE) && !self.is_named(body)? {
            return Ok(Judged::Close("another name than the certificate's"));
        }
        if kind > AUTH_LAST { Err(Bad) } else { Ok(Judged::Pass) }
    }

    /// Name and challenge both hold the name in their first field.
    fn is_named(&self, body: &[u8]) -> Result<bool, Bad> {
        let name = Fields::new(body).ascending()?.into_iter().find(|(field, _)| *field == 1);
        Ok(name.ok_or(Bad)?.1.bytes()? == self.peer.as_bytes())
    }

    fn node(&self, kind: u32, body: &[u8]) -> Result<Judged, Bad> {
        let fields = Fields::new(body).ascending()?;
        let to = match fields.first() {
            Some((CALL_TO, to)) => to.number()?,
            _ => 0,
        };
        match kind {
            NODE_REPLY if to == self.theirs => Ok(Judged::Pass),
            NODE_REPLY => Ok(Judged::Close("a reply of another actor than its region")),
            NODE_CALL if to != self.ours => Ok(Judged::Close("a call to another actor than the region")),
            NODE_CALL if fields.iter().any(|(field, _)| *field >= CALL_METADATA) => {
                Ok(Judged::Close("a call with a stamp of its own"))
            }
            NODE_CALL => Ok(Judged::Append(self.stamp.clone())),
            _ => Ok(Judged::Close("a message that is neither a call nor a reply")),
        }
    }

    fn control(&mut self, kind: u32, body: &[u8]) -> Result<Judged, Bad> {
        match kind {
            CONTROL_PING | CONTROL_PONG => Ok(Judged::Pass),
            CONTROL_READY if self.ready => Ok(Judged::Close("ready for the second time")),
            CONTROL_READY => {
                self.ready = true;
                Ok(Judged::Pass)
            }
            CONTROL_SPAWN => self.spawn(body),
            CONTROL_TERMINATE if self.names_region(body)? => Ok(Judged::Close("its region has ended")),
            // Process groups, lists of other nodes, the end of actors that we have never known.
            _ => Ok(Judged::Drop),
        }
    }

    /// Of all the actors that a peer shows, its region is made here, once and without a name: a name would take the place
    /// of one of ours.
    fn spawn(&mut self, body: &[u8]) -> Result<Judged, Bad> {
        let mut fields = Fields::new(body);
        let mut shown = false;
        while let Some((_, actor)) = fields.next()? {
            // The pid is the first field; 0, as all defaults, is left out.
            let pid = match Fields::new(actor.bytes()?).next()? {
                Some((1, Value::Number(pid))) => pid,
                _ => 0,
            };
            shown |= pid == self.theirs;
        }
        if !shown || self.spawned {
            return Ok(Judged::Drop);
        }
        self.spawned = true;
        let (mut actor, mut spawn, mut control, mut frame) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        put_number(&mut actor, 1, self.theirs);
        put_bytes(&mut spawn, 1, &actor);
        put_bytes(&mut control, CONTROL_SPAWN, &spawn);
        put_bytes(&mut frame, CONTROL, &control);
        Ok(Judged::Replace(frame))
    }

    fn names_region(&self, body: &[u8]) -> Result<bool, Bad> {
        let mut theirs = Vec::new();
        put_varint(&mut theirs, self.theirs);
        let mut fields = Fields::new(body);
        let mut found = false;
        while let Some((_, ids)) = fields.next()? {
            found |= match ids {
                Value::Number(id) => id == self.theirs,
                // Packed: one after the other, without anything between them.
                Value::Bytes(packed) => packed.windows(theirs.len()).any(|window| window == theirs),
            };
        }
        Ok(found)
    }
}

/// The bytes that stamp a call with the number of its link.
fn stamped(link: u64) -> Vec<u8> {
    let nest = |field, bytes: &[u8]| {
        let mut out = Vec::with_capacity(bytes.len() + 2);
        put_bytes(&mut out, field, bytes);
        out
    };
    nest(NODE, &nest(NODE_CALL, &nest(CALL_METADATA, &link.to_be_bytes())))
}
