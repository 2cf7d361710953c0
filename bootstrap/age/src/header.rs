//! The header: for each recipient the file's key, wrapped; and a code over all of it.

use std::io::{self, BufRead};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::{Key, Lock, TAG_BYTES, VERSION, derived, random};

/// The longest header that is read.
pub const HEADER_BYTES_MAX: u64 = 64 << 10;
/// Twice the logarithm is 64 MB of memory and a part of a second; what another program has chosen is taken up to 256 MB.
const SCRYPT_LOG_N: u8 = 16;
const SCRYPT_LOG_N_MAX: u8 = 18;
const X25519: &str = "X25519";
const SCRYPT: &str = "scrypt";
const END: &str = "---";

/// The key that a file's own keys are derived from.
pub(super) type FileKey = Zeroizing<[u8; 16]>;

/// One wrapped key.
struct Stanza {
    words: Vec<String>,
    body: Vec<u8>,
}

/// A header for a lock, and the key that it wraps.
pub(super) fn make(lock: &Lock) -> io::Result<(String, FileKey)> {
    let key: FileKey = Zeroizing::new(random()?);
    let stanzas = match lock {
        Lock::Recipients(recipients) => {
            recipients.iter().map(|to| for_recipient(to, &key)).collect::<io::Result<_>>()?
        }
        Lock::Passphrase(words) => vec![for_passphrase(words, &key)?],
    };
    let mut header = format!("{VERSION}\n");
    for stanza in stanzas {
        header += &format!("-> {}\n{}\n", stanza.words.join(" "), BASE64.encode(stanza.body));
    }
    header += END;
    let code = hmac::sign(&mac_key(&key)?, header.as_bytes());
    header += &format!(" {}\n", BASE64.encode(code));
    Ok((header, key))
}

/// Reads a header and unwraps the key.
///
/// # Errors
/// `PermissionDenied` when the key is not one that it was encrypted for; `InvalidData` when it is damaged.
pub(super) fn open(input: &mut impl BufRead, key: &Key) -> io::Result<FileKey> {
    let (stanzas, signed, code) = read(input)?;
    let wrong = || io::Error::new(io::ErrorKind::PermissionDenied, "it was not encrypted for this key");
    let mut unwrapped = None;
    for stanza in &stanzas {
        unwrapped = unwrapped.or(unwrap(stanza, stanzas.len(), key)?);
    }
    let file_key = unwrapped.ok_or_else(wrong)?;
    hmac::verify(&mac_key(&file_key)?, &signed, &code).map_err(|_| damaged("its header was changed"))?;
    Ok(file_key)
}

fn mac_key(key: &FileKey) -> io::Result<hmac::Key> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &*derived(&key[..], b"", b"header")?))
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn for_recipient(to: &PublicKey, key: &FileKey) -> io::Result<Stanza> {
    let own = StaticSecret::from(random::<32>()?);
    let share = PublicKey::from(&own);
    let wrapping = x25519_key(&own, to, (&share, to))?;
    Ok(Stanza { words: vec![X25519.to_owned(), BASE64.encode(share.as_bytes())], body: wrap(&wrapping, key)? })
}

/// `salted`: the sender's share and the recipient, in this order on both sides.
fn x25519_key(
    own: &StaticSecret,
    other: &PublicKey,
    salted: (&PublicKey, &PublicKey),
) -> io::Result<Zeroizing<[u8; 32]>> {
    let shared = own.diffie_hellman(other);
    if !shared.was_contributory() {
        return Err(damaged("a key in it is none"));
    }
    let salt = [salted.0.as_bytes().as_slice(), salted.1.as_bytes()].concat();
    derived(shared.as_bytes(), &salt, b"age-encryption.org/v1/X25519")
}

fn for_passphrase(words: &str, key: &FileKey) -> io::Result<Stanza> {
    let salt: [u8; 16] = random()?;
    let wrapping = scrypt_key(words, &salt, SCRYPT_LOG_N)?;
    let words = vec![SCRYPT.to_owned(), BASE64.encode(salt), SCRYPT_LOG_N.to_string()];
    Ok(Stanza { words, body: wrap(&wrapping, key)? })
}

