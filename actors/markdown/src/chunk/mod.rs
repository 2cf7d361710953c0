//! A file as passages under their headings, for search.

mod cut;
mod front;
mod headings;
mod long;
mod section;

pub use front::{Front, front};
pub use section::{SECTIONS_SHOWN_MAX, section, sections};

use self::headings::headings;
use self::section::Trail;
use crate::frontmatter;

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

/// The passages of a file in order, its frontmatter left out. A heading belongs to the trail of what follows it; one
/// with nothing below it is a passage of its own. Headings are those of CommonMark (also underlined ones, none inside
/// code).
#[must_use]
pub fn chunks(text: &str) -> Vec<Chunk<'_>> {
    let body = body_of(text);
    let base = text.len() - body.len();
    let headings = headings(body);
    let mut out = Vec::new();
    let mut trail = Trail::default();
    cut::push(&mut out, text, base..base + headings.first().map_or(body.len(), |h| h.start), "");
    for (n, heading) in headings.iter().enumerate() {
        trail.enter(heading);
        let shown = trail.shown();
        let before = out.len();
        if heading.is_cut {
            cut::push(&mut out, text, base + heading.start..base + heading.end, &shown);
        }
        let next = headings.get(n + 1);
        let end = next.map_or(body.len(), |h| h.start);
        cut::push(&mut out, text, base + heading.end..base + end, &shown);
        let has_children = next.is_some_and(|h| h.level > heading.level);
        if out.len() == before && !has_children {
            cut::push(&mut out, text, base + heading.start..base + heading.end, &shown);
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

/// What the file is called: the `title` of its head, else its first heading of the highest level there is.
#[must_use]
pub fn title(text: &str) -> Option<String> {
    front(text).title.or_else(|| {
        let headings = headings(body_of(text));
        headings.into_iter().filter(|h| !h.title.is_empty()).min_by_key(|h| h.level).map(|h| h.title)
    })
}

fn body_of(text: &str) -> &str {
    frontmatter::split(text).map_or(text, |parts| parts.body)
}

#[cfg(test)]
mod tests;
