//! What is in the file, once it is decrypted.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::SecretsError;

/// The most secrets.
pub const SECRETS_MAX: usize = 128;
/// The longest name.
pub const NAME_CHARS_MAX: usize = 64;
/// The longest value.
pub const VALUE_BYTES_MAX: usize = 16 << 10;
/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

/// A value. It shows as `***` wherever it is printed, and its memory is overwritten when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(Zeroizing<String>);

impl Value {
    /// Takes a value as it was read from a person or a program; one line break at its end is dropped.
    ///
    /// # Errors
    /// [`SecretsError::Value`] when it is empty, too long, no UTF-8, or holds what no key and no certificate holds. It is
    /// not repeated.
    pub fn parse(bytes: &[u8]) -> Result<Self, SecretsError> {
        let text = std::str::from_utf8(bytes).map_err(|_| SecretsError::Value("it is not text (UTF-8)".to_owned()))?;
        let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
        let why = why_no_value(text);
        why.map_or_else(|| Ok(Self(Zeroizing::new(text.to_owned()))), |why| Err(SecretsError::Value(why)))
    }

    /// The value itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

fn why_no_value(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some("it is empty".to_owned());
    }
    if text.len() > VALUE_BYTES_MAX {
        return Some(format!("it is longer than {VALUE_BYTES_MAX} bytes"));
    }
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    text.contains(odd).then(|| "it holds a control character".to_owned())
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The name can be one of a secret. One that can't is not repeated: it may be a value that went astray.
///
/// # Errors
/// [`SecretsError::Name`].
pub fn check_name(name: &str) -> Result<(), SecretsError> {
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let fits = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if begins && fits && name.len() <= NAME_CHARS_MAX { Ok(()) } else { Err(SecretsError::Name) }
}

/// One secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    #[serde(serialize_with = "write", deserialize_with = "read")]
    value: Value,
    set_at: i64,
}

fn write<S: serde::Serializer>(value: &Value, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(value.expose())
}

fn read<'d, D: serde::Deserializer<'d>>(from: D) -> Result<Value, D::Error> {
    Ok(Value(Zeroizing::new(String::deserialize(from)?)))
}

/// All secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, Secret>);

#[derive(Serialize)]
struct Written<'s> {
    version: u32,
    secrets: &'s BTreeMap<String, Secret>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "version")]
    _version: u32,
    secrets: BTreeMap<String, Secret>,
}

/// What every version has.
#[derive(Deserialize)]
struct OfVersion {
    version: u32,
}

/// Why a document is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoDocument {
    /// By its version.
    Newer(u32),
    Damaged(&'static str),
}

impl Secrets {
    /// All names in order, each with the moment at which it was set, in milliseconds since the Unix epoch.
    pub fn names(&self) -> impl Iterator<Item = (&str, i64)> {
        self.0.iter().map(|(name, secret)| (name.as_str(), secret.set_at))
    }

    /// The value of a secret.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|secret| secret.value.expose())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts one in; `true` when it takes the place of another value.
    pub(crate) fn put(&mut self, name: &str, value: Value, set_at: i64) -> Result<bool, SecretsError> {
        check_name(name)?;
        if self.0.len() >= SECRETS_MAX && !self.0.contains_key(name) {
            return Err(SecretsError::Full);
        }
        Ok(self.0.insert(name.to_owned(), Secret { value, set_at }).is_some())
    }

    pub(crate) fn take(&mut self, name: &str) -> Result<(), SecretsError> {
        check_name(name)?;
        self.0.remove(name).map(drop).ok_or_else(|| SecretsError::NoSuch(name.to_owned()))
    }

    /// As JSON, without a copy of it in memory.
    pub(crate) fn write(&self, to: &mut impl std::io::Write) -> std::io::Result<()> {
        serde_json::to_writer(to, &Written { version: VERSION, secrets: &self.0 }).map_err(std::io::Error::from)
    }

