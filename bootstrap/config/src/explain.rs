//! What one key does, what it takes, and what is in force for it.

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::layer::ENV_PREFIX;
use crate::origin::Origin;
use crate::reference::sentence;
use crate::schema::{Config, schema};
use crate::words;

/// What is known of a key whatever is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyDescription {
    /// The key with the tables it stands in: `models.providers.zai.window`.
    pub key: String,
    /// What it does.
    pub what: String,
    /// Its type and range, as the rest of "it takes".
    pub takes: String,
    /// Its default; `None`: none.
    pub default: Option<Json>,
    /// Its table needs it.
    pub required: bool,
    /// The environment variable that sets it; empty for a table.
    pub variable: String,
    /// The keys of a table; empty for a key that has a value.
    pub keys: Vec<String>,
}

/// Describes a key or a table by its dotted path. Names that are free may be any: `models.providers.zai.kind`.
///
/// # Errors
/// What is probably meant, when there is no such key.
pub fn describe(key: &str) -> Result<KeyDescription, String> {
    let root = schema();
    let mut of = &root;
    let mut required = false;
    for part in key.split('.') {
        let names = of.get("required").and_then(Json::as_array).into_iter().flatten();
        required = names.filter_map(Json::as_str).any(|name| name == part);
        of = below(of, part).ok_or_else(|| unknown(key, &root))?;
    }
    let is_table = words::kind(of) == "object";
    Ok(KeyDescription {
        key: key.to_owned(),
        what: sentence(of),
        takes: words::expected(of),
        default: of.get("default").filter(|value| !value.is_null() && !is_table).cloned(),
        required,
        variable: if is_table { String::new() } else { variable(key) },
        keys: children(of),
    })
}

impl Config {
    /// The value in force for a key, and which layer set it. `None`: no value; nothing is set and there is no default.
    #[must_use]
    pub fn in_force(&self, key: &str) -> (Option<Json>, Origin) {
        let whole = serde_json::to_value(self).unwrap_or_default();
        let value = key.split('.').try_fold(&whole, |of, part| of.get(part)).cloned();
        let default = describe(key).ok().and_then(|known| known.default);
        // A table that stands in a file sets none of the keys that it leaves out.
        let is_default = !self.origins.has(key) && (value.is_none() || value == default);
        (value, if is_default { Origin::Default } else { self.origins.of(key) })
    }
}

fn below<'s>(of: &'s Json, part: &str) -> Option<&'s Json> {
    let known = of.get("properties").and_then(|all| all.get(part));
    known.or_else(|| of.get("additionalProperties").filter(|free| free.is_object()))
}

fn children(of: &Json) -> Vec<String> {
    let own = of.get("properties").and_then(Json::as_object).into_iter().flat_map(Map::keys).cloned();
    let free = of.get("additionalProperties").filter(|free| free.is_object());
    own.chain(free.map(|_| format!("<{}>", of.get("x-name").and_then(Json::as_str).unwrap_or("name")))).collect()
}

fn variable(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

fn unknown(key: &str, root: &Json) -> String {
    let mut all = Vec::new();
    paths(root, "", &mut all);
    // The last part alone is what people remember.
    let by_end = all.iter().find(|known| known.rsplit('.').next() == Some(key)).map(String::as_str);
    let meant = by_end.or_else(|| words::nearest(key, all.iter().map(String::as_str)));
    let meant = meant.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
    format!("there is no key `{}`{meant} docs/configuration.md lists all keys", words::shown(key))
        .replace("` docs", "`; docs")
}

fn paths(of: &Json, path: &str, all: &mut Vec<String>) {
    for key in children(of) {
        let deeper = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if let Some(next) = below(of, &key) {
            paths(next, &deeper, all);
        }
        all.push(deeper);
    }
}
