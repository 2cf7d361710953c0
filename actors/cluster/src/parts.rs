//! What is larger than one envelope: it goes in parts, by reference, and is compared with its hash when it is whole again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use messages::AskError;
use messages::envelope::Whole;
use ring::digest::{SHA256, digest};
use tokio::time::Instant;

use crate::envelope::BODY_BYTES_MAX;
use crate::limits::{KEPT_BYTES_MAX, KEPT_FOR, KEPT_PART_BYTES, KEPT_WHOLE_BYTES, WHOLE_BYTES_MAX};

/// The bytes of each part but the last.
const PART_BYTES: usize = BODY_BYTES_MAX - 64;
/// How often it is looked for what was kept too long.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One that is on its way, or waits to be fetched.
struct Kept {
    since: Instant,
    parts: Vec<Vec<u8>>,
    bytes: usize,
}

impl Kept {
    fn begun() -> Self {
        Self { since: Instant::now(), parts: Vec::new(), bytes: 0 }
    }

    /// What it is counted as.
    fn counts(&self) -> usize {
        KEPT_WHOLE_BYTES + self.parts.len() * KEPT_PART_BYTES + self.bytes
    }
}

/// Those of one link, in one direction.
#[derive(Default)]
pub(crate) struct Parts(Mutex<All>);

#[derive(Default)]
struct All {
    kept: HashMap<u64, Kept>,
    /// Of all that is kept, together.
    counts: usize,
    looked: Option<Instant>,
}

impl All {
    fn put(&mut self, id: u64, one: Kept) {
        self.take(id);
        self.counts += one.counts();
        self.kept.insert(id, one);
    }

    fn take(&mut self, id: u64) -> Option<Kept> {
        let one = self.kept.remove(&id)?;
        self.counts -= one.counts();
        Some(one)
    }

    fn check_room(&mut self, counts: usize) -> Result<(), AskError> {
        if self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
            self.looked = Some(Instant::now());
            self.kept.retain(|_, one| one.since.elapsed() < KEPT_FOR);
            self.counts = self.kept.values().map(Kept::counts).sum();
        }
        if self.counts + counts <= KEPT_BYTES_MAX {
            return Ok(());
        }
        let what = format!("{KEPT_BYTES_MAX} bytes of larger messages are on their way");
        Err(AskError::Busy { what, retry_after: Duration::from_millis(100) })
    }
}

/// An answer that is fetched part by part: no more of it than was announced.
pub(crate) struct Gathered {
    whole: Whole,
    bytes: Vec<u8>,
    next: usize,
}

impl Gathered {
    /// # Errors
    /// `TooLarge` when more is announced than may go.
    pub(crate) fn begin(whole: Whole) -> Result<Self, AskError> {
        let bytes = usize::try_from(whole.length).unwrap_or(usize::MAX);
        if bytes > WHOLE_BYTES_MAX {
            return Err(AskError::TooLarge { bytes, bytes_max: WHOLE_BYTES_MAX });
        }
        Ok(Self { whole, bytes: Vec::new(), next: 0 })
    }

    pub(crate) fn id(&self) -> u64 {
        self.whole.id
    }

    /// Which part comes next; `None`: all are there.
    pub(crate) fn next(&self) -> Option<usize> {
        (self.next < count(&self.whole)).then_some(self.next)
    }

    /// # Errors
    /// `Decode` when it is not as long as this part is.
    pub(crate) fn add(&mut self, part: &[u8]) -> Result<(), AskError> {
        let left = (self.whole.length as usize).saturating_sub(self.bytes.len());
        if part.is_empty() || part.len() != left.min(PART_BYTES) {
            return Err(AskError::Decode("a part is not as long as was announced".into()));
        }
        self.bytes.extend_from_slice(part);
        self.next += 1;
        Ok(())
    }

    /// # Errors
    /// `Decode` when it is not what was announced.
    pub(crate) fn whole(self) -> Result<Vec<u8>, AskError> {
        is_whole(&self.whole, self.bytes)
    }
}

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
    bytes.chunks(PART_BYTES)
}

