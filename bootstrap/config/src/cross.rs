//! What must hold between keys.

use crate::error::Problem;
use crate::format::is_plain_and_far;
use crate::schema::{Config, Models, OFFLINE, Provider, ProviderKind, provider_of};
use crate::words;

/// Every problem between keys that are each right by themselves.
pub(crate) fn check(config: &Config) -> Vec<Problem> {
    let mut problems = names(config);
    problems.extend(of_node(config));
    let mut say = |key: &str, what: String| problems.push(Problem { at: config.origins.of(key), what });
    for (name, provider) in &config.models.providers {
        let path = format!("models.providers.{name}");
        if name == OFFLINE {
            say(&path, format!("`{OFFLINE}` is the model that is built in; give this provider another name"));
        }
        for (key, what) in of_provider(provider) {
            say(&format!("{path}.{key}"), format!("`{path}` {what}"));
        }
    }
    problems
}

/// A node that has no hub in itself must reach one, and one that has the store dials nobody.
fn of_node(config: &Config) -> Vec<Problem> {
    let node = &config.node;
    let say = |key: &str, what: &str| vec![Problem { at: config.origins.of(key), what: what.to_owned() }];
    if !node.has("hub") && node.peers.is_empty() {
        return say("node.roles", "`node.roles` is without `hub`, and `node.peers` names no other node that is one");
    }
    if node.has("hub") && !node.peers.is_empty() {
        return say("node.peers", "`node.peers` is for nodes that are no hub; the others dial the hub");
    }
    Vec::new()
}

/// Every name of a model that names nothing.
pub(crate) fn names(config: &Config) -> Vec<Problem> {
    let models = &config.models;
    let mut problems = Vec::new();
    let mut say = |key: &str, what: String| problems.push(Problem { at: config.origins.of(key), what });
    if let Err(what) = known(models, &models.default) {
        say("models.default", what);
    }
    for (route, names) in models.routes.all() {
        for (index, name) in names.iter().enumerate() {
            if let Err(what) = known(models, name) {
                say(&format!("models.routes.{route}.{index}"), what);
            }
        }
    }
    problems
}

/// A model's name names something that is there.
fn known(models: &Models, name: &str) -> Result<(), String> {
    let provider = provider_of(name);
    if name == OFFLINE || (provider != OFFLINE && models.providers.contains_key(provider)) {
        return Ok(());
    }
    if provider == OFFLINE {
        return Err(format!("`{name}` is no model here: `{OFFLINE}` has one model only; name it `{OFFLINE}`"));
    }
    let configured = models.providers.keys().map(String::as_str).filter(|name| *name != OFFLINE);
    let names: Vec<&str> = configured.chain([OFFLINE]).collect();
    let meant = words::nearest(provider, names.iter().copied());
    let meant = meant.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    Err(format!("`{name}` is no model here{meant} (known: {})", names.join(", ")))
}

fn of_provider(provider: &Provider) -> Vec<(&'static str, &'static str)> {
    let mut wrong = Vec::new();
    if provider.kind == ProviderKind::Openai {
        if provider.base_url.is_none() {
            wrong.push(("base_url", "needs the key `base_url`: an address that begins with https:// or http://"));
        }
        if provider.model.is_none() {
            wrong.push(("model", "needs the key `model`: the model's name at that endpoint"));
        }
    } else {
        let from_table =
            "is of kind `zai`, whose prices and limits are in the table; give an own one by `models.table`";
        let numbers = [
            ("price_input", provider.price_input),
            ("price_output", provider.price_output),
            ("price_cached", provider.price_cached.unwrap_or(0)),
            ("context_tokens", provider.context_tokens),
        ];
        wrong.extend(numbers.into_iter().filter(|(_, number)| *number > 0).map(|(key, _)| (key, from_table)));
    }
    let named = provider.named_by();
    if let [_, .., last] = named.as_slice() {
        wrong.push((last, "names its key more than once; keep one of `key_file`, `key_secret` and `key_env`"));
    }
    let has_key = !named.is_empty() || provider.kind == ProviderKind::Zai;
    if has_key && is_plain_and_far(provider.base_url()) {
        wrong.push(("base_url", "would send its key over the network in clear; use https:// or leave the key out"));
    }
    wrong
}
