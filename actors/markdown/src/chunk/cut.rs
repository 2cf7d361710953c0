//! Where a long section is cut: at a paragraph, a line, a sentence, a word, or between two characters.

use std::ops::Range;

use super::{CHUNK_BYTES_MAX, CHUNKS_MAX, Chunk};
use crate::text::floor_boundary;

/// A cut before this many bytes would leave crumbs; the next kind of place is tried instead.
const PIECE_BYTES_MIN: usize = CHUNK_BYTES_MAX / 3;

const PARAGRAPH_ENDS: [&str; 3] = ["\n\n", "\n\r\n", "\r\r"];
const LINE_ENDS: [&str; 2] = ["\n", "\r"];
const SENTENCE_ENDS: [&str; 7] = [". ", "! ", "? ", "。", "！", "？", "; "];

/// Appends the passages of `range` of `text`, until there are [`CHUNKS_MAX`].
pub(super) fn push<'a>(out: &mut Vec<Chunk<'a>>, text: &'a str, range: Range<usize>, heading: &str) {
    let mut at = range.start;
    while out.len() < CHUNKS_MAX {
        let rest = text.get(at..range.end).unwrap_or_default();
        let visible = rest.trim_start();
        at += rest.len() - visible.len();
        if visible.is_empty() {
            return;
        }
        let piece = visible.get(..piece_bytes(visible)).unwrap_or(visible);
        let shown = piece.trim_end();
        out.push(Chunk { heading: heading.to_owned(), start_byte: at, end_byte: at + shown.len(), text: shown });
        at += piece.len();
    }
}

fn piece_bytes(text: &str) -> usize {
    if text.len() <= CHUNK_BYTES_MAX {
        return text.len();
    }
    let end = floor_boundary(text, CHUNK_BYTES_MAX);
    let window = text.get(..end).unwrap_or(text);
    let last = |mark: &str| window.rfind(mark).map(|at| at + mark.len()).filter(|at| *at >= PIECE_BYTES_MIN);
    let last_of = |marks: &[&str]| marks.iter().filter_map(|mark| last(mark)).max();
    last_of(&PARAGRAPH_ENDS)
        .or_else(|| last_of(&LINE_ENDS))
        .or_else(|| last_of(&SENTENCE_ENDS))
        .or_else(|| last(" "))
        .unwrap_or(end)
}
