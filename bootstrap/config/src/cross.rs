//! What must hold between keys.

use crate::error::Problem;
use crate::format::is_plain_and_far;
use crate::schema::{Config, OFFLINE, Provider};
use crate::words;

/// Every problem between keys that are each right by themselves.
pub(crate) fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say = |key: &str, what: String| problems.push(Problem { at: config.origins.of(key), what });
    let models = &config.models;
    if models.default != OFFLINE && !models.providers.contains_key(&models.default) {
        let configured = models.providers.keys().map(String::as_str).filter(|name| *name != OFFLINE);
        let names: Vec<&str> = configured.chain([OFFLINE]).collect();
        let meant = words::nearest(&models.default, names.iter().copied());
        let meant = meant.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        say("models.default", format!("`{}` is no model here{meant} (known: {})", models.default, names.join(", ")));
    }
    for (name, provider) in &models.providers {
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

fn of_provider(provider: &Provider) -> Vec<(&'static str, &'static str)> {
    let mut wrong = Vec::new();
    if provider.key_file.is_some() && provider.key_env.is_some() {
        wrong.push(("key_env", "names its key twice; keep one of `key_file` and `key_env`"));
    }
    if (provider.key_file.is_some() || provider.key_env.is_some()) && is_plain_and_far(&provider.base_url) {
        wrong.push(("base_url", "would send its key over the network in clear; use https:// or leave the key out"));
    }
    wrong
}
