//! Names: of a node, and those by which its host is reached.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The longest name of a node in bytes: a label of DNS.
pub const NODE_NAME_BYTES_MAX: usize = 63;
/// The most names and addresses of hosts in a certificate.
pub const ALT_NAMES_MAX: usize = 16;
/// The longest name of DNS and the longest label of one, in bytes.
const DNS_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;
/// What the URI of each node begins with.
const URI_BEGIN: &str = "spiffe://agent-runtime/";

/// The name of a node: 1 to 63 of `a-z`, `0-9` and `-`, of which `-` is not the first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(String);

impl NodeName {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URI by which certificates name the node.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("{URI_BEGIN}{}", self.0)
    }

    /// The node of a URI.
    pub(crate) fn of_uri(uri: &str) -> Option<Self> {
        uri.strip_prefix(URI_BEGIN)?.parse().ok()
    }
}

impl FromStr for NodeName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let length_fits = (1..=NODE_NAME_BYTES_MAX).contains(&text.len());
        if !length_fits || text.starts_with('-') || !text.chars().all(is_allowed) {
            return Err(Error::Invalid(format!(
                "`{}` is no name of a node: 1 to {NODE_NAME_BYTES_MAX} of a-z, 0-9 and -, beginning with a letter or digit",
                shown(text)
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for NodeName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> Self {
        name.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name or address by which a host is reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AltName {
    /// A name of DNS in lower case, without wildcards.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

impl FromStr for AltName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        let name = text.to_ascii_lowercase();
        if !is_dns(&name) {
            return Err(Error::Invalid(format!("`{}` is neither a name of DNS nor an IP address", shown(text))));
        }
        Ok(Self::Dns(name))
    }
}

fn is_dns(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(is_allowed)
    };
    // What ends in a number would be an address, and is none.
    let is_number = |label: &str| label.chars().all(|c| c.is_ascii_digit());
    name.len() <= DNS_BYTES_MAX && name.split('.').all(is_label) && !name.rsplit('.').next().is_some_and(is_number)
}

impl TryFrom<String> for AltName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<AltName> for String {
    fn from(name: AltName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for AltName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// Foreign words in an error: short, and without what a terminal would obey.
pub(crate) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    text.chars().take(CHARS_MAX).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_node_has_its_limits() {
        let longest = "a".repeat(NODE_NAME_BYTES_MAX);
        for good in ["a", "0", "hub", "worker-1", "a-", longest.as_str()] {
            let name: NodeName = good.parse().unwrap();
            assert_eq!(NodeName::of_uri(&name.uri()), Some(name));
        }
        let too_long = "a".repeat(NODE_NAME_BYTES_MAX + 1);
        for bad in ["", "-a", "A", "a b", "a.b", "a_b", "ä", "a/b", "a\0", too_long.as_str()] {
            assert!(bad.parse::<NodeName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_uri_of_another_form_names_no_node() {
        for bad in [
            "spiffe://agent-runtime/",
            "spiffe://agent-runtime/a/b",
            "spiffe://agent-runtime/a?b",
            "spiffe://other/a",
            "SPIFFE://agent-runtime/a",
            "https://agent-runtime/a",
        ] {
            assert_eq!(NodeName::of_uri(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_name_of_a_host_is_one_of_dns_or_an_address() {
        for (text, read) in [
            ("Hub.Example.org", "hub.example.org"),
            ("localhost", "localhost"),
            ("10.0.0.1", "10.0.0.1"),
            ("::1", "::1"),
            ("a-1.b", "a-1.b"),
        ] {
            assert_eq!(text.parse::<AltName>().unwrap().to_string(), read);
        }
        let (label, name) = ("a".repeat(64), vec!["a".repeat(63); 4].join("."));
        for bad in ["", "*.a", "a..b", "-a", "a-", "a_b", "1.2.3", "1.2.3.400", "a b", "a:1", &label, &name] {
            assert!(bad.parse::<AltName>().is_err(), "{bad}");
        }
        assert!(name[..253].trim_end_matches('.').parse::<AltName>().is_ok());
    }

    #[test]
    fn an_error_says_no_more_than_a_line_of_foreign_words() {
        assert_eq!(shown("a\x1b[31m\n"), "a?[31m?");
        assert_eq!(shown(&"x".repeat(1_000)).len(), 80);
    }
}
