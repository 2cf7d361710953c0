//! What a context keeps of its conversation: a Markdown file that people edit, and that is changed entry by entry.
//!
//! ```text
//! # Memory
//!
//! - Ann prefers short answers. (in_28fgzygjw6m39rxr, 2026-11-22)
//! - A line that a person wrote, without a source.
//! ```
//!
//! An entry is a list item at the beginning of a line; indented lines that follow belong to it. A parenthesis at its end that
//! holds ids of inbound events and at most a date says where it came from. All else is kept byte for byte.

mod edit;
mod prompt;

pub use edit::{Edited, NewEntry, edit};
pub use prompt::{InPrompt, for_prompt};

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::text::clean_line;

/// The largest file that entries are added to, in bytes; more of it is not read for prompts.
pub const FILE_BYTES_MAX: usize = 65_536;
/// The longest entry that is added, in bytes, without where it came from.
pub const ENTRY_BYTES_MAX: usize = 600;
/// The most entries of a file that entries are added to.
pub const ENTRIES_MAX: usize = 200;
/// What goes into a prompt at most, in bytes.
pub const PROMPT_BYTES_MAX: usize = 8_192;
/// The shortest id of an entry, and the longest, in characters.
pub const ID_CHARS_MIN: usize = 5;
const ID_CHARS_MAX: usize = 16;
/// The characters of ids: Crockford's base 32.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands in the file, with the end of its last line.
    pub span: Range<usize>,
    /// Its words on one line, without where it came from.
    pub text: String,
    /// The inbound events that it came of; empty when a person wrote it.
    pub of: Vec<String>,
    /// The date that stands with them.
    pub date: Option<String>,
    /// Its whole id, made of its words; [`short_ids`] gives what people are shown.
    pub id: String,
}

/// A file, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// Its entries, in the order of the file.
    pub entries: Vec<Entry>,
    /// Where code begins that nothing closes: what stands behind it is no entry.
    unclosed: Option<usize>,
}

/// What a text is called as an entry.
#[must_use]
pub fn id_of(text: &str) -> String {
    let (mut id, mut buffer, mut bits) = (String::new(), 0u32, 0u32);
    for byte in Sha256::digest(text.as_bytes()).into_iter().take(ID_CHARS_MAX * 5 / 8) {
        buffer = (buffer << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let at = ((buffer >> bits) & 31) as usize;
            id.push(char::from(ALPHABET.get(at).copied().unwrap_or(b'0')));
        }
        buffer &= (1 << bits) - 1;
    }
    id
}

/// The ids that people see, one for each entry: five characters, more where two would be the same. Entries of the same
/// words have the same.
#[must_use]
pub fn short_ids(entries: &[Entry]) -> Vec<String> {
    let short = |entry: &Entry| {
        let is_shared = |chars: &usize| {
            let begin = entry.id.get(..*chars);
            entries.iter().any(|other| other.id != entry.id && other.id.get(..*chars) == begin)
        };
        let chars = (ID_CHARS_MIN..ID_CHARS_MAX).find(|chars| !is_shared(chars)).unwrap_or(ID_CHARS_MAX);
        entry.id.get(..chars).unwrap_or(&entry.id).to_owned()
    };
    entries.iter().map(short).collect()
}

/// Whether this could be the beginning of an entry's id.
#[must_use]
pub fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= ID_CHARS_MAX && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// Reads a file. Every text is one.
#[must_use]
pub fn parse(text: &str) -> Memory {
    let (mut memory, mut fence) = (Memory::default(), None::<(usize, &str)>);
    let mut lines = lines(text);
    while let Some((at, line)) = lines.next() {
        if let Some((_, mark)) = fence {
            fence = fence.filter(|_| !line.starts_with(mark));
        } else if let Some(mark) = ["```", "~~~"].into_iter().find(|mark| line.starts_with(mark)) {
            fence = Some((at, mark));
        } else if is_item(line) {
            let mut end = at + line.len();
            // An empty line belongs to the entry if an indented one follows it.
            let mut ahead = lines.clone();
            while let Some((next, line)) = ahead.next() {
                if is_indented(line) {
                    end = next + line.len();
                    lines = ahead.clone();
                } else if !line.trim().is_empty() {
                    break;
                }
            }
            memory.entries.push(entry(text, at..end));
        }
    }
    memory.unclosed = fence.map(|(at, _)| at);
    memory
}

/// Each line with its end, and where it begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> + Clone {
    text.split_inclusive('\n').scan(0, |at, line| {
        let begin = *at;
        *at += line.len();
        Some((begin, line))
    })
}

fn is_item(line: &str) -> bool {
    ["- ", "* ", "+ "].iter().any(|mark| line.strip_prefix(mark).is_some_and(|rest| !rest.trim().is_empty()))
}

fn is_indented(line: &str) -> bool {
    line.starts_with([' ', '\t']) && !line.trim().is_empty()
}

fn entry(file: &str, span: Range<usize>) -> Entry {
    let words = clean_line(file.get(span.start + 2..span.end).unwrap_or_default(), usize::MAX);
    let (text, of, date) = match sources(&words) {
        Some((text, of, date)) => (text.to_owned(), of, date),
        None => (words, Vec::new(), None),
    };
    Entry { span, id: id_of(&text), text, of, date }
}

/// The words before a parenthesis that says where they came from, and what it says.
fn sources(words: &str) -> Option<(&str, Vec<String>, Option<String>)> {
    let (text, inside) = words.strip_suffix(')')?.rsplit_once('(')?;
    let (mut of, mut date) = (Vec::new(), None);
    for part in inside.split([',', ' ']).filter(|part| !part.is_empty()) {
        if is_inbound(part) {
            of.push(part.to_owned());
        } else if is_date(part) && date.is_none() {
            date = Some(part.to_owned());
        } else {
            return None;
        }
    }
    let text = text.trim_end();
    (!of.is_empty() && !text.is_empty()).then_some((text, of, date))
}

/// An id of an inbound event: `in_` and 16 characters.
#[must_use]
pub fn is_inbound(word: &str) -> bool {
    word.strip_prefix("in_").is_some_and(|rest| rest.len() == ID_CHARS_MAX && is_id(rest))
}

fn is_date(word: &str) -> bool {
    let digits = |part: &str, len: usize| part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = word.split('-');
    let mut next = |len| parts.next().is_some_and(|part| digits(part, len));
    next(4) && next(2) && next(2) && parts.next().is_none()
}

#[cfg(test)]
mod tests;
