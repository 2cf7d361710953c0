//! Where an actor is: a path such as `ws/acme/context/general`.
//!
//! The address is what the store, the logs, the audit and the terminal show; it is never an actor reference. It says
//! nothing about the node that serves it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::Slug;

/// The longest address in bytes. Long enough for a workspace, a kind and a platform's chat id; short enough for a key.
pub const ADDRESS_BYTES_MAX: usize = 256;

/// A path of one to eight segments, cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(Arc<str>);

/// Why a text is not an [`Address`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address: {why}")]
pub struct BadAddress {
    /// The text as it came, cut to 64 characters.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// [`BadAddress`] when it is empty, longer than [`ADDRESS_BYTES_MAX`], has an empty segment, or holds a control
    /// character or white space.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let bad = |why| Err(BadAddress { text: text.chars().take(64).collect(), why });
        if text.is_empty() {
            return bad("it is empty");
        }
        if text.len() > ADDRESS_BYTES_MAX {
            return bad("it is longer than 256 bytes");
        }
        if text.split('/').any(str::is_empty) {
            return bad("it has an empty segment");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return bad("it holds white space or a control character");
        }
        Ok(Self(text.into()))
    }

    /// The one actor of its name on a node: `node`, `store`, `models`, `connector/console`.
    ///
    /// `name` is a constant of the program.
    #[must_use]
    pub fn fixed(name: &'static str) -> Self {
        Self(name.into())
    }

    /// `ws/<workspace>`.
    #[must_use]
    pub fn workspace(workspace: &Slug) -> Self {
        Self(format!("ws/{workspace}").into())
    }

    /// `ws/<workspace>/index`.
    #[must_use]
    pub fn index(workspace: &Slug) -> Self {
        Self(format!("ws/{workspace}/index").into())
    }

    /// `ws/<workspace>/context/<slug>`.
    #[must_use]
    pub fn context(workspace: &Slug, slug: &Slug) -> Self {
        Self(format!("ws/{workspace}/context/{slug}").into())
    }

    /// `ws/<workspace>/memory/<slug>`: what the context of this name keeps of its conversation.
    #[must_use]
    pub fn memory(workspace: &Slug, slug: &Slug) -> Self {
        Self(format!("ws/{workspace}/memory/{slug}").into())
    }

    /// `ws/<workspace>/workspace`: the actor that owns the slots of its tasks.
    #[must_use]
    pub fn of_workspace(workspace: &Slug) -> Self {
        Self(format!("ws/{workspace}/workspace").into())
    }

    /// `ws/<workspace>/task/<id>`.
    #[must_use]
    pub fn task(workspace: &Slug, task: &crate::TaskId) -> Self {
        Self(format!("ws/{workspace}/task/{task}").into())
    }

    /// `connector/<connector>/chat/<chat>`: the lane by which replies leave for one chat, one at a time.
    ///
    /// # Errors
    /// [`BadAddress`] when the chat's id can't be part of an address.
    pub fn lane(chat: &crate::turn::Chat) -> Result<Self, BadAddress> {
        Self::parse(&format!("connector/{}/chat/{}", chat.connector, chat.chat))
    }

    /// The chat of a lane's address: the way back from [`Address::lane`]. `None` when it is no lane's.
    #[must_use]
    pub fn chat_of_lane(&self) -> Option<crate::turn::Chat> {
        let (connector, chat) = self.0.strip_prefix("connector/")?.split_once("/chat/")?;
        Some(crate::turn::Chat { connector: connector.to_owned(), chat: chat.to_owned() })
    }

    /// This address with one more segment.
    #[must_use]
    pub fn child(&self, segment: &str) -> Self {
        Self(format!("{}/{segment}", self.0).into())
    }

    /// The whole path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, front to back.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The workspace of `ws/<workspace>/...`, if it is such an address.
    #[must_use]
    pub fn workspace_of(&self) -> Option<Slug> {
        let mut parts = self.segments();
        (parts.next() == Some("ws")).then(|| parts.next()).flatten().and_then(|s| Slug::parse(s).ok())
    }

    /// Whether it is like `pattern`: `*` stands for one segment, a last `**` for one or more.
    #[must_use]
    pub fn is_like(&self, pattern: &str) -> bool {
        let mut wanted = pattern.split('/').peekable();
        let mut parts = self.segments();
        while let Some(want) = wanted.next() {
            match (want, parts.next()) {
                ("**", Some(_)) if wanted.peek().is_none() => return true,
                ("*", Some(_)) => {}
                (want, Some(part)) if want == part => {}
                _ => return false,
            }
        }
        parts.next().is_none()
    }

    /// The last segment: a context's slug, a workspace's id.
    #[must_use]
    pub fn leaf(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Address {
    type Error = BadAddress;
    fn try_from(text: String) -> Result<Self, BadAddress> {
        Self::parse(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_its_workspace_and_leaf() {
        let home = Slug::parse("home").unwrap();
        let context = Address::context(&home, &Slug::parse("general").unwrap());
        assert_eq!(context.as_str(), "ws/home/context/general");
        assert_eq!(context.workspace_of(), Some(home));
        assert_eq!(context.leaf(), "general");
    }

    #[test]
    fn a_lane_names_its_chat_and_nothing_else_does() {
        let chat = crate::turn::Chat { connector: "console".into(), chat: "home/general".into() };
        assert_eq!(Address::lane(&chat).unwrap().chat_of_lane(), Some(chat));
        assert_eq!(Address::fixed("connector/console").chat_of_lane(), None);
        assert_eq!(Address::fixed("ws/home/context/chat").chat_of_lane(), None);
    }

    #[test]
    fn patterns_take_whole_segments() {
        let is_like = |address: &str, pattern| Address::parse(address).unwrap().is_like(pattern);
        assert!(is_like("ws/home/context/general", "ws/*/context/*"));
        assert!(!is_like("ws/home/context/general/x", "ws/*/context/*"));
        assert!(!is_like("ws/home/index", "ws/*"));
        assert!(is_like("connector/console/chat/home/general", "connector/*/chat/**"));
        assert!(!is_like("connector/console/chat", "connector/*/chat/**"));
    }

    #[test]
    fn bad_addresses_are_refused_with_a_reason() {
        for (text, why) in [
            ("", "it is empty"),
            ("a//b", "it has an empty segment"),
            ("/a", "it has an empty segment"),
            ("a b", "it holds white space or a control character"),
        ] {
            assert_eq!(Address::parse(text).unwrap_err().why, why, "{text:?}");
        }
        assert!(Address::parse(&"a".repeat(ADDRESS_BYTES_MAX)).is_ok());
        assert!(Address::parse(&"a".repeat(ADDRESS_BYTES_MAX + 1)).is_err());
    }
}
