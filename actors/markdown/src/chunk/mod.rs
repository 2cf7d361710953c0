//! A file as passages under their headings, for search.

mod cut;

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use serde::Deserialize;
use serde_json::Value;

use crate::{frontmatter, text::clean_line};

/// The longest passage in bytes.
pub const CHUNK_BYTES_MAX: usize = 1_200;
/// The most passages of one file; what follows them is not searched.
pub const CHUNKS_MAX: usize = 10_000;
/// The longest heading in a trail, in characters.
pub const HEADING_CHARS_MAX: usize = 120;
/// The most tags that are read from a head.
pub const TAGS_MAX: usize = 64;

/// A passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The trail of headings above it, `A > B`; empty at the top.
    pub heading: String,
    /// Where it begins in the file, in bytes.
    pub start_byte: usize,
    /// Where it ends in the file, in bytes.
    pub end_byte: usize,
    /// The passage as it stands, [`CHUNK_BYTES_MAX`] bytes at most, without white space around it.
    pub text: &'a str,
}

/// What a knowledge file's head says to search; whatever else is in it is left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Front {
    /// `title`.
    pub title: Option<String>,
    /// `tags`, given as a list or as words parted by commas.
    pub tags: Vec<String>,
    /// `date`, milliseconds since the Unix epoch.
    pub date: Option<i64>,
}

/// The passages of a file in order, its frontmatter left out. A heading belongs to the trail of what follows it; one
/// with nothing below it is a passage of its own. Headings are those of CommonMark (also underlined ones, none inside
/// code).
#[must_use]
pub fn chunks(text: &str) -> Vec<Chunk<'_>> {
    let body = body_of(text);
    let base = text.len() - body.len();
    let headings = headings(body);
    let mut out = Vec::new();
    let mut trail: Vec<(HeadingLevel, String)> = Vec::new();
    cut::push(&mut out, text, base..base + headings.first().map_or(body.len(), |h| h.start), "");
    for (n, heading) in headings.iter().enumerate() {
        trail.retain(|(level, _)| *level < heading.level);
        trail.push((heading.level, heading.title.clone()));
        let shown: Vec<&str> = trail.iter().map(|(_, title)| title.as_str()).filter(|t| !t.is_empty()).collect();
        let before = out.len();
        if heading.is_cut {
            cut::push(&mut out, text, base + heading.start..base + heading.end, &shown.join(" > "));
        }
        let next = headings.get(n + 1);
        let end = next.map_or(body.len(), |h| h.start);
        cut::push(&mut out, text, base + heading.end..base + end, &shown.join(" > "));
        let has_children = next.is_some_and(|h| h.level > heading.level);
        if out.len() == before && !has_children {
            cut::push(&mut out, text, base + heading.start..base + heading.end, &shown.join(" > "));
        }
        if out.len() >= CHUNKS_MAX {
            break;
        }
    }
    out
}

/// A text that is no file, such as what somebody said, as passages in order.
#[must_use]
pub fn pieces(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    cut::push(&mut out, text, 0..text.len(), "");
    out.into_iter().map(|chunk| chunk.text).collect()
}

/// p
#[must_use]
pub fn section(text: &str, heading: &str) -> Option<std::ops::Range<usize>> {
    let _ = (text, heading);
    None
}
/// p
#[must_use]
pub fn sections(text: &str) -> Vec<String> {
    let _ = text;
    Vec::new()
}

/// What the file is called: the `title` of its head, else its first heading of the highest level there is.
#[must_use]
pub fn title(text: &str) -> Option<String> {
    front(text).title.or_else(|| {
        let headings = headings(body_of(text));
        headings.into_iter().filter(|h| !h.title.is_empty()).min_by_key(|h| h.level).map(|h| h.title)
    })
}

/// What the file's head says to search. A head that is broken says nothing; the file is searched all the same.
#[must_use]
pub fn front(text: &str) -> Front {
    #[derive(Deserialize)]
    struct Raw {
        title: Option<Value>,
        tags: Option<Value>,
    }
    if !matches!(frontmatter::split(text), Ok(parts) if parts.yaml.is_some()) {
        return Front::default();
    }
    let Ok(document) = frontmatter::parse::<Raw>(text) else {
        return Front::default();
    };
    let title = document.front.title.as_ref().and_then(word).filter(|title| !title.is_empty());
    let tags = match document.front.tags {
        Some(Value::Array(list)) => list.iter().filter_map(word).take(TAGS_MAX).collect(),
        Some(Value::String(words)) => {
            words.split(',').take(TAGS_MAX).map(|w| clean_line(w, HEADING_CHARS_MAX)).collect()
        }
        _ => Vec::new(),
    };
    Front { title, tags, date: None }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(clean_line(text, HEADING_CHARS_MAX)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn body_of(text: &str) -> &str {
    frontmatter::split(text).map_or(text, |parts| parts.body)
}

struct Heading {
    level: HeadingLevel,
    title: String,
    /// The title was longer than [`HEADING_CHARS_MAX`]: the heading is a passage of its own, so that no word is lost.
    is_cut: bool,
    start: usize,
    end: usize,
}

/// The headings that stand at the top level of a text; those inside lists and quotes don't part it.
fn headings(body: &str) -> Vec<Heading> {
    let mut found: Vec<Heading> = Vec::new();
    let (mut depth, mut inside) = (0usize, false);
    for (event, range) in Parser::new(body).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => {
                if found.len() >= CHUNKS_MAX {
                    break;
                }
                inside = true;
                found.push(Heading { level, title: String::new(), is_cut: false, start: range.start, end: range.end });
                depth += 1;
            }
            Event::Start(_) => depth += 1,
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                inside &= !(depth == 0 && matches!(end, TagEnd::Heading(_)));
            }
            Event::Text(words) | Event::Code(words) if inside => append(&mut found, &words),
            Event::SoftBreak | Event::HardBreak if inside => append(&mut found, " "),
            _ => {}
        }
    }
    for heading in &mut found {
        heading.is_cut = heading.title.chars().nth(HEADING_CHARS_MAX).is_some();
        heading.title = clean_line(&heading.title, HEADING_CHARS_MAX);
    }
    found
}

fn append(found: &mut [Heading], words: &str) {
    if let Some(heading) = found.last_mut() {
        heading.title.push_str(words);
    }
}

#[cfg(test)]
mod tests;
