//! How values are distributed, counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of values by upper bound.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what is above the last.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

/// A histogram as it was at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistogramView {
    /// (upper bound, values up to it), ascending; each counts those below it, too.
    pub buckets: Vec<(u64, u64)>,
    /// All values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
}

impl Histogram {
    /// `bounds` ascend.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts one value.
    pub fn add(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// The counts now.
    #[must_use]
    pub fn view(&self) -> HistogramView {
        let mut count = 0_u64;
        let mut up_to = |one: &AtomicU64| {
            count += one.load(Ordering::Relaxed);
            count
        };
        let mut sums: Vec<u64> = self.counts.iter().map(&mut up_to).collect();
        let count = sums.pop().unwrap_or_default();
        let buckets = self.bounds.iter().copied().zip(sums).collect();
        HistogramView { buckets, count, sum: self.sum.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_a_bound_is_counted_below_it_and_each_bucket_counts_those_before_it() {
        let histogram = Histogram::new(&[1, 10]);
        for value in [0, 1, 2, 10, 11] {
            histogram.add(value);
        }
        let view = histogram.view();
        assert_eq!((view.buckets, view.count, view.sum), (vec![(1, 2), (10, 4)], 5, 24));
    }
}
