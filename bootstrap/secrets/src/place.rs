//! The file and its key together: read, changed, and given another key.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use age_format::{Decrypt, Encrypt, Identity};
use zeroize::Zeroizing;

use crate::document::{NoDocument, Secrets, Value};
use crate::error::SecretsError;
use crate::files::{self, FILE_BYTES_MAX, Lock};
use crate::key::{self, KeyAt};

/// The file of the secrets in the node's own folder.
pub const STORE_FILE: &str = "secrets.age";
const LOCK_FILE: &str = "secrets.lock";
/// A reader that comes between the two files of a rotation looks again, so often and after so long.
const LOOKS_MAX: u32 = if cfg!(test) { 2 } else { 10 };
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Where a node's secrets are.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
    key: KeyAt,
}

/// What came of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// How many secrets are encrypted for it.
    pub secrets: usize,
    /// Where the new key is.
    pub key: PathBuf,
    /// It has to be brought to where the node takes its key from.
    pub to_be_moved: bool,
}

/// The file, decrypted.
struct Opened {
    secrets: Secrets,
    /// What opened it; `None`: there is no file.
    with: Option<Identity>,
    /// The key's file holds two because a rotation was cut off.
    on_its_way: bool,
}

impl Place {
    /// `folder` is the node's own (`<data>/agent-runtime`); `named` the file of the key that the configuration names,
    /// `credentials` the folder in which a service manager gives some (`$CREDENTIALS_DIRECTORY`).
    #[must_use]
    pub fn new(folder: &Path, named: Option<&Path>, credentials: Option<&Path>) -> Self {
        Self { folder: folder.to_owned(), key: KeyAt::find(folder, named, credentials) }
    }

