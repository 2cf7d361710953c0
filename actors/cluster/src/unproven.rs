//! Connections that have not yet proved who they are: so many, and no more. When one more comes the oldest goes, so that
//! silent ones keep nobody out who proves itself in the milliseconds that this takes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::limits::UNPROVEN_MAX;

/// Those that are at it.
#[derive(Clone, Default)]
pub(crate) struct Unproven(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    next: u64,
    oldest_first: VecDeque<(u64, CancellationToken)>,
}

/// A place among them; dropped, it is free.
pub(crate) struct Place {
    unproven: Unproven,
    id: u64,
    given_up: CancellationToken,
}

impl Unproven {
    pub(crate) fn enter(&self) -> Place {
        let mut waiting = self.lock();
        if waiting.oldest_first.len() >= UNPROVEN_MAX
            && let Some((_, oldest)) = waiting.oldest_first.pop_front()
        {
            oldest.cancel();
        }
        waiting.next += 1;
        let (id, given_up) = (waiting.next, CancellationToken::new());
        waiting.oldest_first.push_back((id, given_up.clone()));
        Place { unproven: self.clone(), id, given_up }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Does `step`, unless the place is needed for others meanwhile.
    pub(crate) async fn unless_needed<T>(&self, step: impl Future<Output = Result<T, String>>) -> Result<T, String> {
        tokio::select! {
            done = step => done,
            () = self.given_up.cancelled() => Err(format!("it had not proved itself when {UNPROVEN_MAX} others came")),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.unproven.lock().oldest_first.retain(|(id, _)| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_than_there_are_places_for_takes_that_of_the_oldest() {
        let unproven = Unproven::default();
        let mut places: Vec<Place> = (0..UNPROVEN_MAX).map(|_| unproven.enter()).collect();
        assert!(places.iter().all(|place| !place.given_up.is_cancelled()));
        let newest = unproven.enter();
        assert!(places[0].given_up.is_cancelled());
        assert!(!places[1].given_up.is_cancelled());
        drop(places.drain(..2));
        let _free = unproven.enter();
        assert!(!places[0].given_up.is_cancelled() && !newest.given_up.is_cancelled());
    }
}
