//! The headings that part a file: those of CommonMark at its top level, found in time and memory that grow no faster
//! than the file.
//!
//! The parser holds a tree of what it reads, some sixty times as large as a hostile text. So a file is read in windows:
//! each is parsed from the beginning of a block to the beginning of the last block that it shows, where the next window
//! begins. A file that fits into one window is read exactly. Of a block that is longer than a window only the end is
//! looked for ([`long::end`]).

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd};

use super::long::{self, Kind};
use super::{CHUNKS_MAX, HEADING_CHARS_MAX};
use crate::text::{clean_line, floor_boundary};

/// The most bytes that are parsed at once; the parser needs up to 64 times as much memory.
const WINDOW_BYTES_MAX: usize = 128 * 1024;
/// Marks of lists and quotes that stand further to the right in a line open nothing. Each open one is looked at again
/// on every line below it, so that without a limit a file of 8 MiB would take hours.
const MARKS_COLUMN_MAX: usize = 128;

/// A heading at the top level.
pub(super) struct Heading {
    pub(super) level: HeadingLevel,
    pub(super) title: String,
    /// The title was longer than [`HEADING_CHARS_MAX`]: the heading is a passage of its own, so that no word is lost.
    pub(super) is_cut: bool,
    /// Where its line begins, in bytes.
    pub(super) start: usize,
    /// Where what is below it begins, in bytes.
    pub(super) end: usize,
}

/// The headings that stand at the top level of a text, [`CHUNKS_MAX`] at most; those inside lists and quotes don't part
/// it. In a text longer than a window, a paragraph longer than a window is no heading, an underlined heading right after
/// a longer list or quote may be missed, and a link's name in a heading keeps its brackets when the link is defined in
/// another window.
pub(super) fn headings(body: &str) -> Vec<Heading> {
    in_windows(body, WINDOW_BYTES_MAX)
}

pub(super) fn in_windows(body: &str, window_bytes: usize) -> Vec<Heading> {
    let mut found = Vec::new();
    let mut at = 0;
    while found.len() < CHUNKS_MAX {
        let rest = body.get(at..).unwrap_or_default();
        let window = window(rest, window_bytes);
        let last = read(&mut found, window, at);
        if window.len() == rest.len() {
            break;
        }
        let next = match last {
            None => window.len(),
            Some(last) if last.start > 0 => {
                let from = at + last.start;
                while found.pop_if(|heading| heading.start >= from).is_some() {}
                last.start
            }
            Some(only) => {
                let end = long::end(rest, window.len(), &only);
                if let Some(heading) = found.last_mut().filter(|_| is_heading_in_parts(&only, window)) {
                    (heading.is_cut, heading.end) = (true, at + end);
                }
                end
            }
        };
        at += next;
    }
    found.truncate(CHUNKS_MAX);
    found
}

/// A heading whose only line is longer than the window.
fn is_heading_in_parts(only: &long::Block, window: &str) -> bool {
    only.kind == Kind::Heading && !window.ends_with(['\n', '\r'])
}

/// The beginning of `rest` in whole lines, or a part of its first line when that is longer.
fn window(rest: &str, bytes: usize) -> &str {
    if rest.len() <= bytes {
        return rest;
    }
    // A carriage return at the very end may be half of a line's end.
    let shown = rest.get(..floor_boundary(rest, bytes.max(4))).unwrap_or(rest);
    let lines = shown.strip_suffix('\r').unwrap_or(shown).rfind(['\n', '\r']).map_or(shown.len(), |end| end + 1);
    shown.get(..lines).unwrap_or(shown)
}

/// Appends the headings of a window that begins at `base`, and gives the last block that it shows.
fn read(found: &mut Vec<Heading>, window: &str, base: usize) -> Option<long::Block> {
    let tamed = tamed(window);
    let (mut depth, mut inside, mut last) = (0usize, false, None);
    for (event, range) in Parser::new(&tamed).into_offset_iter() {
        if depth == 0 && matches!(event, Event::Start(_) | Event::Rule | Event::Html(_)) {
            last = Some(long::Block { kind: kind(&event), start: line_start(window, range.start), end: range.end });
        }
        match event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => {
                if found.len() > CHUNKS_MAX {
                    break;
                }
                let start = base + line_start(window, range.start);
                found.push(Heading { level, title: String::new(), is_cut: false, start, end: base + range.end });
                (inside, depth) = (true, 1);
            }
            Event::Start(_) => depth += 1,
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                if depth == 0 && matches!(end, TagEnd::Heading(_)) {
                    inside = false;
                    shorten(found);
                }
            }
            Event::Text(words) | Event::Code(words) if inside => append(found, &words),
            Event::SoftBreak | Event::HardBreak if inside => append(found, " "),
            _ => {}
        }
    }
    last
}

fn kind(event: &Event<'_>) -> Kind {
    match event {
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => Kind::Fenced,
        Event::Start(Tag::HtmlBlock) | Event::Html(_) => Kind::Html,
        Event::Start(Tag::Heading { .. }) => Kind::Heading,
        Event::Rule => Kind::Rule,
        Event::Start(Tag::Paragraph) => Kind::Paragraph,
        _ => Kind::Open,
    }
}

fn append(found: &mut [Heading], words: &str) {
    if let Some(heading) = found.last_mut() {
        heading.title.push_str(words);
    }
}

fn shorten(found: &mut [Heading]) {
    if let Some(heading) = found.last_mut() {
        heading.is_cut = heading.title.chars().nth(HEADING_CHARS_MAX).is_some();
        heading.title = clean_line(&heading.title, HEADING_CHARS_MAX);
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind(['\n', '\r'])).map_or(0, |end| end + 1)
}

/// The text in as many bytes, as the parser takes it: the marks of lists and quotes beyond [`MARKS_COLUMN_MAX`] are
/// overwritten, and a lone carriage return, which it knows in some places only, is a newline.
fn tamed(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, below) = rest.split_at_checked(long::line_bytes(rest)).unwrap_or((rest, ""));
        let marks = too_many_marks(line);
        if marks.is_some() || line.ends_with('\r') {
            let before = text.len() - rest.len();
            out.push_str(text.get(out.len()..before).unwrap_or_default());
            out.extend(line.char_indices().map(|(at, c)| match c {
                '\r' if at + 1 == line.len() => '\n',
                _ if c.is_whitespace() => c,
                _ if marks.as_ref().is_some_and(|marks| marks.contains(&at)) => 'x',
                _ => c,
            }));
        }
        rest = below;
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(out.len()..).unwrap_or_default());
    Cow::Owned(out)
}

/// Where the marks stand in a line that are too far to the right. A line of one mark only is a rule or an underline.
fn too_many_marks(line: &str) -> Option<Range<usize>> {
    let end = line.find(|c| !is_mark(c)).unwrap_or(line.len());
    let mut marks = line.get(..end)?.chars().filter(|c| !c.is_whitespace());
    let first = marks.next();
    let is_rule = end == line.len() && matches!(first, None | Some('-' | '*')) && marks.all(|c| Some(c) == first);
    (end > MARKS_COLUMN_MAX && !is_rule).then_some(MARKS_COLUMN_MAX..end)
}

fn is_mark(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '>' | '-' | '+' | '*' | '.' | ')' | '0'..='9')
}

#[cfg(test)]
mod tests;
