//! Counts that only grow, by name and label: what actors have done since the node began.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The most labels that one name may have; what is counted beyond goes to [`OTHER`].
pub const METER_LABELS_MAX: usize = 256;
/// The label of what is counted beyond the limit.
const OTHER: &str = "other";

/// The counts of one node. A label is a kind or a model, never an actor's id, a person or a context.
#[derive(Default)]
pub struct Meters(Mutex<BTreeMap<&'static str, BTreeMap<String, u64>>>);

impl Meters {
    /// Counts `n` more.
    pub fn add(&self, name: &'static str, label: &str, n: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let labels = all.entry(name).or_default();
        let label = if labels.contains_key(label) || labels.len() < METER_LABELS_MAX { label } else { OTHER };
        match labels.get_mut(label) {
            Some(count) => *count = count.saturating_add(n),
            None => drop(labels.insert(label.to_owned(), n)),
        }
    }

    /// The counts of one name by label.
    #[must_use]
    pub fn of(&self, name: &str) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_a_most_and_nothing_is_lost_beyond() {
        let meters = Meters::default();
        for n in 0..METER_LABELS_MAX + 3 {
            meters.add("calls", &format!("m{n}"), 2);
        }
        meters.add("calls", "m0", 1);
        let counts = meters.of("calls");
        assert_eq!((counts.len(), counts["m0"], counts[OTHER]), (METER_LABELS_MAX + 1, 3, 6));
        assert!(meters.of("else").is_empty());
    }
}