    /// The encrypted file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join(STORE_FILE)
    }

    /// Where its key is.
    #[must_use]
    pub fn key(&self) -> &KeyAt {
        &self.key
    }

    /// All secrets; none when there is no file.
    ///
    /// # Errors
    /// [`SecretsError`] when they can't be read.
    pub fn read(&self) -> Result<Secrets, SecretsError> {
        Ok(self.open()?.secrets)
    }

    /// A rotation was cut off: the secrets can be read, and the key's file holds a key too many.
    ///
    /// # Errors
    /// As [`Place::read`].
    pub fn is_on_its_way(&self) -> Result<bool, SecretsError> {
        Ok(self.open()?.on_its_way)
    }

    /// Sets a secret; `true` when it takes the place of another value. The first one of all makes the key, where nobody has
    /// put one.
    ///
    /// # Errors
    /// [`SecretsError`]; then nothing was changed.
    pub fn set(&self, name: &str, value: Value, now_ms: i64) -> Result<bool, SecretsError> {
        crate::check_name(name)?;
        files::make_folder(&self.folder)?;
        let _lock = self.lock()?;
        let mut opened = self.open()?;
        let with = match opened.with.take() {
            Some(with) => with,
            None => self.first_key()?,
        };
        let replaced = opened.secrets.put(name, value, now_ms)?;
        self.write(&opened.secrets, &with)?;
        self.settle(&opened, &with)?;
        Ok(replaced)
    }

    /// Removes a secret.
    ///
    /// # Errors
    /// [`SecretsError`]; then nothing was changed.
    pub fn remove(&self, name: &str) -> Result<(), SecretsError> {
        crate::check_name(name)?;
        let _lock = if self.folder.is_dir() { Some(self.lock()?) } else { None };
        let mut opened = self.open()?;
        opened.secrets.take(name)?;
        let with = opened.with.take().ok_or(SecretsError::None)?;
        self.write(&opened.secrets, &with)?;
        self.settle(&opened, &with)
    }

    /// Makes a new key and encrypts everything for it alone. Without `to` it takes the place of the old one, by way of a
    /// file that holds both, so that at each moment what is on disk can be read by what is on disk. With `to` it is put
    /// there, or what is there is used, and the old key is left as it is.
    ///
    /// # Errors
    /// [`SecretsError`]; then the secrets are read by the old key as before.
    pub fn rotate(&self, to: Option<&Path>) -> Result<Rotated, SecretsError> {
        let _lock = if self.folder.is_dir() { Some(self.lock()?) } else { None };
        if let Some(to) = to {
            return self.rotate_to(to);
        }
        let opened = self.open()?;
        let old = opened.with.as_ref().ok_or(SecretsError::None)?;
        self.may_change_key(opened.on_its_way)?;
        let new = Identity::generate().map_err(SecretsError::io(self.key.path(), "made"))?;
        self.key.write(&[old, &new])?;
        if let Err(error) = self.write(&opened.secrets, &new) {
            // Both are tried, so it is as good as it was; one that is too many is known by its comment.
            self.key.write(&[old]).ok();
            return Err(error);
        }
        self.key.write(&[&new])?;
        Ok(Rotated { secrets: opened.secrets.len(), key: self.key.path().to_owned(), to_be_moved: false })
    }

    /// Whoever was killed before he heard that it is done asks again: what the new key reads already is as it is to be.
    fn rotate_to(&self, to: &Path) -> Result<Rotated, SecretsError> {
        self.is_outside(to)?;
        let done = |secrets: &Secrets| Rotated {
            secrets: secrets.len(),
            key: to.to_owned(),
            to_be_moved: to != self.key.path(),
        };
        let there = key::read(to, 0o077)?.map(|keys| keys.all);
        if there.is_some()
            && let Ok(Opened { secrets, with: Some(_), .. }) = self.look(&KeyAt::Named(to.to_owned()))
        {
            return Ok(done(&secrets));
        }
        let opened = self.open()?;
        opened.with.as_ref().ok_or(SecretsError::None)?;
        let new = match there {
            None => key::make(to)?,
            Some(all) if all.len() > 1 => return Err(SecretsError::Several { key: to.to_owned(), count: all.len() }),
            Some(all) => all.into_iter().next().ok_or(SecretsError::None)?,
        };
        self.write(&opened.secrets, &new)?;
        Ok(done(&opened.secrets))
    }

    fn lock(&self) -> Result<Lock, SecretsError> {
        files::is_ours(&self.folder)?;
        files::lock(&self.folder.join(LOCK_FILE))
    }

    /// The key where there are no secrets yet: the one that somebody has put there, else a new one.
    fn first_key(&self) -> Result<Identity, SecretsError> {
        self.is_outside(self.key.path())?;
        match self.key.read()? {
            // The last is the newest, should a file hold several.
            Some(keys) => keys.all.into_iter().last().ok_or(SecretsError::None),
            None => self.key.make(),
        }
    }

    fn may_change_key(&self, on_its_way: bool) -> Result<(), SecretsError> {
        let key = self.key.path().to_owned();
        if matches!(self.key, KeyAt::Credential(_)) {
            return Err(SecretsError::Given { key });
        }
        let count = self.key.read()?.map_or(0, |keys| keys.all.len());
        if count > 1 && !on_its_way { Err(SecretsError::Several { key, count }) } else { Ok(()) }
    }

    /// Takes away the key that a rotation has left over.
    fn settle(&self, opened: &Opened, with: &Identity) -> Result<(), SecretsError> {
        if opened.on_its_way { self.key.write(&[with]) } else { Ok(()) }
    }

    /// The folder of the workspaces goes into backups.
    fn is_outside(&self, key: &Path) -> Result<(), SecretsError> {
        let workspaces = self.folder.with_file_name("workspaces");
        // The file itself need not be there yet, its folder must.
        let whole = |path: &Path| path.canonicalize().ok();
        let at = whole(key).or_else(|| whole(key.parent()?));
        let within = whole(&workspaces).zip(at).is_some_and(|(workspaces, at)| at.starts_with(workspaces));
        if within { Err(SecretsError::Inside { key: key.to_owned() }) } else { Ok(()) }
    }

    fn open(&self) -> Result<Opened, SecretsError> {
        let mut looks = 1;
        loop {
            match self.look(&self.key) {
                Err(SecretsError::WrongKey { .. }) if looks < LOOKS_MAX => std::thread::sleep(BETWEEN_LOOKS),
                found => return found,
            }
            looks += 1;
        }
    }

    fn look(&self, at: &KeyAt) -> Result<Opened, SecretsError> {
        let (store, key) = (self.file(), at.path().to_owned());
        let Some(bytes) = files::read(&store, FILE_BYTES_MAX, || SecretsError::too_large(&store))? else {
            return Ok(Opened { secrets: Secrets::default(), with: None, on_its_way: false });
        };
        self.is_outside(&key)?;
        if !age_format::is_encrypted(&bytes) {
            return Err(SecretsError::Damaged { store, why: "it does not begin as a file of age does".to_owned() });
        }
        let Some(keys) = at.read()? else { return Err(SecretsError::KeyMissing { store, key }) };
        for with in keys.all {
            match decrypted(&bytes, &with) {
                Ok(plain) => {
                    let secrets = Secrets::read(&plain).map_err(|why| no_document(&store, &why))?;
                    return Ok(Opened { secrets, with: Some(with), on_its_way: keys.on_its_way });
                }
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => return Err(SecretsError::Damaged { store, why: error.to_string() }),
            }
        }
        Err(SecretsError::WrongKey { store, key })
    }

    pub(crate) fn write(&self, secrets: &Secrets, to: &Identity) -> Result<(), SecretsError> {
        files::put(&self.file(), |file| {
            let mut out = Encrypt::new(file, &to.lock())?;
            secrets.write(&mut out)?;
            out.finish().map(drop)
        })
    }
}

fn decrypted(bytes: &[u8], with: &Identity) -> io::Result<Zeroizing<Vec<u8>>> {
    // Plain it is shorter, so it never grows.
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
    Decrypt::new(bytes, &with.key())?.read_to_end(&mut plain)?;
    Ok(plain)
}

fn no_document(store: &Path, why: &NoDocument) -> SecretsError {
    let store = store.to_owned();
    match why {
        NoDocument::Newer(version) => SecretsError::Newer { store, version: *version },
        NoDocument::Damaged(why) => SecretsError::Damaged { store, why: (*why).to_owned() },
    }
}
