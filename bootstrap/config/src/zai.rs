//! z.ai by the environment alone: `ZAI_API_KEY`, `ZAI_API_KEY_FILE` and `ZAI_BASE_URL`, as its own tools name them.

use crate::error::Problem;
use crate::format;
use crate::origin::Origin;
use crate::schema::{Config, Provider, ProviderKind};

/// Holds the key.
pub(crate) const KEY: &str = "ZAI_API_KEY";
/// Names the file that holds the key.
pub(crate) const KEY_FILE: &str = "ZAI_API_KEY_FILE";
/// Where it is.
const BASE_URL: &str = "ZAI_BASE_URL";
/// The name of the provider that is there when only a key is.
const NAME: &str = "zai";

/// Puts in what the environment says and no layer did: a provider, and that it is the default one; its address.
pub(crate) fn apply(config: &mut Config, env: &[(String, String)]) -> Vec<Problem> {
    let is_set = |wanted: &&str| env.iter().any(|(name, _)| name == wanted);
    let is_zai = |provider: &Provider| provider.kind == ProviderKind::Zai;
    if let Some(variable) = [KEY, KEY_FILE].into_iter().find(is_set)
        && !config.models.providers.values().any(is_zai)
        && !config.models.providers.contains_key(NAME)
    {
        config.models.providers.insert(NAME.to_owned(), Provider::zai());
        config.origins.set(&format!("models.providers.{NAME}"), Origin::Env(variable.to_owned()));
        if !config.origins.has("models.default") {
            config.models.default = NAME.to_owned();
            config.origins.set("models.default", Origin::Env(variable.to_owned()));
        }
    }
    let Some((_, url)) = env.iter().find(|(name, _)| name == BASE_URL) else { return Vec::new() };
    address(config, url)
}

fn address(config: &mut Config, url: &str) -> Vec<Problem> {
    let at = Origin::Env(BASE_URL.to_owned());
    let is_without = |provider: &Provider| provider.kind == ProviderKind::Zai && provider.base_url.is_none();
    let without = config.models.providers.iter().filter(|(_, provider)| is_without(provider));
    let names: Vec<String> = without.map(|(name, _)| name.clone()).collect();
    if names.is_empty() {
        return Vec::new();
    }
    if let Err(why) = format::check("http-url", url) {
        return vec![Problem { at, what: format!("the address of z.ai can't be used: {why}") }];
    }
    for name in names {
        if let Some(provider) = config.models.providers.get_mut(&name) {
            provider.base_url = Some(url.to_owned());
            config.origins.set(&format!("models.providers.{name}.base_url"), at.clone());
        }
    }
    Vec::new()
}