    /// What serde says of JSON may hold a part of it, so it is not repeated.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, NoDocument> {
        let damaged = NoDocument::Damaged("what is in it is no store of secrets");
        let Ok(OfVersion { version }) = serde_json::from_slice(bytes) else { return Err(damaged) };
        if version > VERSION {
            return Err(NoDocument::Newer(version));
        }
        let Ok(Read { secrets, .. }) = serde_json::from_slice(bytes) else { return Err(damaged) };
        let legal =
            |(name, of): (&String, &Secret)| check_name(name).is_ok() && why_no_value(of.value.expose()).is_none();
        if version < VERSION || secrets.len() > SECRETS_MAX || !secrets.iter().all(legal) {
            return Err(NoDocument::Damaged("it holds what nobody can have put in"));
        }
        Ok(Self(secrets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Value::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn one_line_break_at_the_end_is_no_part_of_a_value_and_all_else_is() {
        for (given, kept) in [
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a", "a"),
            ("a\n\n", "a\n"),
            (" a ", " a "),
            ("a\nb\n", "a\nb"),
            ("a\r", "a\r"),
        ] {
            assert_eq!(value(given).expose(), kept, "{given:?}");
        }
    }

    #[test]
    fn what_can_be_no_value_is_refused_without_being_repeated() {
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        for wrong in ["", "\n", " \t\n", "canary\0", "canary\u{1b}[0m", long.as_str()] {
            let told = Value::parse(wrong.as_bytes()).unwrap_err().to_string();
            assert!(!told.contains("canary") && told.len() < 100, "{told}");
        }
        assert!(Value::parse(&[b'c', 0xff]).is_err());
        assert_eq!(value(&"x".repeat(VALUE_BYTES_MAX)).expose().len(), VALUE_BYTES_MAX);
        assert_eq!(value(&format!("{}\r\n", "x".repeat(VALUE_BYTES_MAX))).expose().len(), VALUE_BYTES_MAX);
    }

    #[test]
    fn names_are_checked_at_their_edges_and_a_wrong_one_is_not_repeated() {
        for right in ["a", "0", "z-ai-2", "a-", &"a".repeat(NAME_CHARS_MAX)] {
            assert!(check_name(right).is_ok(), "{right}");
        }
        for wrong in ["", "-a", "A", "a_b", "a.b", "sk canary", "ä", &"a".repeat(NAME_CHARS_MAX + 1)] {
            let told = check_name(wrong).unwrap_err().to_string();
            assert!(!told.contains("canary"), "{told}");
        }
    }

    #[test]
    fn there_is_room_for_so_many_and_for_a_new_value_of_each() {
        let mut all = Secrets::default();
        for n in 0..SECRETS_MAX {
            assert!(!all.put(&format!("n{n}"), value("x"), 0).unwrap());
        }
        assert!(matches!(all.put("more", value("x"), 0), Err(SecretsError::Full)));
        assert!(all.put("n0", value("y"), 5).unwrap());
        assert_eq!((all.value("n0"), all.names().next()), (Some("y"), Some(("n0", 5))));
        all.take("n0").unwrap();
        assert!(matches!(all.take("n0"), Err(SecretsError::NoSuch(_))));
    }

    #[test]
    fn no_value_is_shown() {
        let mut all = Secrets::default();
        all.put("a", value("canary"), 7).unwrap();
        assert!(!format!("{all:?} {:?}", value("canary")).contains("canary"));
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let mut all = Secrets::default();
        all.put("a", value("x\"\n\\"), 7).unwrap();
        let mut text = Vec::new();
        all.write(&mut text).unwrap();
        assert_eq!(text, br#"{"version":1,"secrets":{"a":{"value":"x\"\n\\","set_at":7}}}"#);
        assert_eq!(Secrets::read(&text).unwrap(), all);
        for (text, why) in [
            ("", "no store"),
            ("{}", "no store"),
            (r#"{"version":1}"#, "no store"),
            (r#"{"version":1,"secrets":{},"more":1}"#, "no store"),
            (r#"{"version":1,"secrets":{"a":{"value":"x"}}}"#, "no store"),
            (r#"{"version":1,"secrets":{"A":{"value":"x","set_at":1}}}"#, "nobody"),
            (r#"{"version":1,"secrets":{"a":{"value":"","set_at":1}}}"#, "nobody"),
            (r#"{"version":0,"secrets":{}}"#, "nobody"),
        ] {
            let told = Secrets::read(text.as_bytes()).unwrap_err();
            assert!(matches!(told, NoDocument::Damaged(words) if words.contains(why)), "{text}: {told:?}");
        }
        assert_eq!(Secrets::read(br#"{"version":2,"new":true}"#), Err(NoDocument::Newer(2)));
    }
}
