//! The last bytes: a skippable frame of zstd (RFC 8878, 3.1.2) that holds SHA-256 of all bytes before it. Other programs pass
//! over it. Not every bit of a compressed stream changes what comes out of it; the seal is over each of them.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

/// A magic number of a skippable frame, and the length of what it holds.
const HEAD: [u8; 8] = [0x5A, 0x2A, 0x4D, 0x18, 32, 0, 0, 0];
const HASH_BYTES: usize = 32;
/// Bytes of a seal.
pub(crate) const SEAL_BYTES: usize = HEAD.len() + HASH_BYTES;

/// Hashes what goes through it.
pub(crate) struct Sealing<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Sealing<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// Puts the seal behind what was written.
    pub(crate) fn seal(mut self) -> io::Result<W> {
        let hash = self.hash.finalize();
        self.inner.write_all(&HEAD)?;
        self.inner.write_all(&hash)?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Gives what comes before the seal, and holds the seal back.
pub(crate) struct Sealed<R> {
    inner: R,
    hash: Sha256,
    /// The last bytes that were read: none of them is given before it is known that so many follow.
    held: Vec<u8>,
    block: Vec<u8>,
}

/// Bytes that are read at a time.
const BLOCK_BYTES: usize = 64 << 10;

impl<R: Read> Sealed<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), held: Vec::new(), block: vec![0; BLOCK_BYTES] }
    }

    /// Whether the seal fits, once all was read: nothing is between what was given and the end of the file.
    pub(crate) fn verify(mut self) -> io::Result<bool> {
        let mut rest = [0; 4_096];
        let mut left = 0;
        loop {
            match self.read(&mut rest)? {
                0 => break,
                more => left += more,
            }
        }
        let hash = self.hash.finalize();
        let (head, sealed) = self.held.split_at_checked(HEAD.len()).unwrap_or_default();
        Ok(left == 0 && head == HEAD && sealed == hash.as_slice())
    }

    /// Reads until more is held than a seal, or the end.
    fn fill(&mut self) -> io::Result<()> {
        while self.held.len() <= SEAL_BYTES {
            match self.inner.read(&mut self.block) {
                Ok(0) => return Ok(()),
                Ok(read) => self.held.extend_from_slice(self.block.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Sealed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let given = self.held.len().saturating_sub(SEAL_BYTES).min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..given), self.held.get(..given)) {
            to.copy_from_slice(from);
            self.hash.update(from);
        }
        self.held.drain(..given);
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(bytes: &[u8]) -> Vec<u8> {
        let mut sealing = Sealing::new(Vec::new());
        sealing.write_all(bytes).unwrap();
        sealing.seal().unwrap()
    }

    fn opened(bytes: &[u8]) -> (Vec<u8>, bool) {
        let (mut sealed, mut given) = (Sealed::new(bytes), Vec::new());
        sealed.read_to_end(&mut given).unwrap();
        (given, sealed.verify().unwrap())
    }

    #[test]
    fn what_was_sealed_is_given_without_its_seal_and_no_byte_of_it_can_change() {
        for length in [0, 1, SEAL_BYTES - 1, SEAL_BYTES, 70_000] {
            let whole = sealed(&vec![7; length]);
            assert_eq!(opened(&whole), (vec![7; length], true));
            for at in (0..whole.len()).step_by(1 + length / 50) {
                let mut changed = whole.clone();
                changed[at] ^= 1;
                assert!(!opened(&changed).1, "byte {at} of {length}");
            }
            assert!(!opened(&whole[..whole.len() - 1]).1);
            assert!(!opened(&[whole.as_slice(), &[0]].concat()).1);
        }
    }
}
