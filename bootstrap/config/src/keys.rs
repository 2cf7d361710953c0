//! Secrets: read from files and variables, never written in the configuration, never shown.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::error::{ConfigError, Problem};
use crate::load::read_bounded;
use crate::schema::{Config, Provider};

/// The largest key in bytes.
pub const KEY_BYTES_MAX: u64 = 4_096;

/// What stands in examples, or is left by a script that failed, in place of a key.
const PLACEHOLDERS: [&str; 8] =
    ["changeme", "undefined", "null", "none", "your-api-key", "your_api_key", "xxx", "todo"];

/// A key. It has no `Display`, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The key itself. Give it to the request that needs it and keep no copy.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Config {
    /// The keys of all providers that name one, by provider. `env` is the environment, as in
    /// [`crate::LoadOptions::env`].
    ///
    /// Programs that only speak to a running node need no keys and need not call this.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with each key that is missing, empty, a placeholder, too large, or that others on this
    /// machine could read.
    pub fn keys(&self, env: &[(String, String)]) -> Result<BTreeMap<String, Secret>, ConfigError> {
        let mut keys = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, provider) in &self.models.providers {
            match key_of(provider, env) {
                Ok(Some(secret)) => drop(keys.insert(name.clone(), secret)),
                Ok(None) => {}
                Err((key, why)) => {
                    let path = format!("models.providers.{name}.{key}");
                    problems.push(Problem { at: self.origins.of(&path), what: format!("`{path}`: {why}") });
                }
            }
        }
        if problems.is_empty() { Ok(keys) } else { Err(ConfigError::Invalid(problems)) }
    }
}

fn key_of(provider: &Provider, env: &[(String, String)]) -> Result<Option<Secret>, (&'static str, String)> {
    if let Some(file) = &provider.key_file {
        return from_file(file).map(Some).map_err(|why| ("key_file", format!("{} {why}", file.display())));
    }
    let Some(variable) = &provider.key_env else {
        return Ok(None);
    };
    let value = env.iter().find(|(name, _)| name == variable).map(|(_, value)| value.as_str());
    let value = value.ok_or_else(|| ("key_env", format!("the environment variable {variable} is not set")))?;
    believable(value).map(Some).map_err(|why| ("key_env", format!("the environment variable {variable} {why}")))
}

fn from_file(file: &Path) -> Result<Secret, String> {
    let facts = std::fs::metadata(file).map_err(|error| format!("can't be read: {error}"))?;
    if !facts.is_file() {
        return Err("is not a file".into());
    }
    let mode = facts.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("can be read or changed by others (mode {mode:03o}); run `chmod 600 {}`", file.display()));
    }
    let text = read_bounded(file, KEY_BYTES_MAX).map_err(|error| format!("can't be read: {error}"))?;
    believable(&text)
}

fn believable(text: &str) -> Result<Secret, String> {
    let key = text.trim();
    if key.is_empty() {
        return Err("is empty".into());
    }
    if u64::try_from(key.len()).unwrap_or(u64::MAX) > KEY_BYTES_MAX {
        return Err(format!("is larger than {KEY_BYTES_MAX} bytes"));
    }
    if PLACEHOLDERS.contains(&key.to_ascii_lowercase().as_str()) {
        return Err("holds a placeholder, not a key".into());
    }
    if !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("holds white space or characters that no key has; it must hold the key and nothing else".into());
    }
    Ok(Secret(key.to_owned()))
}
