//! The file that `config init` writes, made from the schema.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use crate::reference::sentence;
use crate::schema::schema;
use crate::words;

/// Characters of a line of comment.
const LINE_CHARS_MAX: usize = 100;

const INTRO: &str = "\
# The configuration of Agent Runtime: every key with its default.
#
# A line that begins with `#` and a key is not in force; take the `#` away and change the value. What is not set follows
# the defaults of the program that runs. `agent-runtime config check` tells what is wrong here, and
# `agent-runtime config explain KEY` what a key does and where its value comes from.
#
# No secret is written here: `key_secret` names one of the store of secrets, `key_file` a file that only its owner can
# read, `key_env` an environment variable.
";

/// A commented `agent-runtime.toml` with every key and its default; as it stands it sets nothing.
#[must_use]
pub fn template() -> String {
    let mut out = INTRO.to_owned();
    table(&mut out, &schema(), "", "");
    out
}

/// One table and those below it. `mark` is put before the heading of a table whose name is only an example.
fn table(out: &mut String, of: &Json, path: &str, mark: &str) {
    let keys = of.get("properties").and_then(Json::as_object).cloned().unwrap_or_default();
    let (tables, leaves): (Map<_, _>, Map<_, _>) = keys.into_iter().partition(|(_, of)| words::kind(of) == "object");
    if !leaves.is_empty() {
        out.push('\n');
        comment(out, &sentence(of));
        // Writing to a text can't fail.
        let _written = writeln!(out, "{mark}[{path}]");
        for (key, leaf) in &leaves {
            self::leaf(out, key, leaf);
        }
    }
    for (key, of) in &tables {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        table(out, of, &below, mark);
        if let Some(each) = of.get("additionalProperties").filter(|each| each.is_object()) {
            table(out, each, &format!("{below}.{}", example_name(of)), "#");
        }
    }
}

/// A name that a free table may have.
fn example_name(of: &Json) -> &'static str {
    if of.get("x-name").and_then(Json::as_str) == Some("id") { "home" } else { "example" }
}

fn leaf(out: &mut String, key: &str, of: &Json) {
    let default = of.get("default").filter(|value| !value.is_null());
    let none = if default.is_some() { "" } else { " Not set by itself; what stands here is an example." };
    comment(out, &format!("{} Takes {}.{none}", sentence(of), words::expected(of)));
    // JSON of texts, numbers and lists is TOML too.
    let _written = writeln!(out, "#{key} = {}", default.cloned().unwrap_or_else(|| example(of)));
}

/// A value of the right shape for a key that has no default.
fn example(of: &Json) -> Json {
    if let Some(first) = words::choices(of).and_then(|all| all.first().copied()) {
        return first.into();
    }
    match (words::kind(of), of.get("format").and_then(Json::as_str)) {
        ("integer", _) => of.get("minimum").cloned().unwrap_or_else(|| 1.into()),
        ("boolean", _) => false.into(),
        ("array", _) => Json::Array(Vec::new()),
        (_, Some("path")) => "/path/to/file".into(),
        (_, Some("http-url")) => "https://api.example.org/v1".into(),
        (_, Some("secret-name")) => "example".into(),
        (_, Some("env-name")) => "EXAMPLE_API_KEY".into(),
        _ => "name".into(),
    }
}

/// Words in lines of comment.
fn comment(out: &mut String, words: &str) {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.chars().count() + word.chars().count() >= LINE_CHARS_MAX {
            out.push_str(&line);
            out.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}
