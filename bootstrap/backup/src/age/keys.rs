//! Who may read a file: recipients, key files, passphrases.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use x25519_dalek::{PublicKey, StaticSecret};

const RECIPIENT: &str = "age1";
const IDENTITY: &str = "AGE-SECRET-KEY-1";
/// A passphrase of fewer characters is refused.
const PASSPHRASE_CHARS_MIN: usize = 12;
/// The most recipients of one file.
const RECIPIENTS_MAX: usize = 16;

/// What a file is encrypted for.
pub enum Lock {
    /// Each of them can read it.
    Recipients(Vec<PublicKey>),
    /// Who knows it can read it.
    Passphrase(String),
}

/// What a file is read with.
pub enum Key {
    /// Each of them is tried.
    Identities(Vec<StaticSecret>),
    /// As it was encrypted with.
    Passphrase(String),
}

/// Why a key can't be used. It does not repeat the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A line is no key.
    #[error("line {0} is no key of age: {1}")]
    Line(usize, &'static str),
    /// It holds nothing that can be used.
    #[error("it holds {0}")]
    Holds(&'static str),
}

impl Lock {
    /// Reads what a key file holds, or a recipient: recipients (`age1…`), key files (`AGE-SECRET-KEY-1…`, whose recipients
    /// they are), else a passphrase in its first line.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if let Some(passphrase) = passphrase(text)? {
            return Ok(Self::Passphrase(passphrase));
        }
        let recipients = lines(text).map(|(n, line)| match line.strip_prefix(RECIPIENT) {
            Some(_) => decoded(n, line, "age").map(PublicKey::from),
            None => Ok(PublicKey::from(&identity(n, line)?)),
        });
        let recipients = recipients.collect::<Result<Vec<_>, _>>()?;
        if recipients.len() > RECIPIENTS_MAX {
            return Err(KeyError::Holds("more than 16 recipients"));
        }
        Ok(Self::Recipients(recipients))
    }
}

impl Key {
    /// Reads what a key file holds: identities (`AGE-SECRET-KEY-1…`), else a passphrase in its first line.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if let Some(passphrase) = passphrase(text)? {
            return Ok(Self::Passphrase(passphrase));
        }
        if lines(text).any(|(_, line)| line.starts_with(RECIPIENT)) {
            return Err(KeyError::Holds("a recipient, which can only encrypt; give the file of its secret key"));
        }
        lines(text).map(|(n, line)| identity(n, line)).collect::<Result<Vec<_>, _>>().map(Self::Identities)
    }
}

/// The passphrase, when there is no key of age in the text.
fn passphrase(text: &str) -> Result<Option<String>, KeyError> {
    if lines(text).any(|(_, line)| line.starts_with(RECIPIENT) || line.starts_with(IDENTITY)) {
        return Ok(None);
    }
    let first = text.lines().next().unwrap_or_default().trim_end();
    if first.chars().count() < PASSPHRASE_CHARS_MIN {
        return Err(KeyError::Holds("no key of age, and a passphrase of fewer than 12 characters"));
    }
    Ok(Some(first.to_owned()))
}

/// Lines that are no comments, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(str::trim).enumerate();
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(n, line)| (n + 1, line))
}

fn identity(n: usize, line: &str) -> Result<StaticSecret, KeyError> {
    decoded(n, line, "age-secret-key-").map(StaticSecret::from)
}

fn decoded(n: usize, line: &str, kind: &str) -> Result<[u8; 32], KeyError> {
    let checked = CheckedHrpstring::new::<Bech32>(line).map_err(|_| KeyError::Line(n, "a character is wrong"))?;
    let is_kind = Hrp::parse(kind).is_ok_and(|wanted| checked.hrp() == wanted);
    if !is_kind {
        return Err(KeyError::Line(n, "it is of another kind"));
    }
    let bytes: Vec<u8> = checked.byte_iter().collect();
    bytes.try_into().map_err(|_| KeyError::Line(n, "it is of another length"))
}
