//! Keys: what encrypts a backup, and what reads an encrypted one.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use age_format::{Decrypt, Key, Lock, is_encrypted};
use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use super::BLOCK_BYTES;

/// The longest key file.
const KEY_FILE_BYTES_MAX: u64 = 64 << 10;
/// Bytes by which a kind of file is known.
const BEGIN_BYTES: u64 = 32;

/// What `--encrypt-to` says: a recipient, or a file.
pub(super) fn lock(to: &str) -> anyhow::Result<Lock> {
    if to.starts_with("age1") {
        return Lock::parse(to).with_context(|| format!("`{to}` is no recipient of age"));
    }
    let path = Path::new(to);
    // Recipients are no secret, so their file may be anyone's to read.
    let text = if read(path, false)?.trim_start().starts_with("age1") { read(path, false)? } else { read(path, true)? };
    Lock::parse(&text).with_context(|| format!("{} can't be used to encrypt", path.display()))
}

fn key(path: &Path) -> anyhow::Result<Key> {
    Key::parse(&read(path, true)?).with_context(|| format!("{} can't be used to decrypt", path.display()))
}

fn read(path: &Path, is_secret: bool) -> anyhow::Result<Zeroizing<String>> {
    let failed = || format!("the key file {} can't be read", path.display());
    let file = File::open(path).with_context(failed)?;
    if is_secret && file.metadata().with_context(failed)?.permissions().mode() & 0o077 != 0 {
        bail!("the key file {} can be read by others; run `chmod 600` on it", path.display());
    }
    let mut text = Zeroizing::new(String::new());
    file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).with_context(failed)?;
    Ok(text)
}

/// A backup's bytes as they were before they were encrypted.
pub(super) enum Opened {
    /// They can be read.
    Plain(Box<dyn Read>),
    /// They are encrypted, and no key was given.
    Locked,
}

/// Opens a backup.
pub(super) fn open(path: &Path, with: Option<&Path>) -> anyhow::Result<Opened> {
    let failed = || format!("the backup {} can't be read", path.display());
    let mut file = File::open(path).with_context(failed)?;
    let mut begin = Vec::new();
    file.by_ref().take(BEGIN_BYTES).read_to_end(&mut begin).with_context(failed)?;
    file.rewind().with_context(failed)?;
    let file = BufReader::with_capacity(BLOCK_BYTES, file);
    match with {
        _ if !is_encrypted(&begin) => Ok(Opened::Plain(Box::new(file))),
        None => Ok(Opened::Locked),
        Some(with) => {
            let opened = Decrypt::new(file, &key(with)?);
            let failed = || format!("the backup {} can't be decrypted with {}", path.display(), with.display());
            Ok(Opened::Plain(Box::new(opened.with_context(failed)?)))
        }
    }
}

/// The same where it has to be read.
pub(super) fn open_plain(path: &Path, with: Option<&Path>) -> anyhow::Result<Box<dyn Read>> {
    match open(path, with)? {
        Opened::Plain(plain) => Ok(plain),
        Opened::Locked => bail!("the backup {} is encrypted; give its key file by --key", path.display()),
    }
}
