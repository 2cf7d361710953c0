//! Ids and moments: an inbound event, a trace, a slug.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Milliseconds since the Unix epoch, as the node's clock gave them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub i64);

impl Moment {
    /// This moment, `ms` milliseconds later (earlier when negative), without overflow.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// How many milliseconds have passed since `earlier`; 0 when the clock was set back meanwhile.
    #[must_use]
    pub fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).max(0)
    }
}

/// The id that people see of an inbound event, and of the turn that comes of it: `in_` and 16 characters.
///
/// It is derived from the connector and the platform's own event id, so that the same event has the same id however
/// often it arrives, and it says nothing about how many events there are. Any unique prefix of at least
/// [`InboundId::PREFIX_MIN`] characters finds it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InboundId(String);

const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl InboundId {
    /// The fewest characters after `in_` by which a person may name an event.
    pub const PREFIX_MIN: usize = 4;

    /// The id of `event` as `connector` numbers its events: 80 bits of SHA-256, Crockford base 32.
    #[must_use]
    pub fn of(connector: &str, event: &str) -> Self {
        Self(format!("in_{}", derived(connector, event)))
    }

    /// An id that was read from the store.
    #[must_use]
    pub fn from_row(text: String) -> Self {
        Self(text)
    }

    /// The whole text, `in_…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads what a person typed as the beginning of an id; `in_` may be left out.
    ///
    /// # Errors
    /// One sentence that says what to type, when it is too short or not of the id's alphabet.
    pub fn prefix(typed: &str) -> Result<String, String> {
        prefix("in_", typed)
    }
}

/// 16 characters for a pair of names: 80 bits of SHA-256, Crockford base 32.
pub(crate) fn derived(of: &str, key: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(of.as_bytes());
    hash.update([0]);
    hash.update(key.as_bytes());
    base32(&hash.finalize(), 16)
}

/// Reads what a person typed as the beginning of an id that begins with `mark`, which may be left out.
pub(crate) fn prefix(mark: &str, typed: &str) -> Result<String, String> {
    let (typed, min) = (typed.trim().to_ascii_lowercase(), InboundId::PREFIX_MIN);
    let bare = typed.strip_prefix(mark).unwrap_or(&typed);
    if bare.len() < min {
        return Err(format!("`{typed}` is too short for an id; give at least {min} characters after {mark}"));
    }
    if bare.len() > 16 || !bare.bytes().all(|b| CROCKFORD.contains(&b)) {
        let shown: String = typed.chars().take(40).collect();
        return Err(format!("`{shown}` is not an id; ids look like {mark}4k2v9m0x"));
    }
    Ok(format!("{mark}{bare}"))
}

fn base32(bytes: &[u8], characters: usize) -> String {
    let mut out = String::with_capacity(characters);
    let (mut buffer, mut bits) = (0u32, 0u32);
    for byte in bytes.iter().take((characters * 5).div_ceil(8)) {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 && out.len() < characters {
            bits -= 5;
            let index = ((buffer >> bits) & 31) as usize;
            out.push(char::from(CROCKFORD.get(index).copied().unwrap_or(b'0')));
        }
        buffer &= (1 << bits) - 1;
    }
    out
}

impl fmt::Display for InboundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for InboundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What follows one message through all actors: 16 hexadecimal characters, the same in logs, rows and audit.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trace(pub String);

impl Trace {
    /// The trace of an inbound event: the same event has the same trace, so a redelivery is found with its first.
    #[must_use]
    pub fn of(id: &InboundId) -> Self {
        let digest = Sha256::digest(id.as_str().as_bytes());
        Self(digest.iter().take(8).map(|b| format!("{b:02x}")).collect())
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A stable name for a workspace or a context: 1 to 64 of `a-z 0-9 - _`, beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// Why a text is not a [`Slug`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` can't be a name: use 1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit")]
pub struct BadSlug(pub String);

impl Slug {
    /// The most characters of a slug.
    pub const CHARS_MAX: usize = 64;

    /// Reads a slug as it is; nothing is changed or cut.
    ///
    /// # Errors
    /// [`BadSlug`] with the text, cut to 80 characters.
    pub fn parse(text: &str) -> Result<Self, BadSlug> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if begins && text.len() <= Self::CHARS_MAX && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadSlug(text.chars().take(80).collect()))
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Slug {
    type Err = BadSlug;
    fn from_str(text: &str) -> Result<Self, BadSlug> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Slug {
    type Error = BadSlug;
    fn try_from(text: String) -> Result<Self, BadSlug> {
        Self::parse(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_event_has_the_same_id_and_another_connector_another() {
        let id = InboundId::of("console", "s1:1");
        assert_eq!(id, InboundId::of("console", "s1:1"));
        assert_ne!(id, InboundId::of("telegram", "s1:1"));
        assert_eq!(id.as_str().len(), 19);
        assert_ne!(InboundId::of("a", "bc"), InboundId::of("ab", "c"));
    }

    #[test]
    fn an_id_is_found_by_a_prefix_of_four_characters() {
        assert_eq!(InboundId::prefix("4K2v").unwrap(), "in_4k2v");
        assert_eq!(InboundId::prefix("in_4k2v").unwrap(), "in_4k2v");
        assert!(InboundId::prefix("in_4k2").unwrap_err().contains("too short"));
        assert!(InboundId::prefix("hello%").unwrap_err().contains("is not an id"));
    }

    #[test]
    fn slugs_are_checked_at_their_edges() {
        assert!(Slug::parse(&"a".repeat(64)).is_ok());
        for bad in ["", "-a", "A", "a b", "a/b", "..", "ä", &"a".repeat(65)] {
            assert!(Slug::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn time_never_runs_backwards_in_a_difference() {
        assert_eq!(Moment(5).ms_since(Moment(9)), 0);
        assert_eq!(Moment(i64::MAX).plus_ms(1), Moment(i64::MAX));
    }
}
