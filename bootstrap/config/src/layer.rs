//! The layers as they were written, before anything is known about keys: trees of values with their places.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Problem;
use crate::origin::Origin;

/// What comes before the key in the name of a variable.
pub(crate) const ENV_PREFIX: &str = "AGENT_RUNTIME_";

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tree {
    pub(crate) at: Origin,
    pub(crate) value: Value,
}

/// What a layer says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Table(Vec<Entry>),
    List(Vec<Tree>),
    Text(String),
    Whole(i64),
    Flag(bool),
    /// A fraction or a date: nothing here takes one.
    Foreign(&'static str),
    /// Text from outside of a file; the schema says how it is to be read.
    Raw(String),
}

/// One key of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: Origin,
    pub(crate) tree: Tree,
}

/// A file's text as a tree.
///
/// # Errors
/// The first place where it is not TOML.
pub(crate) fn from_toml(text: &str, file: &Path) -> Result<Tree, Problem> {
    let places = Places { text, file };
    let table = DeTable::parse(text).map_err(|error| Problem {
        at: places.at(error.span().map_or(0, |span| span.start)),
        what: format!("this is not TOML: {}", error.message().replace('\n', ", ")),
    })?;
    Ok(Tree { at: places.at(table.span().start), value: places.table(table.get_ref()) })
}

struct Places<'t> {
    text: &'t str,
    file: &'t Path,
}

impl Places<'_> {
    fn at(&self, offset: usize) -> Origin {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let in_line = before.get(line_start..).unwrap_or_default();
        Origin::File {
            file: self.file.to_path_buf(),
            line: before.matches('\n').count() + 1,
            column: in_line.chars().count() + 1,
        }
    }

    fn table(&self, table: &DeTable<'_>) -> Value {
        let entry = |(key, value): (&Spanned<_>, _)| -> Entry {
            let name: &std::borrow::Cow<'_, str> = key.get_ref();
            Entry { key: name.to_string(), at: self.at(key.span().start), tree: self.tree(value) }
        };
        Value::Table(table.iter().map(entry).collect())
    }

    fn tree(&self, value: &Spanned<DeValue<'_>>) -> Tree {
        let read = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::Foreign("a number that is too large"), Value::Whole),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Array(items) => Value::List(items.iter().map(|item| self.tree(item)).collect()),
            DeValue::Table(table) => self.table(table),
            DeValue::Float(_) => Value::Foreign("a number with a fraction"),
            DeValue::Datetime(_) => Value::Foreign("a date"),
        };
        Tree { at: self.at(value.span().start), value: read }
    }
}

/// One value that was given outside of a file: its keys from the top, its text, and where it was given.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) keys: Vec<String>,
    pub(crate) text: String,
    pub(crate) at: Origin,
}

/// The keys of `AGENT_RUNTIME_NODE__NAME`: `node`, `name`. `None` when it is a variable of someone else.
pub(crate) fn env_keys(name: &str) -> Option<Vec<String>> {
    let keys = name.strip_prefix(ENV_PREFIX)?;
    Some(keys.split("__").map(str::to_ascii_lowercase).collect())
}

/// One value from outside of a file as a tree of its own, so that none hides another.
pub(crate) fn from_given(given: Given) -> Tree {
    let Given { keys, text, at } = given;
    let value = Tree { at: at.clone(), value: Value::Raw(text) };
    keys.into_iter().rev().fold(value, |tree, key| {
        let entry = Entry { key, at: at.clone(), tree };
        Tree { at: at.clone(), value: Value::Table(vec![entry]) }
    })
}
