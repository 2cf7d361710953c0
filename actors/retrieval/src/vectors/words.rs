//! A text's words, normalised: BERT's basic tokenizer for uncased models
//! (<https://github.com/google-research/bert/blob/master/tokenization.py>). Lower case, without accents; punctuation and
//! Chinese characters are words of one character.

use unicode_normalization::UnicodeNormalization as _;

use super::characters::{is_dropped, is_ideograph, is_mark, is_punctuation, is_space};

/// Gives each word of the text to `found`, in order.
pub(super) fn each(text: &str, found: impl FnMut(&str)) {
    let mut words = Words { raw: String::new(), normal: String::new(), found };
    let mut rest = text;
    while !rest.is_empty() {
        rest = words.next(rest);
    }
}

/// The buffers are kept from word to word, as most texts have hundreds.
struct Words<F> {
    /// A word as it stands in the text, without what is dropped.
    raw: String,
    /// The same in lower case and without accents.
    normal: String,
    found: F,
}

impl<F: FnMut(&str)> Words<F> {
    /// Takes at least one character off the text; the rest.
    fn next<'t>(&mut self, text: &'t str) -> &'t str {
        let plain = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let (word, rest) = text.split_at_checked(plain).unwrap_or((text, ""));
        match rest.bytes().next() {
            Some(after) if !is_end(after) => self.any(text),
            _ => {
                self.plain(word);
                self.end(rest)
            }
        }
    }

    /// A word of ASCII letters and digits, as most are: no look at Unicode's tables.
    fn plain(&mut self, word: &str) {
        if !word.is_empty() {
            self.normal.clear();
            self.normal.push_str(word);
            self.normal.make_ascii_lowercase();
            (self.found)(&self.normal);
        }
    }

    /// What ended a plain word is white space or a word itself; or the end of the text.
    fn end<'t>(&mut self, text: &'t str) -> &'t str {
        let (end, rest) = text.split_at_checked(1).unwrap_or_default();
        if end.bytes().any(|byte| byte.is_ascii_punctuation()) {
            (self.found)(end);
        }
        rest
    }

    /// Words of any script, up to the next end of plain ones.
    fn any<'t>(&mut self, text: &'t str) -> &'t str {
        let (words, rest) =
            text.split_at_checked(text.bytes().take_while(|byte| !is_end(*byte)).count()).unwrap_or((text, ""));
        for c in words.chars().filter(|c| !is_dropped(*c)) {
            let alone = is_ideograph(c);
            if alone || is_space(c) {
                self.normalised();
            }
            self.raw.push(c);
            if alone {
                self.normalised();
            }
        }
        self.normalised();
        rest
    }

    /// Normalises what was gathered, and splits it again: a decomposed character may be punctuation or white space.
    fn normalised(&mut self) {
        self.normal.clear();
        self.normal.extend(self.raw.nfd().filter(|c| !is_mark(*c)).flat_map(char::to_lowercase));
        self.raw.clear();
        for word in self.normal.split_inclusive(is_apart).flat_map(parted) {
            if !word.is_empty() && !word.starts_with(is_space) {
                (self.found)(word);
            }
        }
    }
}

/// Ends the word before it, and is none or one itself.
fn is_apart(c: char) -> bool {
    is_space(c) || is_punctuation(c)
}

/// A word and the character that ended it, if one did.
fn parted(word: &str) -> [&str; 2] {
    let end = word.char_indices().next_back().filter(|(_, c)| is_apart(*c)).map_or(word.len(), |(at, _)| at);
    word.split_at_checked(end).unwrap_or((word, "")).into()
}

/// Where a word surely ends, whatever stands before: ASCII white space that is kept as such, or ASCII punctuation. Neither
/// changes under normalisation, nor what stands on its two sides.
fn is_end(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r') || byte.is_ascii_punctuation()
}
