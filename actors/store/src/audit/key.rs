//! The key that signs checkpoints: made at the first open, readable by its owner alone.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::record::Head;

/// A PKCS #8 document of an Ed25519 key has 83 to 85 bytes.
const KEY_BYTES_MAX: u64 = 4_096;

/// Why the key can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{} can't be used ({why}); put it back from a backup; if it could not be made, make its folder writable and see that the disk has room", path.display())]
pub(crate) struct KeyError {
    path: PathBuf,
    why: String,
}

/// The node's signing key.
#[derive(Debug)]
pub(crate) struct AuditKey {
    pair: Ed25519KeyPair,
}

impl AuditKey {
    /// Reads `<folder>/audit.key`, or makes it when there is none.
    pub(crate) fn load_or_make(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join("audit.key");
        match Self::load(folder)? {
            Some(key) => Ok(key),
            None => make(folder, &path).map_err(|why| KeyError { path, why }),
        }
    }

    /// Reads `<folder>/audit.key`; `None` when there is none.
    pub(crate) fn load(folder: &Path) -> Result<Option<Self>, KeyError> {
        let path = folder.join("audit.key");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(KeyError { path, why: error.to_string() }),
        };
        let mut bytes = Vec::new();
        file.take(KEY_BYTES_MAX)
            .read_to_end(&mut bytes)
            .map_err(|e| e.to_string())
            .and_then(|_| parse(&bytes))
            .map(Some)
            .map_err(|why| KeyError { path, why })
    }

    /// The public key, 32 bytes.
    pub(crate) fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Signs where the chain stands.
    pub(crate) fn sign(&self, head: &Head) -> Vec<u8> {
        self.pair.sign(&head.checkpoint_bytes()).as_ref().to_vec()
    }
}

fn parse(pkcs8: &[u8]) -> Result<AuditKey, String> {
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|e| format!("it is not an Ed25519 key in PKCS #8: {e}"))?;
    Ok(AuditKey { pair })
}

/// Written beside and renamed, so that a crash never leaves half a key.
fn make(folder: &Path, path: &Path) -> Result<AuditKey, String> {
    let random = SystemRandom::new();
    let pkcs8 =
        Ed25519KeyPair::generate_pkcs8(&random).map_err(|_| "the operating system gives no random bytes".to_owned())?;
    let new = folder.join("audit.key.new");
    let write = || -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(pkcs8.as_ref())?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|e| e.to_string())?;
    parse(pkcs8.as_ref())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::super::record::GENESIS;
    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let made = AuditKey::load_or_make(folder.path()).unwrap();
        let read = AuditKey::load_or_make(folder.path()).unwrap();
        assert_eq!(made.public(), read.public());
        let mode = std::fs::metadata(folder.path().join("audit.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let signature = made.sign(&GENESIS);
        let key = UnparsedPublicKey::new(&ED25519, read.public());
        key.verify(&GENESIS.checkpoint_bytes(), &signature).unwrap();
    }

    #[test]
    fn a_damaged_key_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.key");
        std::fs::write(&path, b"not a key").unwrap();
        let error = AuditKey::load_or_make(folder.path()).unwrap_err().to_string();
        assert!(error.contains("not an Ed25519 key"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"not a key");
    }
}
