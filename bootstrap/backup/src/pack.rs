//! Writing a backup.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};
use zstd::Encoder;

use crate::manifest::{ABOUT, About, MANIFEST, MEMBERS_MAX, Manifest, Member, Stat, hex, is_safe};
use crate::seal::Sealing;

/// The usual level of zstd: text becomes a fifth at some 200 MB a second.
const LEVEL: i32 = 3;
const MODE: u32 = 0o600;
const MODE_BITS: u32 = 0o777;

/// A backup that is being written.
pub struct Packer<W: Write> {
    tar: tar::Builder<Encoder<'static, Sealing<W>>>,
    manifest: Manifest,
}

impl<W: Write> Packer<W> {
    /// Begins it.
    ///
    /// # Errors
    /// What `out` says.
    pub fn new(out: W, about: About) -> io::Result<Self> {
        let mut encoder = Encoder::new(Sealing::new(out), LEVEL)?;
        encoder.include_checksum(true)?;
        let manifest = Manifest { about, bytes: 0, members: Vec::new() };
        let mut packer = Self { tar: tar::Builder::new(encoder), manifest };
        let about = serde_json::to_vec(&packer.manifest.about).map_err(io::Error::other)?;
        packer.put(ABOUT, own(&about), &mut about.as_slice())?;
        Ok(packer)
    }

    /// Adds a file of exactly so many bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when it is shorter, `InvalidInput` when there are too many members or its name is not
    /// one that is taken; what `out` and `from` say.
    pub fn add(&mut self, name: &str, stat: Stat, from: &mut dyn Read) -> io::Result<()> {
        let refuse = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if !is_safe(name) {
            return refuse(format!("`{name}` can't be the name of a member of a backup"));
        }
        if self.manifest.members.len() >= MEMBERS_MAX {
            return refuse(format!("a backup holds {MEMBERS_MAX} files at most"));
        }
        let sha256 = self.put(name, stat, from)?;
        self.manifest.bytes = self.manifest.bytes.saturating_add(stat.bytes);
        self.manifest.members.push(Member { name: name.to_owned(), bytes: stat.bytes, sha256 });
        Ok(())
    }

    fn put(&mut self, name: &str, stat: Stat, from: &mut dyn Read) -> io::Result<String> {
        let mut header = tar::Header::new_gnu();
        header.set_size(stat.bytes);
        header.set_mode(stat.mode & MODE_BITS);
        header.set_mtime(stat.changed_s);
        let mut hashing = Hashing { inner: from, hash: Sha256::new(), left: stat.bytes };
        self.tar.append_data(&mut header, name, &mut hashing)?;
        if hashing.left > 0 {
            let why = format!("`{name}` became shorter while it was read; try again");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
        }
        Ok(hex(&hashing.hash.finalize()))
    }

    /// Ends it with its manifest and its seal. Gives the manifest and SHA-256 of it, hexadecimal.
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self) -> io::Result<(W, Manifest, String)> {
        let manifest = serde_json::to_vec(&self.manifest).map_err(io::Error::other)?;
        let hash = self.put(MANIFEST, own(&manifest), &mut manifest.as_slice())?;
        let out = self.tar.into_inner()?.finish()?.seal()?;
        Ok((out, self.manifest, hash))
    }
}

fn own(bytes: &[u8]) -> Stat {
    Stat { bytes: bytes.len() as u64, changed_s: 0, mode: MODE }
}

/// Hashes so many bytes of what is read, and reads no more.
struct Hashing<'a> {
    inner: &'a mut dyn Read,
    hash: Sha256,
    left: u64,
}

impl Read for Hashing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let Some(part) = into.get_mut(..most) else { return Ok(0) };
        let read = self.inner.read(part)?;
        self.hash.update(part.get(..read).unwrap_or_default());
        self.left -= read as u64;
        Ok(read)
    }
}
