//! Who may read a file: recipients, key files, passphrases.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::random;

const RECIPIENT: &str = "age1";
const IDENTITY: &str = "AGE-SECRET-KEY-1";
/// The same as bech32 calls it.
const SECRET_KIND: &str = "age-secret-key-";
const ONLY_ENCRYPTS: &str = "a recipient, which can only encrypt; give the file of its secret key";
/// An identity in words.
const IDENTITY_CHARS: usize = 74;
/// A passphrase of fewer characters is refused.
const PASSPHRASE_CHARS_MIN: usize = 12;
/// The most recipients of one file.
const RECIPIENTS_MAX: usize = 16;

/// What a file is encrypted for.
pub enum Lock {
    /// Each of them can read it.
    Recipients(Vec<PublicKey>),
    /// Who knows it can read it.
    Passphrase(Zeroizing<String>),
}

/// What a file is read with.
pub enum Key {
    /// Each of them is tried.
    Identities(Vec<StaticSecret>),
    /// As it was encrypted with.
    Passphrase(Zeroizing<String>),
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

/// A key of one's own: what `age-keygen` makes.
#[derive(Clone)]
pub struct Identity(StaticSecret);

impl Identity {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> std::io::Result<Self> {
        Ok(Self(StaticSecret::from(random::<32>()?)))
    }

    /// Reads those of a key file, in its order. Lines that are empty or begin with `#` are none.
    ///
    /// # Errors
    /// [`KeyError`], also when there is none.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, KeyError> {
        if lines(text).any(|(_, line)| line.starts_with(RECIPIENT)) {
            return Err(KeyError::Holds(ONLY_ENCRYPTS));
        }
        let found = lines(text).map(|(n, line)| identity(n, line).map(Self)).collect::<Result<Vec<_>, _>>()?;
        if found.is_empty() { Err(KeyError::Holds("no key of age")) } else { Ok(found) }
    }

    /// As it stands in a key file.
    ///
    /// # Errors
    /// None that is known of.
    pub fn in_words(&self) -> std::io::Result<Zeroizing<String>> {
        let failed = || std::io::Error::other("no key could be written down");
        let kind = Hrp::parse(SECRET_KIND).map_err(|_| failed())?;
        // As long as it gets, so that no copy is left behind where it grew.
        let mut words = Zeroizing::new(String::with_capacity(IDENTITY_CHARS));
        bech32::encode_upper_to_fmt::<Bech32, _>(&mut *words, kind, self.0.as_bytes()).map_err(|_| failed())?;
        Ok(words)
    }

    /// What encrypts for it.
    #[must_use]
    pub fn lock(&self) -> Lock {
        Lock::Recipients(vec![PublicKey::from(&self.0)])
    }

    /// What reads what was encrypted for it.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::Identities(vec![self.0.clone()])
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
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
            return Err(KeyError::Holds(ONLY_ENCRYPTS));
        }
        lines(text).map(|(n, line)| identity(n, line)).collect::<Result<Vec<_>, _>>().map(Self::Identities)
    }
}

/// The passphrase, when there is no key of age in the text.
fn passphrase(text: &str) -> Result<Option<Zeroizing<String>>, KeyError> {
    if lines(text).any(|(_, line)| line.starts_with(RECIPIENT) || line.starts_with(IDENTITY)) {
        return Ok(None);
    }
    let first = text.lines().next().unwrap_or_default().trim_end();
    if first.chars().count() < PASSPHRASE_CHARS_MIN {
        return Err(KeyError::Holds("no key of age, and a passphrase of fewer than 12 characters"));
    }
    Ok(Some(Zeroizing::new(first.to_owned())))
}

/// Lines that are no comments, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(str::trim).enumerate();
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(n, line)| (n + 1, line))
}

fn identity(n: usize, line: &str) -> Result<StaticSecret, KeyError> {
    decoded(n, line, SECRET_KIND).map(StaticSecret::from)
}

fn decoded(n: usize, line: &str, kind: &str) -> Result<[u8; 32], KeyError> {
    let checked = CheckedHrpstring::new::<Bech32>(line).map_err(|_| KeyError::Line(n, "a character is wrong"))?;
    let is_kind = Hrp::parse(kind).is_ok_and(|wanted| checked.hrp() == wanted);
    if !is_kind {
        return Err(KeyError::Line(n, "it is of another kind"));
    }
    // By hand: a vector would be left behind in memory.
    let mut bytes = [0; 32];
    if checked.byte_iter().count() != bytes.len() {
        return Err(KeyError::Line(n, "it is of another length"));
    }
    bytes.iter_mut().zip(checked.byte_iter()).for_each(|(to, from)| *to = from);
    Ok(bytes)
}
