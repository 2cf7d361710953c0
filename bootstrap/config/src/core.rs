//! A layer is read as the schema wants it: each key known, each value of its type and in its range.

use serde_json::{Map, Value as Json};

use crate::error::Problem;
use crate::format;
use crate::layer::{ENV_PREFIX, Entry, Tree, Value};
use crate::origin::{Origin, Origins};
use crate::words;

/// Names under which people write secrets. None of them is a key.
const SECRET_NAMES: [&str; 7] = ["key", "api_key", "apikey", "token", "secret", "password", "key_value"];

/// Reads layers, lowest first; gathers every problem and where each key was set.
pub(crate) struct Reader<'s> {
    root: &'s Json,
    pub(crate) origins: Origins,
    pub(crate) problems: Vec<Problem>,
}

impl<'s> Reader<'s> {
    pub(crate) fn new(root: &'s Json) -> Self {
        Self { root, origins: Origins::default(), problems: Vec::new() }
    }

    /// One layer as JSON; what is wrong in it is left out and told.
    pub(crate) fn layer(&mut self, tree: &Tree) -> Json {
        self.value(tree, self.root, "").unwrap_or_default()
    }

    fn value(&mut self, tree: &Tree, schema: &Json, path: &str) -> Option<Json> {
        if !path.is_empty() {
            self.origins.set(path, tree.at.clone());
        }
        match (words::kind(schema), &tree.value) {
            ("object", Value::Table(entries)) => Some(self.table(entries, schema, path)),
            ("array", Value::List(items)) => self.list(tree, items, schema, path),
            ("array", Value::Raw(text)) => {
                let item = |part: &str| Tree { at: tree.at.clone(), value: Value::Text(part.to_owned()) };
                // The name of a model may hold a colon, and a host does.
                let between = if words::lists_paths(schema) { ':' } else { ',' };
                let items: Vec<Tree> = text.split(between).filter(|part| !part.is_empty()).map(item).collect();
                self.list(tree, &items, schema, path)
            }
            ("boolean", Value::Flag(flag)) => Some(Json::Bool(*flag)),
            ("boolean", Value::Raw(text)) if text.parse::<bool>().is_ok() => text.parse().ok().map(Json::Bool),
            ("integer", Value::Whole(number)) => self.whole(*number, tree, schema, path),
            ("integer", Value::Raw(text)) if text.parse::<i64>().is_ok() => {
                text.parse().ok().and_then(|number| self.whole(number, tree, schema, path))
            }
            ("string", Value::Text(text) | Value::Raw(text)) => self.text(text, tree, schema, path),
            _ => self.mistyped(tree, schema, path),
        }
    }

    fn table(&mut self, entries: &[Entry], schema: &Json, path: &str) -> Json {
        let mut read = Map::new();
        for entry in entries {
            let below = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
            if let Some(known) = schema.get("properties").and_then(|all| all.get(&entry.key)) {
                self.put(&mut read, entry, known, &below);
            } else if let Some(free) = schema.get("additionalProperties").filter(|free| free.is_object()) {
                if self.free_key_fits(entry, schema) {
                    self.put(&mut read, entry, free, &below);
                }
            } else {
                self.unknown(entry, schema, path);
            }
        }
        Json::Object(read)
    }

    fn put(&mut self, read: &mut Map<String, Json>, entry: &Entry, schema: &Json, path: &str) {
        if let Some(value) = self.value(&entry.tree, schema, path) {
            read.insert(entry.key.clone(), value);
        }
    }

    fn free_key_fits(&mut self, entry: &Entry, schema: &Json) -> bool {
        let wanted = schema.get("x-names").and_then(Json::as_str).unwrap_or_default();
        let fits = format::check(wanted, &entry.key);
        if let Err(why) = &fits {
            self.problem(&entry.at, format!("`{}` can't be a name here: {why}", words::shown(&entry.key)));
        }
        fits.is_ok()
    }

    fn list(&mut self, tree: &Tree, items: &[Tree], schema: &Json, path: &str) -> Option<Json> {
        let most = limit(schema, "maxItems");
        if items.len() > most {
            self.problem(&tree.at, format!("`{path}` lists {}; at most {most} are allowed", items.len()));
            return None;
        }
        let of = schema.get("items").unwrap_or(&Json::Null);
        let mut read = Vec::new();
        for (index, item) in items.iter().enumerate() {
            read.extend(self.value(item, of, &format!("{path}.{index}")));
        }
        Some(Json::Array(read))
    }

