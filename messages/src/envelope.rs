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
    /// An answer to the bytes, a message of the address's protocol in its wire form.
    Ask,
}
