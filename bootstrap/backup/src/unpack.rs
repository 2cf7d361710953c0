//! Reading a backup.

use std::io::{self, BufReader, Read};

use sha2::{Digest as _, Sha256};
use tar::{Archive, Entry, EntryType};
use zstd::Decoder;

use crate::Bad;
use crate::manifest::{
    ABOUT, About, FORMAT, JSON_BYTES_MAX, MANIFEST, MEMBERS_MAX, Manifest, Member, Stat, hex, is_safe,
};
use crate::seal::Sealed;

/// No backup was compressed with a larger window: 8 MB.
const WINDOW_LOG_MAX: u32 = 23;
/// What is said of damage that shows in no member.
const SEAL: &str = "the seal";
const BLOCK_BYTES: usize = 64 << 10;
const MODE_BITS: u32 = 0o777;

type Layers<R> = Decoder<'static, BufReader<Sealed<R>>>;

/// What gets the members: the name, what is kept of it, the bytes. It reads all of them, or none.
pub(crate) type Put<'a> = dyn FnMut(&str, Stat, &mut dyn Read) -> io::Result<()> + 'a;

/// What a backup says of itself first. It is not known yet whether it is whole.
///
/// # Errors
/// [`Bad`].
pub fn about(input: impl Read) -> Result<About, Bad> {
    let mut archive = open(input)?;
    let first = archive.entries().map_err(foreign)?.next();
    let mut entry = first.ok_or_else(|| Bad::Foreign("it is empty".to_owned()))?.map_err(foreign)?;
    about_in(&mut entry)
}

/// Reads a backup to its end and gives each member to `put`. Only when this has come back is it known that it is whole, and
/// what was given may be used.
///
/// # Errors
/// [`Bad`], with the member in which damage was first known.
pub fn read(input: impl Read, put: &mut Put<'_>) -> Result<(Manifest, String), Bad> {
    let mut archive = open(input)?;
    let (mut reading, mut at) = (Reading::default(), ABOUT.to_owned());
    for entry in archive.entries().map_err(foreign)? {
        let mut entry = entry.map_err(|error| after(&at, error))?;
        at = name_of(&entry).unwrap_or_else(|_| format!("what follows {at}"));
        reading.entry(&mut entry, put)?;
    }
    let (manifest, hash) = reading.end(&at)?;
    let mut layers = archive.into_inner();
    // A tar ends with zeros, and then the frame with its checksum.
    let rest = drained(&mut layers).map_err(|error| Bad::damaged(SEAL, error))?;
    let sealed = layers.finish();
    let nothing_is_left = rest && sealed.buffer().is_empty();
    match sealed.into_inner().verify() {
        Ok(true) if nothing_is_left => Ok((manifest, hash)),
        Ok(_) => Err(Bad::damaged(SEAL, "a byte was changed, added or taken away where no member shows it")),
        Err(error) => Err(Bad::damaged(SEAL, error)),
    }
}

fn open<R: Read>(input: R) -> Result<Archive<Layers<R>>, Bad> {
    let mut decoder = Decoder::with_buffer(BufReader::new(Sealed::new(input))).map_err(foreign)?.single_frame();
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(foreign)?;
    Ok(Archive::new(decoder))
}

/// The wrong key, another kind of file, or damage at the very beginning.
#[allow(clippy::needless_pass_by_value)]
fn foreign(error: io::Error) -> Bad {
    Bad::Foreign(error.to_string())
}

fn after(member: &str, error: io::Error) -> Bad {
    Bad::damaged(&format!("what follows {member}"), error)
}

/// Only zeros were left.
fn drained(layers: &mut impl Read) -> io::Result<bool> {
    let (mut block, mut only_zeros) = (vec![0; BLOCK_BYTES], true);
    loop {
        match layers.read(&mut block)? {
            0 => return Ok(only_zeros),
            read => only_zeros &= block.iter().take(read).all(|byte| *byte == 0),
        }
    }
}

fn name_of<R: Read>(entry: &Entry<'_, R>) -> Result<String, Bad> {
    let bytes = entry.path_bytes();
    match std::str::from_utf8(&bytes) {
        Ok(name) if is_safe(name) => Ok(name.to_owned()),
        _ => Err(Bad::Foreign(format!("a member has the name `{}`", String::from_utf8_lossy(&bytes)))),
    }
}

