//! The age format, version 1 (<https://age-encryption.org/v1>): X25519 for those who hold a key file, scrypt for a passphrase.
//! What is written here is read by the tool `age`, and the other way round. The ciphers are `ring`'s.
//!
//! | what | for |
//! |---|---|
//! | [`Encrypt`], [`Lock`] | writing an encrypted file, piece by piece, in constant memory |
//! | [`Decrypt`], [`Key`] | reading one; no byte is given that was not verified |
//! | [`Identity`] | a key of one's own, as `age-keygen` makes it |
//!
//! Invariants: no key and no passphrase is ever shown, neither by `Debug` nor in an error; what was one in memory is
//! overwritten when it goes. Nothing here opens a file.

mod header;
mod keys;
mod stream;

pub use header::HEADER_BYTES_MAX;
pub use keys::{Identity, Key, KeyError, Lock};
pub use stream::{Decrypt, Encrypt, PIECE_BYTES, TAG_BYTES};

use zeroize::Zeroizing;

/// How an encrypted file begins.
const VERSION: &str = "age-encryption.org/v1";

/// Whether a file that begins so is encrypted.
#[must_use]
pub fn is_encrypted(begin: &[u8]) -> bool {
    begin.starts_with(VERSION.as_bytes())
}

/// 32 bytes from a secret (HKDF-SHA-256).
fn derived(secret: &[u8], salt: &[u8], info: &[u8]) -> std::io::Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let salt = ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, salt);
    let okm = salt.extract(secret).expand(&[info], ring::hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut *key));
    okm.map(|()| key).map_err(|_| std::io::Error::other("no key could be derived"))
}

/// Fills bytes by chance.
fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes);
    filled.map(|()| bytes).map_err(|_| std::io::Error::other("the operating system gives no random bytes"))
}

#[cfg(test)]
mod tests;