/// Of how many parts it is.
fn count(whole: &Whole) -> usize {
    (whole.length as usize).div_ceil(PART_BYTES)
}

/// It is what its hash says.
///
/// # Errors
/// `Decode` when it is not.
fn is_whole(whole: &Whole, bytes: Vec<u8>) -> Result<Vec<u8>, AskError> {
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
        let one = Kept { bytes: bytes.len(), parts: split(bytes).map(<[u8]>::to_vec).collect(), ..Kept::begun() };
        let mut all = self.lock();
        all.check_room(one.counts())?;
        all.put(id, one);
        Ok(())
    }

    /// One more part of one that comes. Parts come in their order.
    ///
    /// # Errors
    /// `Busy` when too much is kept, `Decode` when parts are missing before it or it is empty, `TooLarge` when more comes
    /// than may go.
    pub(crate) fn put(&self, id: u64, n: usize, part: &[u8]) -> Result<(), AskError> {
        let mut all = self.lock();
        let (known, bytes) = all.kept.get(&id).map_or((0, part.len()), |one| (one.parts.len(), one.bytes + part.len()));
        if known != n || part.is_empty() {
            return Err(AskError::Decode("a part is missing or empty".into()));
        }
        if bytes > WHOLE_BYTES_MAX {
            all.take(id);
            return Err(AskError::TooLarge { bytes, bytes_max: WHOLE_BYTES_MAX });
        }
        let begins = if n == 0 { KEPT_WHOLE_BYTES } else { 0 };
        all.check_room(begins + KEPT_PART_BYTES + part.len())?;
        // It may have been kept too long by now.
        let mut one = if n == 0 { Kept::begun() } else { all.take(id).ok_or_else(gone)? };
        one.parts.push(part.to_vec());
        one.bytes = bytes;
        all.put(id, one);
        Ok(())
    }

    /// A part; with the last one it is forgotten.
    ///
    /// # Errors
    /// `Failed` when it is not there any more.
    pub(crate) fn part(&self, id: u64, n: usize) -> Result<Vec<u8>, AskError> {
        let mut all = self.lock();
        let mut one = all.take(id).ok_or_else(gone)?;
        let part = one.parts.get_mut(n).map(std::mem::take);
        one.bytes -= part.as_ref().map_or(0, Vec::len);
        if n + 1 != one.parts.len() {
            all.put(id, one);
        }
        part.ok_or_else(gone)
    }

    /// All of one that has come.
    ///
    /// # Errors
    /// `Failed` when it is not there any more, `Decode` when it is not what was announced.
    pub(crate) fn take(&self, whole: &Whole) -> Result<Vec<u8>, AskError> {
        let kept = self.lock().take(whole.id).ok_or_else(gone)?;
        is_whole(whole, kept.parts.concat())
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gone() -> AskError {
    AskError::Failed("its parts are kept no longer; ask again".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is counted, and how many are kept.
    fn stand(parts: &Parts) -> (usize, usize) {
        let all = parts.lock();
        (all.counts, all.kept.len())
    }

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
        let mut fetched = Gathered::begin(whole).unwrap();
        while let Some(n) = fetched.next() {
            fetched.add(&back.part(7, n).unwrap()).unwrap();
        }
        assert_eq!(fetched.whole().unwrap(), bytes);
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
        let bytes = vec![7; WHOLE_BYTES_MAX + 1];
        let whole = whole_of(1, &bytes[1..]).unwrap();
        assert!(matches!(whole_of(1, &bytes), Err(AskError::TooLarge { .. })));
        let parts = Parts::default();
        for id in 0..2 {
            parts.keep(id, &bytes[1..]).unwrap();
        }
        let begun = stand(&parts);
        assert!(matches!(parts.keep(99, &bytes[..2 * PART_BYTES]), Err(AskError::Busy { .. })));
        assert_eq!(stand(&parts), begun);
        // What comes is bounded by itself, before it is announced.
        let coming = Parts::default();
        for (n, part) in split(&bytes[1..]).enumerate() {
            coming.put(1, n, part).unwrap();
        }
        assert!(matches!(coming.put(1, count(&whole), &[7]), Err(AskError::TooLarge { .. })));
        assert_eq!(stand(&coming), (0, 0), "nothing is left of it");
    }

    #[test]
    fn many_small_ones_fill_the_room_as_large_ones_do_and_what_is_taken_makes_room_to_the_byte() {
        let parts = Parts::default();
        let each = KEPT_WHOLE_BYTES + KEPT_PART_BYTES + 1;
        let fit = u64::try_from(KEPT_BYTES_MAX / each).unwrap();
        (0..fit).for_each(|id| parts.put(id, 0, &[7]).unwrap());
        assert!(matches!(parts.put(fit, 0, &[7]), Err(AskError::Busy { .. })));
        // A further part of one that is there costs less; filled to the last byte.
        let left = KEPT_BYTES_MAX - stand(&parts).0;
        let last = vec![7; left - KEPT_PART_BYTES];
        assert!(matches!(parts.put(0, 1, &[&last[..], &[7]].concat()), Err(AskError::Busy { .. })));
        parts.put(0, 1, &last).unwrap();
        assert_eq!(stand(&parts).0, KEPT_BYTES_MAX);
        (0..fit).for_each(|id| drop(parts.take(&Whole { id, length: 1, sha256: [0; 32] })));
        assert_eq!(stand(&parts), (0, 0));
    }

    #[test]
    fn empty_parts_and_such_that_begin_nothing_leave_nothing() {
        let parts = Parts::default();
        for (n, part) in [(0, &[][..]), (1, &[7]), (u32::MAX as usize, &[7])] {
            assert!(matches!(parts.put(7, n, part), Err(AskError::Decode(_))), "{n}");
        }
        assert_eq!(stand(&parts), (0, 0));
    }

    #[test]
    fn no_more_of_an_answer_is_fetched_than_was_announced_and_nothing_when_that_is_too_much() {
        let whole = |length: usize| Whole { id: 7, length: u32::try_from(length).unwrap(), sha256: [0; 32] };
        let begin = |length| Gathered::begin(whole(length)).map(|gathered| gathered.next());
        assert_eq!(begin(WHOLE_BYTES_MAX), Ok(Some(0)));
        for length in [WHOLE_BYTES_MAX + 1, u32::MAX as usize] {
            assert!(matches!(begin(length), Err(AskError::TooLarge { .. })), "{length}");
        }
        let mut two = Gathered::begin(whole(PART_BYTES + 3)).unwrap();
        for length in [0, 3, PART_BYTES - 1, PART_BYTES + 1] {
            assert!(matches!(two.add(&vec![7; length]), Err(AskError::Decode(_))), "{length}");
        }
        two.add(&vec![7; PART_BYTES]).unwrap();
        assert!(matches!(two.add(&[7; 4]), Err(AskError::Decode(_))));
        two.add(&[7; 3]).unwrap();
        assert_eq!((two.next(), two.bytes.len()), (None, PART_BYTES + 3));
        assert!(matches!(two.add(&[]), Err(AskError::Decode(_))));
        assert!(matches!(two.whole(), Err(AskError::Decode(_))), "another hash");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_fetched_is_forgotten_after_a_while_and_makes_room() {
        let parts = Parts::default();
        let bytes = vec![7; WHOLE_BYTES_MAX];
        (0..2).for_each(|id| parts.keep(id, &bytes).unwrap());
        tokio::time::advance(KEPT_FOR - Duration::from_millis(1)).await;
        assert!(matches!(parts.keep(2, &bytes), Err(AskError::Busy { .. })));
        tokio::time::advance(LOOK_EVERY).await;
        parts.keep(2, &bytes).unwrap();
        assert_eq!(stand(&parts).1, 1);
    }
}
