//! Secrets: read from files, variables and a store, never written in the configuration, never shown.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{ConfigError, Problem};
use crate::load::read_bounded;
use crate::schema::{Config, Provider, ProviderKind};
use crate::zai;

/// The largest key in bytes.
pub const KEY_BYTES_MAX: u64 = 4_096;

/// A key that was read and where it came from, in words; or what is wrong, with the key of the configuration if it was
/// one that named it.
type Found = Result<Option<(Zeroizing<String>, String)>, Wrong>;

/// Gives a secret of the store by its name, or says what is wrong and what to do, as the rest of a sentence.
pub type SecretOf<'s> = &'s dyn Fn(&str) -> Result<Zeroizing<String>, String>;

struct Wrong {
    key: Option<&'static str>,
    why: String,
}

impl Config {
    /// The names of secrets that are named, in order, each with the keys of the configuration that name it.
    #[must_use]
    pub fn secrets_named(&self) -> BTreeMap<&str, Vec<String>> {
        let mut named: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, provider) in &self.models.providers {
            if let Some(secret) = &provider.key_secret {
                named.entry(secret).or_default().push(format!("models.providers.{name}.key_secret"));
            }
        }
        named
    }

    /// The keys of all providers that name one, by provider. `env` is the environment, as in
    /// [`crate::LoadOptions::env`]. `secret` is asked for those of the store. `judge` is given a provider's address and what was read, and makes a key of it or says
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
        secret: SecretOf<'_>,
        judge: impl Fn(&str, &str) -> Result<K, String>,
    ) -> Result<BTreeMap<String, K>, ConfigError> {
        let mut keys = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, provider) in &self.models.providers {
            let found = find(provider, env, secret);
            let judged = found.and_then(|found| {
                let Some((text, whence)) = found else { return Ok(None) };
                let wrong = |why| Wrong { key: provider.named_by().first().copied(), why: format!("{whence}: {why}") };
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

fn find(provider: &Provider, env: &[(String, String)], secret: SecretOf<'_>) -> Found {
    let wrong = |why| Wrong { key: provider.named_by().first().copied(), why };
    let value = |wanted: &str| env.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let variable = |wanted: &str| value(wanted).map(Zeroizing::new);
    if let Some(named) = &provider.key_secret {
        return secret(named).map(|value| Some((value, format!("the secret `{named}`")))).map_err(wrong);
    }
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
    match (variable(zai::KEY), value(zai::KEY_FILE)) {
        (Some(_), Some(_)) => Err(wrong(format!("both {} and {} are set; unset one of them", zai::KEY, zai::KEY_FILE))),
        (Some(value), None) => Ok(Some((value, format!("the environment variable {}", zai::KEY)))),
        (None, Some(file)) => from_file(Path::new(&file)).map(Some).map_err(|why| {
            let Wrong { key, why } = wrong(why);
            Wrong { key, why: format!("{why} ({} names it)", zai::KEY_FILE) }
        }),
        (None, None) => Err(wrong(format!(
            "z.ai needs a key; set {} or {}, or name it by `key_secret`, `key_file` or `key_env`",
            zai::KEY,
            zai::KEY_FILE
        ))),
    }
}

fn from_file(file: &Path) -> Result<(Zeroizing<String>, String), String> {
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
    Ok((Zeroizing::new(text), shown.to_string()))
}
