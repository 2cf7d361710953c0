//! Wakes that can wait a moment, gathered so that they ride along with others.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use messages::Address;

/// How long such a wake may be held back. Under load something else wakes the address before; without load nobody waits.
pub(crate) const SOON: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(crate) struct Soon(Mutex<HashSet<Address>>);

impl Soon {
    /// `true`: it is the first of a new round, and somebody must take the round when its time has come.
    pub(crate) fn add(&self, address: &Address) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = waiting.is_empty();
        waiting.insert(address.clone());
        is_first
    }

    pub(crate) fn take(&self) -> HashSet<Address> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_round_at_a_time_is_taken_whole() {
        let (soon, a, b) = (Soon::default(), Address::fixed("a"), Address::fixed("b"));
        assert_eq!([soon.add(&a), soon.add(&b), soon.add(&a)], [true, false, false]);
        assert_eq!(soon.take().len(), 2);
        assert!(soon.add(&a), "the next one begins a new round");
    }
}
