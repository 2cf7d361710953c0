//! Whether something grows: a slope that single peaks do not bend, and what it is held against. Pure.

use serde::Serialize;

/// A slope over less time than this says nothing.
const SPAN_S_MIN: f64 = 300.0;
const SECONDS_PER_HOUR: f64 = 3_600.0;

/// What is said of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does not grow.
    Flat,
    /// It grows.
    Grows,
    /// It was looked at for too short a time.
    TooShort,
}

/// From where on something grows: both must be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Limits {
    /// Of the slope, an hour.
    pub per_hour: f64,
    /// Of the slope over the time that was looked at: less is noise.
    pub in_all: f64,
}

/// One measure over time.
#[derive(Debug, Clone, Serialize)]
pub struct Measure {
    /// After the warm-up.
    pub first: f64,
    /// At the end.
    pub last: f64,
    /// The median.
    pub median: f64,
    /// The most.
    pub max: f64,
    /// The slope by Theil and Sen: the median of the slopes between all pairs.
    pub slope_per_hour: f64,
    /// What the verdict was made by.
    pub limits: Limits,
    /// The verdict.
    pub verdict: Verdict,
}

impl Measure {
    /// Of points in time, in seconds, with their values.
    pub(super) fn of(points: &[(f64, f64)], limits: Limits) -> Self {
        let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        let span_s = points.last().map_or(0.0, |last| last.0) - points.first().map_or(0.0, |first| first.0);
        let slope_per_hour = theil_sen(points) * SECONDS_PER_HOUR;
        let in_all = slope_per_hour * span_s / SECONDS_PER_HOUR;
        let verdict = if span_s < SPAN_S_MIN {
            Verdict::TooShort
        } else if slope_per_hour > limits.per_hour && in_all > limits.in_all {
            Verdict::Grows
        } else {
            Verdict::Flat
        };
        Self {
            first: values.first().copied().unwrap_or_default(),
            last: values.last().copied().unwrap_or_default(),
            max: values.iter().copied().fold(0.0, f64::max),
            median: median(values),
            slope_per_hour,
            limits,
            verdict,
        }
    }
}

/// The median of the slopes between all pairs of points; 0 for fewer than two.
pub(super) fn theil_sen(points: &[(f64, f64)]) -> f64 {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (n, (x, y)) in points.iter().enumerate() {
        let later = points.iter().skip(n + 1).filter(|(later, _)| later > x);
        slopes.extend(later.map(|(later, value)| (value - y) / (later - x)));
    }
    median(slopes)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle), middle.checked_sub(1).and_then(|below| values.get(below))) {
        (0, Some(above), Some(below)) => f64::midpoint(*above, *below),
        (_, Some(value), _) => *value,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { per_hour: 10.0, in_all: 4.0 };

    /// A value each ten seconds, for so long.
    fn series(seconds: u32, value: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..=seconds / 10).map(|n| f64::from(n) * 10.0).map(|at| (at, value(at))).collect()
    }

    #[test]
    fn a_slope_is_not_bent_by_single_peaks() {
        let spikes = series(600, |at| at / 100.0 + if at % 70.0 == 0.0 { 500.0 } else { 0.0 });
        assert!((theil_sen(&spikes) - 0.01).abs() < 0.001, "{}", theil_sen(&spikes));
        assert!(theil_sen(&[]).abs() < f64::EPSILON && theil_sen(&[(1.0, 5.0)]).abs() < f64::EPSILON);
    }

    #[test]
    fn what_grows_is_told_from_what_stands_still_falls_or_was_seen_too_shortly() {
        let verdict = |points: &[(f64, f64)]| Measure::of(points, LIMITS).verdict;
        assert_eq!(verdict(&series(3_600, |at| at / 240.0)), Verdict::Grows);
        assert_eq!(verdict(&series(3_600, |_| 100.0)), Verdict::Flat);
        assert_eq!(verdict(&series(3_600, |at| 100.0 - at)), Verdict::Flat);
        // 15 an hour, but only 2.5 in all.
        assert_eq!(verdict(&series(600, |at| at / 240.0)), Verdict::Flat);
        // 9 an hour, and 36 in all.
        assert_eq!(verdict(&series(14_400, |at| at / 400.0)), Verdict::Flat);
        assert_eq!(verdict(&series(290, |at| at)), Verdict::TooShort);
        assert_eq!(verdict(&series(300, |at| at)), Verdict::Grows);
        assert_eq!(verdict(&[]), Verdict::TooShort);
    }
}
