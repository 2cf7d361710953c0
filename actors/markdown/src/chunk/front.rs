//! What a knowledge file's head says to search.

use serde::Deserialize;
use serde_json::Value;

use super::{HEADING_CHARS_MAX, TAGS_MAX};
use crate::{civil, frontmatter, text::clean_line};

/// What a knowledge file's head says to search; whatever else is in it is left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Front {
    /// `title`.
    pub title: Option<String>,
    /// `tags`, given as a list or as words parted by commas.
    pub tags: Vec<String>,
    /// `date`, or `created` when there is no `date`: milliseconds since the Unix epoch, UTC; `None` when it is no date
    /// ([`civil::parse_date`]).
    pub date: Option<i64>,
}

#[derive(Deserialize)]
struct Raw {
    title: Option<Value>,
    tags: Option<Value>,
    date: Option<Value>,
    created: Option<Value>,
}

/// What the file's head says to search. A head that is broken says nothing; the file is searched all the same.
#[must_use]
pub fn front(text: &str) -> Front {
    let Some(head) = frontmatter::split(text).ok().filter(|parts| parts.yaml.is_some()) else {
        return Front::default();
    };
    // Only the head, so that the body is not copied.
    let head = text.get(..text.len() - head.body.len()).unwrap_or_default();
    let Ok(document) = frontmatter::parse::<Raw>(head) else {
        return Front::default();
    };
    let raw = document.front;
    let title = raw.title.as_ref().and_then(word).filter(|title| !title.is_empty());
    let date = raw.date.or(raw.created).as_ref().and_then(Value::as_str).and_then(civil::parse_date);
    Front { title, tags: raw.tags.as_ref().map(tags).unwrap_or_default(), date }
}

fn tags(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().filter_map(word).filter(|tag| !tag.is_empty()).take(TAGS_MAX).collect(),
        Value::String(words) => {
            let words = words.split(',').map(|word| clean_line(word, HEADING_CHARS_MAX));
            words.filter(|tag| !tag.is_empty()).take(TAGS_MAX).collect()
        }
        _ => Vec::new(),
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(clean_line(text, HEADING_CHARS_MAX)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
