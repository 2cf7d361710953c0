//! SHA-256 of bytes on their way to a file, to compare with what is in it.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

use crate::manifest::hex;

/// Hashes what is written through it.
pub struct Hashed<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Hashed<W> {
    /// In front of `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// What was written to, and the hash of all of it, hexadecimal.
    pub fn finish(self) -> (W, String) {
        (self.inner, hex(&self.hash.finalize()))
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The hash of all that can be read, hexadecimal.
///
/// # Errors
/// What `input` says.
pub fn hash_of(input: &mut impl Read) -> io::Result<String> {
    let mut hashed = Hashed::new(io::sink());
    io::copy(input, &mut hashed)?;
    Ok(hashed.finish().1)
}
