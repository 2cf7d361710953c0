//! The store of secrets: its names, and what is wrong with it. No value leaves it.

use config::Config;
use secrets::SecretsError;

use crate::doctor::facts::{SecretsFacts, Trouble};
use crate::node;

/// `None`: there is no store, and the configuration names no secret.
pub(super) fn gather(config: &Config, flags: &str) -> Option<SecretsFacts> {
    let named: Vec<String> = config.secrets_named().into_keys().map(str::to_owned).collect();
    let place = node::secrets::place(config).ok()?;
    if named.is_empty() && !place.file().exists() {
        return None;
    }
    let trouble = |error: &SecretsError| Trouble {
        what: error.to_string(),
        todo: node::secrets::advice(error, flags),
        is_of_rights: matches!(error, SecretsError::Open { .. }),
    };
    let found = place.read().map(|all| all.names().map(|(name, _)| name.to_owned()).collect());
    Some(SecretsFacts {
        named,
        found: found.map_err(|error| trouble(&error)),
        is_on_its_way: place.is_on_its_way().unwrap_or(false),
    })
}
