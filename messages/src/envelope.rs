//! What goes around a message when it crosses to another node.

use serde::{Deserialize, Serialize};

use crate::{Address, Trace};

/// The head of an envelope; the message's own bytes follow it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// What the receiver gave out for this link; an envelope with another is refused.
    pub token: [u8; 16],
    /// To whom.
    pub to: Address,
    /// From which actor, where it is one.
    pub from: Option<Address>,
    /// What it belongs to, for logs and spans.
    pub trace: Option<Trace>,
    /// After so many milliseconds nobody waits for the answer any more.
    pub deadline_ms: u32,
    /// What is wanted.
    pub kind: Kind,
    /// The bytes have come in parts before, and are these.
    pub whole: Option<Whole>,
}

/// Something larger than an envelope, which goes in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// By which its parts are named, on one link and in one direction.
    pub id: u64,
    /// How many bytes it has.
    pub length: u32,
    /// Their hash.
    pub sha256: [u8; 32],
}

/// What an envelope wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// To know that the node lives; it is not handed to anyone.
    Ping,
    /// That whoever serves the address looks at its rows. It has no bytes.
    Wake,
    /// That a date of the address has come. Its bytes are the date's name.
    Due,
    /// That the bytes are kept as a part of something larger: its id and the part's number, big-endian, stand before them.
    Put,
    /// A part of an answer: its id and the part's number, big-endian.
    Part,
    /// An answer to the bytes, a message of the address's protocol in its wire form.
    Ask,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another version reads these: what changes here needs a new version of the protocol between nodes.
    #[test]
    fn a_head_has_these_bytes() {
        let to = Address::parse("ws/a").unwrap();
        let head = Head { token: [7; 16], to, from: None, trace: None, deadline_ms: 300, kind: Kind::Ask, whole: None };
        let bytes = postcard::to_stdvec(&head).unwrap();
        assert_eq!(bytes, [&[7; 16][..], &[4], b"ws/a", &[0, 0, 0xac, 0x02, 5, 0]].concat());
        let whole = Some(Whole { id: 1, length: 2, sha256: [3; 32] });
        let bytes = postcard::to_stdvec(&Head { kind: Kind::Due, whole, ..head }).unwrap();
        assert_eq!(bytes[23..], [&[0xac, 0x02, 2, 1, 1, 2][..], &[3; 32]].concat());
    }

    #[test]
    fn kinds_keep_their_numbers() {
        let number = |kind: Kind| postcard::to_stdvec(&kind).unwrap()[0];
        let all = [Kind::Ping, Kind::Wake, Kind::Due, Kind::Put, Kind::Part, Kind::Ask];
        assert_eq!(all.map(number), [0, 1, 2, 3, 4, 5]);
    }
}
