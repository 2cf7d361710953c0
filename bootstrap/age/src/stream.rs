//! The payload: pieces of 64 KiB, each sealed under its number, the last one marked.

use std::io::{self, BufRead, BufReader, Read, Write};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::{Key, Lock, derived, header, random};

/// Plain bytes of a piece.
pub const PIECE_BYTES: usize = 64 << 10;
/// By how much a piece is longer when it is sealed.
pub const TAG_BYTES: usize = 16;
const NONCE_BYTES: usize = 16;

/// The cipher and the number of the next piece.
struct Pieces {
    key: LessSafeKey,
    number: u64,
}

impl Pieces {
    fn new(file_key: &[u8], nonce: &[u8]) -> io::Result<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*derived(file_key, nonce, b"payload")?);
        let key = key.map_err(|_| io::Error::other("no cipher"))?;
        Ok(Self { key: LessSafeKey::new(key), number: 0 })
    }

    /// 88 bits of number, and whether it is the last.
    fn nonce(&mut self, is_last: bool) -> io::Result<Nonce> {
        let mut nonce = [0; 12];
        let number = self.number.to_be_bytes();
        nonce.iter_mut().skip(3).zip(number).for_each(|(to, from)| *to = from);
        if let Some(last) = nonce.last_mut() {
            *last = u8::from(is_last);
        }
        self.number = self.number.checked_add(1).ok_or_else(|| io::Error::other("too many pieces"))?;
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}

fn piece() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(PIECE_BYTES + TAG_BYTES))
}

/// Encrypts what is written to it. Nothing of it can be read unless [`Encrypt::finish`] was called.
pub struct Encrypt<W> {
    out: W,
    pieces: Pieces,
    /// It is overwritten when it goes, and never grows, so that no copy is left behind.
    piece: Zeroizing<Vec<u8>>,
}

impl<W: Write> Encrypt<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// What `out` says; when the system gives no random bytes.
    pub fn new(mut out: W, lock: &Lock) -> io::Result<Self> {
        let (header, key) = header::make(lock)?;
        let nonce: [u8; NONCE_BYTES] = random()?;
        out.write_all(header.as_bytes())?;
        out.write_all(&nonce)?;
        let pieces = Pieces::new(&key[..], &nonce)?;
        Ok(Self { out, pieces, piece: piece() })
    }

    fn put(&mut self, is_last: bool) -> io::Result<()> {
        let nonce = self.pieces.nonce(is_last)?;
        let sealed = self.pieces.key.seal_in_place_append_tag(nonce, Aad::empty(), &mut *self.piece);
        sealed.map_err(|_| io::Error::other("a piece can't be sealed"))?;
        self.out.write_all(&self.piece)?;
        self.piece.clear();
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self) -> io::Result<W> {
        self.put(true)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Encrypt<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full piece is kept until more comes: it may be the last.
        if self.piece.len() == PIECE_BYTES {
            self.put(false)?;
        }
        let taken = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Decrypts what it reads; gives no byte that was not verified.
pub struct Decrypt<R> {
    input: BufReader<R>,
    pieces: Pieces,
    /// It is overwritten when it goes, and never grows, so that no copy is left behind.
    piece: Zeroizing<Vec<u8>>,
    given: usize,
    is_over: bool,
}

impl<R: Read> Decrypt<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`io::ErrorKind::PermissionDenied`] when it was not encrypted for this key, `InvalidData` when it is damaged.
    pub fn new(input: R, key: &Key) -> io::Result<Self> {
        let mut input = BufReader::with_capacity(PIECE_BYTES, input);
        let file_key = header::open(&mut input, key)?;
        let mut nonce = [0; NONCE_BYTES];
        input.read_exact(&mut nonce)?;
        let pieces = Pieces::new(&file_key[..], &nonce)?;
        Ok(Self { input, pieces, piece: piece(), given: 0, is_over: false })
    }

    fn next(&mut self) -> io::Result<()> {
        self.piece.clear();
        self.given = 0;
        let most = (PIECE_BYTES + TAG_BYTES) as u64;
        let read = self.input.by_ref().take(most).read_to_end(&mut self.piece)?;
        let is_last = (read as u64) < most || self.input.fill_buf()?.is_empty();
        let is_first = self.pieces.number == 0;
        let nonce = self.pieces.nonce(is_last)?;
        let opened = self.pieces.key.open_in_place(nonce, Aad::empty(), &mut self.piece).map(|plain| plain.len());
        let cut = || io::Error::new(io::ErrorKind::InvalidData, "an encrypted piece was changed, or the file was cut");
        let length = opened.map_err(|_| cut())?;
        if length == 0 && !is_first {
            return Err(cut());
        }
        self.piece.truncate(length);
        self.is_over = is_last;
        Ok(())
    }
}

impl<R: Read> Read for Decrypt<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.piece.len() && !self.is_over {
            self.next()?;
        }
        let rest = self.piece.get(self.given..).unwrap_or_default();
        let given = rest.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..given), rest.get(..given)) {
            to.copy_from_slice(from);
        }
        self.given += given;
        Ok(given)
    }
}
