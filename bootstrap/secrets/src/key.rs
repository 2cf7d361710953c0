//! Where the key is, and reading and writing it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use age_format::Identity;
use zeroize::Zeroizing;

use crate::error::SecretsError;
use crate::files;

/// The name under which a service manager gives the key (systemd: `LoadCredential=`).
pub const CREDENTIAL: &str = "agent-runtime-secrets-key";
/// The largest file of a key.
pub const KEY_BYTES_MAX: u64 = 4_096;
/// The key that is made where none is named.
const OWN: &str = "secrets.key";
/// What stands before it in its file.
const INTRO: &str =
    "# The key of the secrets of an agent-runtime. Whoever has it and secrets.age can read them; it is in no backup.\n";
/// In a file that holds two keys because one is on its way out; only then one may be taken away.
const ON_ITS_WAY: &str = "# A rotation is under way: of these two only one is needed when it is over.\n";

/// Where the key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyAt {
    /// A file that the configuration names.
    Named(PathBuf),
    /// A credential of the service manager: it can be read, not changed.
    Credential(PathBuf),
    /// The file beside the secrets, because nothing else is said.
    Own(PathBuf),
}

/// The keys of a file.
pub(crate) struct Keys {
    pub(crate) all: Vec<Identity>,
    /// A rotation was cut off.
    pub(crate) on_its_way: bool,
}

impl KeyAt {
    /// What is named; else what the service manager gives in this folder; else the file in `own`.
    pub(crate) fn find(own: &Path, named: Option<&Path>, credentials: Option<&Path>) -> Self {
        let given = credentials.map(|folder| folder.join(CREDENTIAL)).filter(|file| file.exists());
        match (named, given) {
            (Some(named), _) => Self::Named(named.to_owned()),
            (None, Some(given)) => Self::Credential(given),
            (None, None) => Self::Own(own.join(OWN)),
        }
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Credential(path) | Self::Own(path) => path,
        }
    }

    /// Bits of a mode that it must not have. A service manager gives a file to one account by an access list, whose mask
    /// shows as the rights of a group (systemd).
    fn refused(&self) -> u32 {
        match self {
            Self::Credential(_) => 0o037,
            Self::Named(_) | Self::Own(_) => 0o077,
        }
    }

    /// Its keys; `None`: it is not there.
    pub(crate) fn read(&self) -> Result<Option<Keys>, SecretsError> {
        read(self.path(), self.refused())
    }

    /// Makes it, where nothing is.
    pub(crate) fn make(&self) -> Result<Identity, SecretsError> {
        make(self.path())
    }

    /// Writes these keys in place of what is there. A link stays one.
    pub(crate) fn write(&self, keys: &[&Identity]) -> Result<(), SecretsError> {
        let path = self.path();
        write(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), keys)
    }
}

pub(crate) fn read(path: &Path, refused: u32) -> Result<Option<Keys>, SecretsError> {
    let bad = |why: String| SecretsError::BadKey { key: path.to_owned(), why };
    let Some(bytes) = files::read(path, KEY_BYTES_MAX, || bad(format!("it is larger than {KEY_BYTES_MAX} bytes")))?
    else {
        return Ok(None);
    };
    let mode = std::fs::metadata(path).map_err(SecretsError::io(path, "read"))?.mode() & 0o777;
    if mode & refused != 0 {
        return Err(SecretsError::Open { key: path.to_owned(), mode });
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| bad("it is not text".to_owned()))?;
    let all = Identity::parse_all(text).map_err(|error| bad(error.to_string()))?;
    Ok(Some(Keys { on_its_way: all.len() == 2 && text.contains(ON_ITS_WAY), all }))
}

pub(crate) fn make(path: &Path) -> Result<Identity, SecretsError> {
    let made = Identity::generate().map_err(SecretsError::io(path, "made"))?;
    write(path, &[&made])?;
    Ok(made)
}

fn write(path: &Path, keys: &[&Identity]) -> Result<(), SecretsError> {
    // As long as it can get, so that no copy is left behind where it grew.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(KEY_BYTES_MAX).unwrap_or(0)));
    text.push_str(INTRO);
    if keys.len() > 1 {
        text.push_str(ON_ITS_WAY);
    }
    for key in keys {
        text.push_str(&key.in_words().map_err(SecretsError::io(path, "made"))?);
        text.push('\n');
    }
    files::put_text(path, &text)
}
