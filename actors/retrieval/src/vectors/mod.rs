//! What a text is about, as a vector: the mean of the vectors of its word pieces, which come from a table that is built
//! into the program. There is no model at run time, so a text costs microseconds and gives the same vector everywhere.
//!
//! The table was made from all-MiniLM-L6-v2 in the way of [Model2Vec](https://github.com/MinishLab/model2vec); what it
//! holds, its licence and how it is made again stand in `model/README.md`. The way of a text: [`words`] (normalised and
//! split), [`pieces`] (words to numbers), [`table`] (numbers to vectors), [`vector`] (mean, likeness, signature).
//!
//! A search among many compares signatures first, as they are 32 bytes and a few instructions each, and then orders the
//! nearest by their vectors (binary quantisation with rescoring,
//! <https://huggingface.co/blog/embedding-quantization>).

mod characters;
mod pieces;
mod table;
#[cfg(test)]
mod tests;
mod vector;
mod words;

use markdown::text::cut;

use self::table::Table;

pub(crate) use self::vector::Signature;
pub(crate) use self::vector::{DIMS, Vector};

/// The bytes of a text that count, from its beginning; what follows changes a mean of so many words little, and the work
/// for one text stays bounded.
pub(crate) const EMBEDDED_BYTES_MAX: usize = 4_096;

/// What a text is about. `None` when no word of it is known, as of an empty one.
pub(crate) fn embed(text: &str) -> Option<Vector> {
    let table = Table::built_in()?;
    let mut sum = [0.0; DIMS];
    let mut ids = tokens(text, table);
    // A piece that stands often is added once; and what is added in one order gives the same for any order of words.
    ids.sort_unstable();
    for same in ids.chunk_by(|one, two| one == two) {
        table.add(same, &mut sum);
    }
    Vector::along(&sum)
}

/// The word pieces of a text's beginning, as the model's own tokenizer numbers them, with one exception: names of special
/// tokens, `[MASK]` and the like, are words like any other when a text holds them.
fn tokens(text: &str, table: &Table<'_>) -> Vec<u32> {
    let text = cut(text, EMBEDDED_BYTES_MAX);
    // Four bytes a token is usual, and too few cost only a copy.
    let mut ids = Vec::with_capacity(text.len() / 4);
    words::each(text, |word| table.pieces().split(word, &mut ids));
    ids
}
