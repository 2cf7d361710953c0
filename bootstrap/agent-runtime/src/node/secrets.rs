//! The store of secrets, as the configuration and the surroundings say where it is.

use std::cell::OnceCell;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use config::Config;
use secrets::{Place, Secrets, SecretsError};
use zeroize::Zeroizing;

use super::{absolute, own_folder};
use crate::cli::Where;

/// Where a service manager puts what only this service may read (systemd.exec(5)).
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The store of secrets of a data folder.
pub(crate) fn place(config: &Config) -> anyhow::Result<Place> {
    let own = own_folder(&absolute(&config.node.data)?);
    let credentials = std::env::var_os(CREDENTIALS).map(PathBuf::from);
    Ok(Place::new(&own, config.secrets.key_file.as_deref(), credentials.as_deref()))
}

/// What is wrong, and what to do: one sentence. `flags` lead commands to the same node.
pub(crate) fn in_words(error: &SecretsError, flags: &str) -> String {
    let advice = advice(error, flags);
    if advice.is_empty() { error.to_string() } else { format!("{error}; what to do: {advice}") }
}

/// What to do about it.
pub(crate) fn advice(error: &SecretsError, flags: &str) -> String {
    error.advice(|words| format!("agent-runtime {words}{flags}"))
}

/// An error of the store as the last words of a command.
pub(crate) fn told(error: &SecretsError, place: &Where) -> anyhow::Error {
    anyhow::Error::msg(in_words(error, &place.flags()))
}

/// Looks secrets up; the store is read when the first one is asked for.
pub(crate) struct Lookup {
    place: Place,
    flags: String,
    read: OnceCell<Result<Secrets, String>>,
}

impl Lookup {
    pub(crate) fn new(config: &Config, place: &Where) -> anyhow::Result<Self> {
        Ok(Self { place: self::place(config)?, flags: place.flags(), read: OnceCell::new() })
    }

    /// Its value; or what is wrong and what to do.
    pub(crate) fn value(&self, name: &str) -> Result<Zeroizing<String>, String> {
        let read = || self.place.read().map_err(|error| in_words(&error, &self.flags));
        let all = self.read.get_or_init(read).as_ref().map_err(Clone::clone)?;
        let missing = || in_words(&SecretsError::NoSuch(name.to_owned()), &self.flags);
        all.value(name).map(|value| Zeroizing::new(value.to_owned())).ok_or_else(missing)
    }
}

/// By what it is known that the file was changed: each change is another file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(u64, i64, i64, u64)>);

impl Stamp {
    /// Of what the configuration uses; of nothing where it uses none.
    pub(crate) fn of(config: &Config) -> Self {
        let used = !config.secrets_named().is_empty();
        let found = place(config).ok().filter(|_| used).and_then(|place| std::fs::metadata(place.file()).ok());
        Self(found.map(|file| (file.ino(), file.mtime(), file.mtime_nsec(), file.len())))
    }
}