    fn whole(&mut self, number: i64, tree: &Tree, schema: &Json, path: &str) -> Option<Json> {
        let edge = |name| schema.get(name).and_then(Json::as_i64);
        let fits = edge("minimum").is_none_or(|min| number >= min) && edge("maximum").is_none_or(|max| number <= max);
        if fits {
            return Some(Json::from(number));
        }
        self.problem(&tree.at, format!("`{path}` is {number}; it must be {}", words::expected(schema)));
        None
    }

    fn text(&mut self, text: &str, tree: &Tree, schema: &Json, path: &str) -> Option<Json> {
        if let Some(all) = words::choices(schema) {
            if all.contains(&text) {
                return Some(Json::from(text));
            }
            let meant = words::nearest(text, all).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            let shown = words::shown(text);
            self.problem(&tree.at, format!("`{path}` is \"{shown}\"; it must be {}{meant}", words::expected(schema)));
            return None;
        }
        let wanted = schema.get("format").and_then(Json::as_str).unwrap_or_default();
        match format::check(wanted, text).and_then(|()| format::check_length(schema, text)) {
            Ok(()) => Some(Json::from(text)),
            Err(why) => {
                self.problem(&tree.at, format!("`{path}` can't be used: {why}"));
                None
            }
        }
    }

    fn mistyped(&mut self, tree: &Tree, schema: &Json, path: &str) -> Option<Json> {
        let (expected, found) = (words::expected(schema), words::found(&tree.value, schema));
        self.problem(&tree.at, format!("`{path}` must be {expected}; here it is {found}"));
        None
    }

    fn unknown(&mut self, entry: &Entry, schema: &Json, table: &str) {
        let known: Vec<&str> = schema
            .get("properties")
            .and_then(Json::as_object)
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect();
        if SECRET_NAMES.contains(&entry.key.as_str()) && known.contains(&"key_file") {
            let what = format!(
                "a secret is never written here (`{}`); put it into the store of secrets (`agent-runtime secrets set NAME`) and name it by `key_secret`, or into a file that only you can read and name that by `key_file`, or name an environment variable by `key_env`",
                entry.key
            );
            return self.problem(&entry.at, what);
        }
        let meant = match (&entry.at, table) {
            (Origin::Env(name), "") => variable_meant(self.root, name),
            _ => words::nearest(&entry.key, known.iter().copied()).map(str::to_owned),
        };
        let meant = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_else(|| ".".into());
        let inside = if table.is_empty() { String::new() } else { format!(" in `{table}`") };
        let key = words::shown(&entry.key);
        self.problem(&entry.at, format!("unknown key `{key}`{inside}{meant} Known keys here: {}", known.join(", ")));
    }

    fn problem(&mut self, at: &Origin, what: String) {
        self.problems.push(Problem { at: at.clone(), what });
    }
}

/// The variable that was meant by one with a single underscore between table and key, or with a slip in it.
fn variable_meant(root: &Json, name: &str) -> Option<String> {
    let mut variables = Vec::new();
    let tables = root.get("properties").and_then(Json::as_object)?;
    for (table, schema) in tables {
        for key in schema.get("properties").and_then(Json::as_object).into_iter().flat_map(Map::keys) {
            variables.push(format!("{ENV_PREFIX}{}__{}", table.to_ascii_uppercase(), key.to_ascii_uppercase()));
        }
    }
    words::nearest(name, variables.iter().map(String::as_str)).map(str::to_owned)
}

/// What can be told only of all layers together: keys that a table must have and that no layer set, and tables with too
/// many entries.
pub(crate) fn whole(read: &Json, schema: &Json, path: &str, origins: &Origins) -> Vec<Problem> {
    let Some(entries) = read.as_object() else { return Vec::new() };
    let say = |what| Problem { at: origins.of(path), what };
    let mut problems = Vec::new();
    for key in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
        if !entries.contains_key(key) && !origins.has(&format!("{path}.{key}")) {
            let of = schema.get("properties").and_then(|all| all.get(key));
            let expected = of.map(words::expected).unwrap_or_default();
            problems.push(say(format!("`{path}` needs the key `{key}`: {expected}")));
        }
    }
    let most = limit(schema, "maxProperties");
    if entries.len() > most {
        problems.push(say(format!("`{path}` has {} entries; at most {most} are allowed", entries.len())));
    }
    for (key, value) in entries {
        let known = schema.get("properties").and_then(|all| all.get(key));
        if let Some(below) = known.or_else(|| schema.get("additionalProperties")) {
            let deeper = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            problems.extend(whole(value, below, &deeper, origins));
        }
    }
    problems
}

/// A limit of the schema; none: no limit.
fn limit(schema: &Json, name: &str) -> usize {
    schema.get(name).and_then(Json::as_u64).and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}
