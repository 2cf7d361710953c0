//! The passages nearest in meaning: a signature of one bit a dimension is held in memory for each passage; those with the
//! fewest bits that differ are looked at more closely by who asks.
//!
//! Binary quantisation with rescoring: <https://huggingface.co/blog/embedding-quantization>.

use std::sync::{Arc, Mutex, PoisonError};

use gate::Identity;
use rusqlite::Connection;

use crate::database::Trouble;
use crate::passages::changes;
use crate::vectors::Signature;

/// Passages whose files are looked at for one query at most. Where nearly all of a large workspace is out of reach, what
/// is near and lies behind them is found by its words only.
pub(crate) const NEAREST_MAX: usize = 4_096;

/// All signatures of a database: 44 bytes a passage.
#[derive(Debug, Default)]
pub(crate) struct Signatures {
    of: (Identity, i64),
    passages: Vec<(i64, i64)>,
    bits: Vec<Signature>,
}

/// The signatures that were read last, kept while searches come one after another.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Option<Arc<Signatures>>>);

impl Kept {
    /// The signatures of the database as `connection` sees it; `file` is what the database is on disk.
    pub(crate) fn of(&self, connection: &Connection, file: Identity) -> Result<Arc<Signatures>, Trouble> {
        let now = (file, changes(connection)?);
        if let Some(kept) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && kept.of == now
        {
            return Ok(kept.clone());
        }
        let read = Arc::new(Signatures::read(connection, now)?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(read.clone());
        Ok(read)
    }

    pub(crate) fn let_go(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Signatures {
    fn read(connection: &Connection, of: (Identity, i64)) -> Result<Self, Trouble> {
        let mut statement = connection.prepare_cached("SELECT passage, file, bits FROM signature")?;
        let mut rows = statement.query([])?;
        let mut all = Self { of, ..Self::default() };
        while let Some(row) = rows.next()? {
            let bits = Signature::from_bytes(row.get_ref(2)?.as_blob().unwrap_or_default());
            let bits = bits.ok_or_else(|| Trouble::Damaged("a signature has another length".to_owned()))?;
            all.passages.push((row.get(0)?, row.get(1)?));
            all.bits.push(bits);
        }
        Ok(all)
    }

    /// Passage and file of the nearest, nearest first, [`NEAREST_MAX`] at most.
    pub(crate) fn nearest(&self, to: &Signature) -> Vec<(i64, i64)> {
        let distances: Vec<u32> = self.bits.iter().map(|bits| bits.distance(to)).collect();
        let mut by_distance = [0usize; 257];
        for distance in &distances {
            if let Some(count) = by_distance.get_mut(*distance as usize) {
                *count += 1;
            }
        }
        let mut sum = 0;
        let limit = by_distance.iter().position(|count| {
            sum += count;
            sum >= NEAREST_MAX
        });
        let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(256);
        let mut nearest: Vec<(u32, (i64, i64))> = distances
            .into_iter()
            .zip(self.passages.iter().copied())
            .filter(|(distance, _)| *distance <= limit)
            .collect();
        nearest.sort_unstable();
        nearest.into_iter().take(NEAREST_MAX).map(|(_, passage)| passage).collect()
    }
}
