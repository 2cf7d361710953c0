//! What can be wrong, in words, and the command that mends it.

use std::path::{Path, PathBuf};

use crate::document::{NAME_CHARS_MAX, SECRETS_MAX};
use crate::files::FILE_BYTES_MAX;

/// What is wrong. It holds no value and no key.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// There are secrets and not what opens them.
    #[error("{} is encrypted, and its key {} is not there", store.display(), key.display())]
    KeyMissing {
        /// The encrypted file.
        store: PathBuf,
        /// Where its key is looked for.
        key: PathBuf,
    },
    /// The key is that of other secrets.
    #[error("{} was not encrypted for the key in {}, or its beginning is damaged", store.display(), key.display())]
    WrongKey {
        /// The encrypted file.
        store: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// The key's file can't be used.
    #[error("{} is no file of a key: {why}", key.display())]
    BadKey {
        /// The file.
        key: PathBuf,
        /// Why.
        why: String,
    },
    /// Others can read the key.
    #[error("the key {} can be read or changed by others (mode {mode:03o})", key.display())]
    Open {
        /// The file.
        key: PathBuf,
        /// The nine bits of its mode.
        mode: u32,
    },
    /// The key would be in each backup, beside what it opens.
    #[error("the key {} lies in the folder of the workspaces, which goes into each backup", key.display())]
    Inside {
        /// The file.
        key: PathBuf,
    },
    /// The file is not what was written.
    #[error("{} is damaged: {why}", store.display())]
    Damaged {
        /// The file.
        store: PathBuf,
        /// Why.
        why: String,
    },
    /// A later version of this program wrote it.
    #[error("{} was made by a newer version of agent-runtime (it is of version {version})", store.display())]
    Newer {
        /// The file.
        store: PathBuf,
        /// Its version.
        version: u32,
    },
    /// Only its reader can write the key.
    #[error("the key {} is given by the service manager and can't be changed there", key.display())]
    Given {
        /// The file.
        key: PathBuf,
    },
    /// More than one key where one is to be changed.
    #[error("{} holds {count} keys; which of them is to stay can't be known", key.display())]
    Several {
        /// The file.
        key: PathBuf,
        /// How many.
        count: usize,
    },
    /// The data folder is another account's.
    #[error("{} belongs to another account (uid {uid}), which could not read what is made here", folder.display())]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// Somebody else is at it.
    #[error("another agent-runtime is changing the secrets in {}", folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// A name is none.
    #[error(
        "this can't be the name of a secret (it is not repeated here: it may be a value); use 1 to {NAME_CHARS_MAX} of a-z, 0-9 and -, beginning with a letter or digit"
    )]
    Name,
    /// A value is none.
    #[error("the value can't be used: {0}")]
    Value(String),
    /// There is no secret of this name.
    #[error("there is no secret `{0}`")]
    NoSuch(String),
    /// There are as many as there may be.
    #[error("there are {SECRETS_MAX} secrets already, and more there can't be")]
    Full,
    /// Nothing is there that could be rotated.
    #[error("there are no secrets yet")]
    None,
    /// The system says so.
    #[error("{} can't be {what}: {why}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// `read`, `written`.
        what: &'static str,
        /// What the system says.
        why: std::io::Error,
    },
}

impl SecretsError {
    pub(crate) fn io<'p>(path: &'p Path, what: &'static str) -> impl FnOnce(std::io::Error) -> Self + 'p {
        move |why| Self::Io { path: path.to_owned(), what, why }
    }

    /// Of a file that is larger than it can be.
    pub(crate) fn too_large(store: &Path) -> Self {
        let why = format!("it is larger than {FILE_BYTES_MAX} bytes, more than all secrets together can be");
        Self::Damaged { store: store.to_owned(), why }
    }

    /// The next command, or what to do where no command does it; empty: nothing but what is said already. `command` makes
    /// one of this program that leads to the same node: `secrets set zai`.
    #[must_use]
    pub fn advice(&self, command: impl Fn(&str) -> String) -> String {
        match self {
            Self::KeyMissing { key, .. } => {
                format!(
                    "put the key back at {} (mode 600); it is in no backup. Where it is lost: {}",
                    key.display(),
                    self.anew(&command)
                )
            }
            Self::WrongKey { key, .. } => format!(
                "put the key that belongs to them at {} (mode 600). Where it is lost: {}",
                key.display(),
                self.anew(&command)
            ),
            Self::BadKey { .. } => "put the key there again, one line as `age-keygen` makes it".to_owned(),
            Self::Open { key, .. } => format!("chmod 600 {}   # and think of who has read it", word(key)),
            Self::Inside { .. } => {
                "name another place by `key_file` under `[secrets]`, and move the file there".to_owned()
            }
            Self::Damaged { .. } => format!("take it from a backup (docs/secrets.md), or {}", self.anew(&command)),
            Self::Newer { .. } => "install that version".to_owned(),
            Self::Given { .. } | Self::Several { .. } => command("secrets rotate --new-key FILE"),
            Self::Foreign { uid, .. } => format!("sudo -u '#{uid}' {}", command("secrets …")),
            Self::Busy { .. } => "wait for its end".to_owned(),
            Self::NoSuch(name) => command(&format!("secrets set {name}")),
            Self::Full => command("secrets rm NAME"),
            Self::None => command("secrets set NAME"),
            Self::Io { why, .. } if why.kind() == std::io::ErrorKind::StorageFull => {
                "the disk is full: free some space".to_owned()
            }
            Self::Io { why, what: "written", .. } if is_refused(why) => format!(
                "run it as an account that may write there; a key that can only be read is changed by `{}`",
                command("secrets rotate --new-key FILE")
            ),
            Self::Io { .. } | Self::Name | Self::Value(_) => String::new(),
        }
    }

    /// How to begin anew without what can't be read.
    fn anew(&self, command: &impl Fn(&str) -> String) -> String {
        let (Self::KeyMissing { store, .. } | Self::WrongKey { store, .. } | Self::Damaged { store, .. }) = self else {
            return String::new();
        };
        let mut aside = store.clone().into_os_string();
        aside.push(".lost");
        format!("mv {} {}   # then `{}` for each", word(store), word(Path::new(&aside)), command("secrets set NAME"))
    }
}

fn is_refused(why: &std::io::Error) -> bool {
    matches!(why.kind(), std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem)
}

/// A path as a word that a shell takes as it is.
fn word(path: &Path) -> String {
    let shown = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | ',' | ':' | '@' | '%');
    if !shown.is_empty() && shown.chars().all(plain) { shown } else { format!("'{}'", shown.replace('\'', r"'\''")) }
}