fn about_in<R: Read>(entry: &mut Entry<'_, R>) -> Result<About, Bad> {
    if name_of(entry)? != ABOUT {
        return Err(Bad::Foreign(format!("it does not begin with `{ABOUT}`")));
    }
    let bytes = json(ABOUT, entry)?;
    let about: About = serde_json::from_slice(&bytes).map_err(|error| Bad::Foreign(format!("{ABOUT}: {error}")))?;
    if about.format != FORMAT {
        let (version, format) = (about.version, about.format);
        return Err(Bad::Foreign(format!(
            "it has format {format}, made by version {version}; this program reads format {FORMAT}"
        )));
    }
    Ok(about)
}

fn json<R: Read>(name: &str, entry: &mut Entry<'_, R>) -> Result<Vec<u8>, Bad> {
    let mut bytes = Vec::new();
    let read = entry.take(JSON_BYTES_MAX).read_to_end(&mut bytes).map_err(|error| Bad::damaged(name, error))?;
    let whole = entry.header().size().is_ok_and(|size| size == read as u64);
    if whole { Ok(bytes) } else { Err(Bad::damaged(name, "it is cut, or longer than any backup has it")) }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    about: Option<About>,
    members: Vec<Member>,
    manifest: Option<(Manifest, String)>,
}

impl Reading {
    fn entry<R: Read>(&mut self, entry: &mut Entry<'_, R>, put: &mut Put<'_>) -> Result<(), Bad> {
        if self.about.is_none() {
            self.about = Some(about_in(entry)?);
            return Ok(());
        }
        let name = name_of(entry)?;
        if self.manifest.is_some() || entry.header().entry_type() != EntryType::Regular {
            return Err(Bad::damaged(&name, "it is no file, or stands behind the end"));
        }
        if name == MANIFEST {
            let bytes = json(MANIFEST, entry)?;
            let manifest = serde_json::from_slice(&bytes).map_err(|error| Bad::damaged(MANIFEST, error))?;
            self.manifest = Some((manifest, hex(&Sha256::digest(&bytes))));
            return Ok(());
        }
        if self.members.len() >= MEMBERS_MAX {
            return Err(Bad::Foreign(format!("it has more than {MEMBERS_MAX} members")));
        }
        self.members.push(member(name, entry, put)?);
        Ok(())
    }

    /// Compares what was read with what the manifest says.
    fn end(self, last: &str) -> Result<(Manifest, String), Bad> {
        let (manifest, hash) = self.manifest.ok_or_else(|| after(last, io::Error::other("the rest is missing")))?;
        for (read, said) in self.members.iter().zip(&manifest.members) {
            if read != said {
                return Err(Bad::damaged(&read.name, "its SHA-256 is not the one in the manifest"));
            }
        }
        let (read, said) = (self.members.len(), manifest.members.len());
        if read != said || self.about.as_ref() != Some(&manifest.about) {
            return Err(Bad::damaged(
                MANIFEST,
                format!("it tells of {said} members where {read} are, or of another backup"),
            ));
        }
        Ok((manifest, hash))
    }
}

fn member<R: Read>(name: String, entry: &mut Entry<'_, R>, put: &mut Put<'_>) -> Result<Member, Bad> {
    let header = entry.header();
    let (bytes, changed_s, mode) =
        (header.size().unwrap_or(0), header.mtime().unwrap_or(0), header.mode().unwrap_or(0));
    let stat = Stat { bytes, changed_s, mode: mode & MODE_BITS };
    let mut hashing = Hashing { inner: entry, hash: Sha256::new(), bytes: 0, error: None };
    let given = put(&name, stat, &mut hashing);
    let rest = given.and_then(|()| io::copy(&mut hashing, &mut io::sink()));
    match (hashing.error.take(), rest) {
        (Some(why), _) => Err(Bad::damaged(&name, why)),
        (None, Err(why)) => Err(Bad::Put { member: name, why }),
        (None, Ok(_)) => {
            let (bytes, sha256) = (hashing.bytes, hex(&hashing.hash.finalize()));
            Ok(Member { name, bytes, sha256 })
        }
    }
}

/// Hashes what is read, and remembers whether reading failed: who writes it elsewhere may fail, too.
struct Hashing<'a, R> {
    inner: &'a mut R,
    hash: Sha256,
    bytes: u64,
    error: Option<String>,
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(into) {
            Ok(read) => {
                self.hash.update(into.get(..read).unwrap_or_default());
                self.bytes += read as u64;
                Ok(read)
            }
            Err(error) => {
                self.error = Some(error.to_string());
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests;
