//! Samples of a run of any length in bounded memory: when there are too many, every second one is left out.

use std::time::Duration;

use super::sample::Sample;

/// Samples that are kept.
const KEPT_MAX: usize = 512;

#[derive(Debug)]
pub(super) struct Series {
    pub(super) samples: Vec<Sample>,
    /// The time between two.
    every: Duration,
    next_at: Duration,
}

impl Series {
    /// One at each second to begin with.
    pub(super) fn new() -> Self {
        Self { samples: Vec::new(), every: Duration::from_secs(1), next_at: Duration::ZERO }
    }

    pub(super) fn is_due(&self, at: Duration) -> bool {
        at >= self.next_at
    }

    pub(super) fn push(&mut self, at: Duration, sample: Sample) {
        if self.samples.len() == KEPT_MAX {
            let mut n = 0_usize;
            self.samples.retain(|_| {
                n += 1;
                n % 2 == 1
            });
            self.every *= 2;
        }
        self.next_at = at + self.every;
        self.samples.push(sample);
    }

    /// Those after the warm-up, which is the first fifth.
    pub(super) fn warm(&self) -> &[Sample] {
        let end_s = self.samples.last().map_or(0.0, |sample| sample.at_s);
        let from = self.samples.iter().position(|sample| sample.at_s >= end_s / 5.0).unwrap_or(0);
        self.samples.get(from..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_samples_stay_few_and_cover_all_of_the_time() {
        let mut series = Series::new();
        let mut taken = 0;
        for second in 0..3 * 86_400_u32 {
            let at = Duration::from_secs(u64::from(second));
            if series.is_due(at) {
                series.push(at, Sample { at_s: f64::from(second), ..Sample::default() });
                taken += 1;
            }
        }
        let (first, last) = (series.samples.first().unwrap().at_s, series.samples.last().unwrap().at_s);
        assert!(series.samples.len() <= KEPT_MAX && taken < 8_000, "{} of {taken}", series.samples.len());
        assert!(first < 1.0 && last > 258_000.0, "{first} to {last}");
        assert!(series.warm()[0].at_s >= last / 5.0);
        let steps: Vec<f64> = series.samples.windows(2).map(|pair| pair[1].at_s - pair[0].at_s).collect();
        assert!(steps.iter().all(|step| *step >= 256.0 && *step <= 1_100.0), "they are even: {steps:?}");
    }
}
