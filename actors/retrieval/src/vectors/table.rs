//! The file of piece vectors that is built into the program. `model/make.py` writes it and `model/README.md` says how it
//! is laid out.

use std::sync::LazyLock;

use super::pieces::Pieces;
use super::vector::DIMS;

static FILE: &[u8] = include_bytes!("../../model/static.bin");
static BUILT_IN: LazyLock<Option<Table<'static>>> = LazyLock::new(|| Table::parse(FILE));

const MAGIC: [u8; 8] = *b"PIECEVEC";
const VERSION: u32 = 1;

/// A vector for each known piece: a row of bytes, and what one step of them is worth in this row.
pub(super) struct Table<'f> {
    pieces: Pieces<'f>,
    scales: Vec<f32>,
    /// Signed bytes.
    rows: &'f [[u8; DIMS]],
}

impl Table<'static> {
    /// The table that came with the program, read at its first use (some milliseconds). It is always there: that its file
    /// can be read is tested.
    pub(super) fn built_in() -> Option<&'static Self> {
        BUILT_IN.as_ref()
    }
}

impl<'f> Table<'f> {
    /// Reads a table's file. `None` when it is damaged or of another version.
    pub(super) fn parse(file: &'f [u8]) -> Option<Self> {
        let (magic, rest) = file.split_first_chunk()?;
        let (version, rest) = number(rest)?;
        let (count, rest) = number(rest)?;
        let (dims, rest) = number(rest)?;
        if *magic != MAGIC || version != VERSION || usize::try_from(dims).ok()? != DIMS {
            return None;
        }
        let count = usize::try_from(count).ok()?;
        let (scales, rest) = rest.split_at_checked(count.checked_mul(size_of::<f32>())?)?;
        let (rows, vocabulary) = rest.split_at_checked(count.checked_mul(DIMS)?)?;
        let vocabulary: Vec<&str> = std::str::from_utf8(vocabulary).ok()?.split('\n').collect();
        let scales: Vec<f32> = scales.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if vocabulary.len() != count || !scales.iter().all(|scale| scale.is_finite() && *scale >= 0.0) {
            return None;
        }
        Some(Self { pieces: Pieces::of(&vocabulary)?, scales, rows: rows.as_chunks().0 })
    }

    /// The pieces that have a vector here.
    pub(super) fn pieces(&self) -> &Pieces<'f> {
        &self.pieces
    }

    /// Adds the vector of a piece to a sum, as many times as it stands in `same`, which holds nothing else. Special pieces
    /// and unknown words have vectors of nothing.
    pub(super) fn add(&self, same: &[u32], sum: &mut [f32; DIMS]) {
        let Some((scale, row)) = same.first().and_then(|id| self.row(*id)) else { return };
        let scale = scale * f32::from(u16::try_from(same.len()).unwrap_or(u16::MAX));
        // A plain loop, so that the compiler makes it one over many lanes.
        for (sum, step) in sum.iter_mut().zip(row) {
            *sum += f32::from(step.cast_signed()) * scale;
        }
    }

    fn row(&self, id: u32) -> Option<(f32, &'f [u8; DIMS])> {
        let id = usize::try_from(id).ok()?;
        let scale = *self.scales.get(id)?;
        Some((scale, self.rows.get(id)?)).filter(|_| scale > 0.0)
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}
