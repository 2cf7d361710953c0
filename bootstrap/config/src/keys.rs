//! Secrets: read from files and variables, never written in the configuration, never shown.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::error::{ConfigError, Problem};
use crate::load::read_bounded;
use crate::schema::{Config, Provider, ProviderKind};
use crate::zai;

/// The largest key in bytes.
pub const KEY_BYTES_MAX: u64 = 4_096;

/// A key that was read and where it came from, in words; or what is wrong, with the key of the configuration if it was
/// one that named it.
type Found = Result<Option<(String, String)>, Wrong>;

struct Wrong {
    key: Option<&'static str>,
    why: String,
}

impl Config {
    /// The keys of all providers that name one, by provider. `env` is the environment, as in
    /// [`crate::LoadOptions::env`]. `judge` is given a provider's address and what was read, and makes a key of it or says
    /// what is wrong without repeating it.
    ///
    /// Programs that only speak to a running node need no keys and need not call this.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with each key that is missing, too large, that others on this machine could read, or that
    /// `judge` refuses.
    pub fn keys<K>(
        &self,
        env: &[(String, String)],
        judge: impl Fn(&str, &str) -> Result<K, String>,
    ) -> Result<BTreeMap<String, K>, ConfigError> {
        let mut keys = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, provider) in &self.models.providers {
            let found = find(provider, env);
            let judged = found.and_then(|found| {
                let Some((text, whence)) = found else { return Ok(None) };
                let wrong = |why| Wrong { key: named_by(provider), why: format!("{whence}: {why}") };
                judge(provider.base_url(), &text).map(Some).map_err(wrong)
            });
            match judged {
                Ok(Some(key)) => drop(keys.insert(name.clone(), key)),
                Ok(None) => {}
                Err(wrong) => problems.push(self.key_problem(name, wrong)),
            }
        }
        if problems.is_empty() { Ok(keys) } else { Err(ConfigError::Invalid(problems)) }
    }

    fn key_problem(&self, name: &str, Wrong { key, why }: Wrong) -> Problem {
        let table = format!("models.providers.{name}");
        let path = key.map_or(table.clone(), |key| format!("{table}.{key}"));
        let at = self.origins.of(&path);
        // What is said as the place need not be said again.
        let bare = why.strip_prefix(&format!("the {at}: ")).unwrap_or(&why);
        Problem { what: format!("`{path}`: {bare}"), at }
    }
}

/// The key of the configuration that names the provider's key.
fn named_by(provider: &Provider) -> Option<&'static str> {
    match (&provider.key_file, &provider.key_env) {
        (Some(_), _) => Some("key_file"),
        (None, Some(_)) => Some("key_env"),
        (None, None) => None,
    }
}

fn find(provider: &Provider, env: &[(String, String)]) -> Found {
    let wrong = |why| Wrong { key: named_by(provider), why };
    let variable = |wanted: &str| env.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    if let Some(file) = &provider.key_file {
        return from_file(file).map(Some).map_err(wrong);
    }
    if let Some(named) = &provider.key_env {
        let value = variable(named).ok_or_else(|| wrong(format!("the environment variable {named} is not set")))?;
        return Ok(Some((value, format!("the environment variable {named}"))));
    }
    if provider.kind == ProviderKind::Openai {
        return Ok(None);
    }
    match (variable(zai::KEY), variable(zai::KEY_FILE)) {
        (Some(_), Some(_)) => Err(wrong(format!("both {} and {} are set; unset one of them", zai::KEY, zai::KEY_FILE))),
        (Some(value), None) => Ok(Some((value, format!("the environment variable {}", zai::KEY)))),
        (None, Some(file)) => from_file(Path::new(&file)).map(Some).map_err(|why| {
            let Wrong { key, why } = wrong(why);
            Wrong { key, why: format!("{why} ({} names it)", zai::KEY_FILE) }
        }),
        (None, None) => Err(wrong(format!(
            "z.ai needs a key; set {} or {}, or name it by `key_file` or `key_env`",
            zai::KEY,
            zai::KEY_FILE
        ))),
    }
}

fn from_file(file: &Path) -> Result<(String, String), String> {
    let shown = file.display();
    let facts = std::fs::metadata(file).map_err(|error| format!("{shown} can't be read: {error}"))?;
    if !facts.is_file() {
        return Err(format!("{shown} is not a file"));
    }
    let mode = facts.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("{shown} can be read or changed by others (mode {mode:03o}); run `chmod 600 {shown}`"));
    }
    let text = read_bounded(file, KEY_BYTES_MAX).map_err(|error| format!("{shown} can't be read: {error}"))?;
    Ok((text, shown.to_string()))
}