fn scrypt_key(words: &str, salt: &[u8], log_n: u8) -> io::Result<Zeroizing<[u8; 32]>> {
    let salt = [b"age-encryption.org/v1/scrypt".as_slice(), salt].concat();
    let mut key = Zeroizing::new([0; 32]);
    let params = scrypt::Params::new(log_n, 8, 1, 32).map_err(|error| io::Error::other(error.to_string()))?;
    scrypt::scrypt(words.as_bytes(), &salt, &params, &mut *key).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(key)
}

fn cipher(key: &[u8; 32]) -> io::Result<LessSafeKey> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| damaged("no cipher"))?;
    Ok(LessSafeKey::new(key))
}

/// Each wrapping key is used once, so its nonce is zero.
fn wrap(with: &[u8; 32], key: &FileKey) -> io::Result<Vec<u8>> {
    // With room for the tag, so that no copy of the key is left behind where it grew.
    let mut body = Vec::with_capacity(key.len() + TAG_BYTES);
    body.extend_from_slice(&key[..]);
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    let sealed = cipher(with)?.seal_in_place_append_tag(nonce, Aad::empty(), &mut body);
    sealed.map(|()| body).map_err(|_| damaged("no cipher"))
}

/// `None`: it is not for this key.
fn unwrap(stanza: &Stanza, of: usize, key: &Key) -> io::Result<Option<FileKey>> {
    let words: Vec<&str> = stanza.words.iter().map(String::as_str).collect();
    match (words.as_slice(), key) {
        ([X25519, share], Key::Identities(identities)) => {
            let share: [u8; 32] = decoded(share)?.try_into().map_err(|_| damaged("a key in it is cut"))?;
            let share = PublicKey::from(share);
            for own in identities {
                let with = x25519_key(own, &share, (&share, &PublicKey::from(own)))?;
                if let Some(key) = unwrap_by(&with, &stanza.body)? {
                    return Ok(Some(key));
                }
            }
            Ok(None)
        }
        ([SCRYPT, salt, log_n], Key::Passphrase(words)) if of == 1 => {
            let log_n: u8 = log_n.parse().map_err(|_| damaged("its header was changed"))?;
            if !(1..=SCRYPT_LOG_N_MAX).contains(&log_n) {
                return Err(damaged("its passphrase asks for more work than is done (2^18)"));
            }
            unwrap_by(&*scrypt_key(words, &decoded(salt)?, log_n)?, &stanza.body)
        }
        _ => Ok(None),
    }
}

fn unwrap_by(with: &[u8; 32], body: &[u8]) -> io::Result<Option<FileKey>> {
    let mut body = Zeroizing::new(body.to_vec());
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    let opened = cipher(with)?.open_in_place(nonce, Aad::empty(), &mut body);
    Ok(opened.ok().and_then(|key| <[u8; 16]>::try_from(&*key).ok()).map(FileKey::from))
}

fn decoded(text: &str) -> io::Result<Vec<u8>> {
    BASE64.decode(text).map_err(|_| damaged("its header was changed"))
}

/// The stanzas, what the code is over, and the code.
type Parts = (Vec<Stanza>, Vec<u8>, Vec<u8>);

fn read(input: &mut impl BufRead) -> io::Result<Parts> {
    let (mut stanzas, mut signed): (Vec<Stanza>, String) = (Vec::new(), String::new());
    loop {
        let line = line(input, signed.len())?;
        if let Some(code) = line.strip_prefix("--- ") {
            signed += END;
            return Ok((stanzas, signed.into_bytes(), decoded(code)?));
        }
        match (line.strip_prefix("-> "), stanzas.last_mut()) {
            _ if signed.is_empty() && line == VERSION => {}
            (Some(words), _) if !signed.is_empty() => {
                stanzas.push(Stanza { words: words.split(' ').map(str::to_owned).collect(), body: Vec::new() });
            }
            (None, Some(last)) => last.body.extend(decoded(&line)?),
            _ => return Err(damaged("its header was changed")),
        }
        signed = signed + &line + "\n";
    }
}

fn line(input: &mut impl BufRead, before: usize) -> io::Result<String> {
    let left = HEADER_BYTES_MAX.saturating_sub(before as u64);
    let mut bytes = Vec::new();
    io::Read::take(input, left).read_until(b'\n', &mut bytes)?;
    if bytes.pop() != Some(b'\n') {
        return Err(damaged("its header is cut, or too long"));
    }
    String::from_utf8(bytes).map_err(|_| damaged("its header was changed"))
}
