//! What is larger than one envelope: it goes in parts, by reference, and is compared with its hash when it is whole again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use messages::AskError;
use messages::envelope::Whole;
use ring::digest::{SHA256, digest};
use tokio::time::Instant;

use crate::envelope::BODY_BYTES_MAX;
use crate::limits::{KEPT_BYTES_MAX, KEPT_FOR, WHOLE_BYTES_MAX};

/// One that is on its way, or waits to be fetched.
struct Kept {
    since: Instant,
    parts: Vec<Vec<u8>>,
}

/// Those of one link, in one direction.
#[derive(Default)]
pub(crate) struct Parts(Mutex<HashMap<u64, Kept>>);

/// How something that is too large for one envelope goes.
///
/// # Errors
/// `TooLarge` above [`WHOLE_BYTES_MAX`].
pub(crate) fn whole_of(id: u64, bytes: &[u8]) -> Result<Whole, AskError> {
    if bytes.len() > WHOLE_BYTES_MAX {
        return Err(AskError::TooLarge { bytes: bytes.len(), bytes_max: WHOLE_BYTES_MAX });
    }
    Ok(Whole { id, length: u32::try_from(bytes.len()).unwrap_or(u32::MAX), sha256: hash(bytes) })
}

/// Its parts, each of which fits an envelope.
pub(crate) fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(BODY_BYTES_MAX - 64)
}

/// Of how many parts it is.
pub(crate) fn count(whole: &Whole) -> usize {
    (whole.length as usize).div_ceil(BODY_BYTES_MAX - 64)
}

/// It is what its hash says.
///
/// # Errors
/// `Decode` when it is not.
pub(crate) fn is_whole(whole: &Whole, bytes: Vec<u8>) -> Result<Vec<u8>, AskError> {
    if bytes.len() == whole.length as usize && hash(&bytes) == whole.sha256 {
        Ok(bytes)
    } else {
        Err(AskError::Decode("its parts are not what was announced".into()))
    }
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap_or_default()
}

impl Parts {
    /// Keeps all of it until it is fetched.
    ///
    /// # Errors
    /// `Busy` when too much is kept.
    pub(crate) fn keep(&self, id: u64, bytes: &[u8]) -> Result<(), AskError> {
        let parts: Vec<Vec<u8>> = split(bytes).map(<[u8]>::to_vec).collect();
        let mut kept = self.room_for(bytes.len())?;
        kept.insert(id, Kept { since: Instant::now(), parts });
        Ok(())
    }

    /// One more part of one that comes. Parts come in their order.
    ///
    /// # Errors
    /// `Busy` when too much is kept, `Decode` when parts are missing before it.
    pub(crate) fn put(&self, id: u64, n: usize, part: &[u8]) -> Result<(), AskError> {
        let mut kept = self.room_for(part.len())?;
        let one = kept.entry(id).or_insert_with(|| Kept { since: Instant::now(), parts: Vec::new() });
        if one.parts.len() != n {
            return Err(AskError::Decode("a part is missing".into()));
        }
        one.parts.push(part.to_vec());
        Ok(())
    }

    /// A part; with the last one it is forgotten.
    ///
    /// # Errors
    /// `Failed` when it is not there any more.
    pub(crate) fn part(&self, id: u64, n: usize) -> Result<Vec<u8>, AskError> {
        let gone = || AskError::Failed("it is kept no longer; ask again".into());
        let mut kept = self.lock();
        let parts = &mut kept.get_mut(&id).ok_or_else(gone)?.parts;
        let part = parts.get_mut(n).map(std::mem::take).ok_or_else(gone)?;
        if n + 1 == parts.len() {
            kept.remove(&id);
        }
        Ok(part)
    }

    /// All of one that has come.
    ///
    /// # Errors
    /// `Failed` when it is not there any more, `Decode` when it is not what was announced.
    pub(crate) fn take(&self, whole: &Whole) -> Result<Vec<u8>, AskError> {
        let kept = self.lock().remove(&whole.id);
        let kept = kept.ok_or_else(|| AskError::Failed("its parts are kept no longer; ask again".into()))?;
        is_whole(whole, kept.parts.concat())
    }

    fn room_for(&self, bytes: usize) -> Result<MutexGuard<'_, HashMap<u64, Kept>>, AskError> {
        let mut kept = self.lock();
        kept.retain(|_, one| one.since.elapsed() < KEPT_FOR);
        let held: usize = kept.values().flat_map(|one| &one.parts).map(Vec::len).sum();
        if held + bytes > KEPT_BYTES_MAX {
            let what = format!("{KEPT_BYTES_MAX} bytes of larger messages are on their way");
            return Err(AskError::Busy { what, retry_after: std::time::Duration::from_millis(100) });
        }
        Ok(kept)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_parts_is_whole_again_and_forgotten() {
        let bytes: Vec<u8> = (0..3 * BODY_BYTES_MAX).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let whole = whole_of(7, &bytes).unwrap();
        let (there, back) = (Parts::default(), Parts::default());
        for (n, part) in split(&bytes).enumerate() {
            there.put(7, n, part).unwrap();
        }
        assert_eq!(there.take(&whole).unwrap(), bytes);
        assert!(matches!(there.take(&whole), Err(AskError::Failed(_))));
        back.keep(7, &bytes).unwrap();
        let fetched: Vec<u8> = (0..count(&whole)).flat_map(|n| back.part(7, n).unwrap()).collect();
        assert_eq!(is_whole(&whole, fetched).unwrap(), bytes);
        assert!(matches!(back.part(7, 0), Err(AskError::Failed(_))));
    }

    #[test]
    fn a_part_that_is_missing_or_another_is_found() {
        let bytes = vec![1; 2 * BODY_BYTES_MAX];
        let whole = whole_of(7, &bytes).unwrap();
        let parts = Parts::default();
        assert!(matches!(parts.put(7, 1, &[1]), Err(AskError::Decode(_))));
        parts.put(8, 0, &bytes[..BODY_BYTES_MAX - 64]).unwrap();
        assert!(matches!(parts.take(&Whole { id: 8, ..whole }), Err(AskError::Decode(_))));
        let other = [&bytes[..bytes.len() - 1], &[2]].concat();
        assert!(matches!(is_whole(&whole, other), Err(AskError::Decode(_))));
    }

    #[test]
    fn sixteen_mebibytes_go_and_a_byte_more_does_not_and_what_is_kept_is_bounded() {
        let bytes = vec![0; WHOLE_BYTES_MAX + 1];
        assert!(whole_of(1, &bytes[1..]).is_ok());
        assert!(matches!(whole_of(1, &bytes), Err(AskError::TooLarge { .. })));
        let parts = Parts::default();
        for id in 0..(KEPT_BYTES_MAX / WHOLE_BYTES_MAX) as u64 {
            parts.keep(id, &bytes[1..]).unwrap();
        }
        assert!(matches!(parts.keep(99, &[0]), Err(AskError::Busy { .. })));
    }
}
