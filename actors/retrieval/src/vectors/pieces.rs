//! A word's pieces: WordPiece, the longest piece that fits first, from left to right
//! (<https://github.com/google-research/bert/blob/master/tokenization.py>, `WordpieceTokenizer`).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The longest word that is split, in characters; a longer one is unknown.
const WORD_CHARS_MAX: usize = 100;
/// What stands before a piece that does not begin a word.
const CONTINUES: &str = "##";
/// The piece that stands for a word that can't be split into known ones.
const UNKNOWN: &str = "[UNK]";

/// The known pieces by what they say.
pub(super) struct Pieces<'f> {
    beginning: Ids<'f>,
    /// Without their mark, so that a look-up puts no text together.
    continuing: Ids<'f>,
    unknown: u32,
}

impl<'f> Pieces<'f> {
    /// The pieces in the order of their numbers. `None` when no piece stands for unknown words.
    pub(super) fn of(vocabulary: &[&'f str]) -> Option<Self> {
        let mut pieces = Self { beginning: Ids::default(), continuing: Ids::default(), unknown: 0 };
        for (id, piece) in (0..).zip(vocabulary) {
            // `##` alone can't be left without text: a piece of nothing would fit for ever.
            match piece.strip_prefix(CONTINUES).filter(|rest| !rest.is_empty()) {
                Some(rest) => pieces.continuing.insert(rest, id),
                None => pieces.beginning.insert(piece, id),
            }
        }
        pieces.unknown = *pieces.beginning.ids.get(UNKNOWN)?;
        Some(pieces)
    }

    /// Puts the numbers of a word's pieces behind `ids`; all of it is unknown when a part is.
    pub(super) fn split(&self, word: &str, ids: &mut Vec<u32>) {
        let before = ids.len();
        if self.try_split(word, ids).is_none() {
            ids.truncate(before);
            ids.push(self.unknown);
        }
    }

    fn try_split(&self, word: &str, ids: &mut Vec<u32>) -> Option<()> {
        if word.len() > WORD_CHARS_MAX && word.chars().nth(WORD_CHARS_MAX).is_some() {
            return None;
        }
        let mut known = &self.beginning;
        let mut rest = word;
        while !rest.is_empty() {
            let (id, after) = known.longest_of(rest)?;
            ids.push(id);
            rest = after;
            known = &self.continuing;
        }
        Some(())
    }
}

#[derive(Default)]
struct Ids<'f> {
    ids: HashMap<&'f str, u32, BuildHasherDefault<Quick>>,
    /// Of the longest piece, in bytes.
    bytes_max: usize,
}

impl<'f> Ids<'f> {
    fn insert(&mut self, piece: &'f str, id: u32) {
        // A piece that stands twice is what its first place says, as nothing is told of the second.
        if !piece.is_empty() {
            self.ids.entry(piece).or_insert(id);
            self.bytes_max = self.bytes_max.max(piece.len());
        }
    }

    /// The longest piece that the text begins with, and what stands behind it.
    fn longest_of<'t>(&self, text: &'t str) -> Option<(u32, &'t str)> {
        (1..=text.len().min(self.bytes_max)).rev().find_map(|end| {
            let (piece, rest) = text.split_at_checked(end)?;
            Some((*self.ids.get(piece)?, rest))
        })
    }
}

/// A hash for the maps above, several times as fast as the library's for such short texts. That nobody can guess it is not
/// needed: a text can only look pieces up, and which pieces share a place is fixed with the table. The way is that of
/// Firefox (<https://github.com/rust-lang/rustc-hash>, before its version 2).
#[derive(Default)]
struct Quick(u64);

impl Quick {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        self.mix(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }

    /// The end of a text: nothing follows it here.
    fn write_u8(&mut self, _end: u8) {}

    /// The maps look at the highest and the lowest bits; the best mixed ones are the highest.
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}
