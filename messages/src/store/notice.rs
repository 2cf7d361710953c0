//! Words of the node itself for a chat.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::id::Moment;
use crate::turn::Chat;

/// The name of an event that a notice makes: this, and the notice's number. No connector gives such a name.
pub const NOTICE_EVENT: &str = "notice:";

/// One notice: an event that has ended as noted when it is made, and its one message, pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its number; 1 for the first. Refused unless it is one above the last notice's.
    pub rev: u64,
    /// The context whose log it stands in.
    pub context: Address,
    /// Where it goes.
    pub chat: Chat,
    /// What it says.
    pub text: String,
    /// What has been told with it, JSON; who tells reads it again after a start.
    pub told: String,
    /// When.
    pub at: Moment,
}

impl Notice {
    /// The name of its event.
    #[must_use]
    pub fn event(&self) -> String {
        format!("{NOTICE_EVENT}{}", self.rev)
    }
}

/// How far the node has told what it has to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    /// The last notice's number; 0 when there was none.
    pub rev: u64,
    /// Its [`Notice::told`]; empty when there was none.
    pub told: String,
    /// Messages of the chat that are not delivered yet.
    pub waiting: u64,
}
