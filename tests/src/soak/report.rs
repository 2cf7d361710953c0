//! What a soak has found, for programs and for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::fault::Fault;
use super::ledger::Counts;
use super::sample::{Disk, Sample};
use super::slope::{Limits, Measure, Verdict, theil_sen};

/// The caches of SQLite are full at the latest when the store is of this size: they hold 21 MB together, the writer's 12.
const CACHED_BYTES: u64 = 48 << 20;

/// From where on memory, open files and threads grow.
const RSS_MB: Limits = Limits { per_hour: 16.0, in_all: 6.0 };
const OPEN_FILES: Limits = Limits { per_hour: 8.0, in_all: 6.0 };
const THREADS: Limits = Limits { per_hour: 4.0, in_all: 4.0 };
/// What an event may cost in the second half of the time, as a multiple of what it cost in the first.
const DISK_RATIO_MAX: f64 = 1.5;
/// Events of a half below which their disk says nothing.
const HALF_EVENTS_MIN: u64 = 1_000;

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of this document.
    pub format: u32,
    /// What decided everything random.
    pub seed: u64,
    /// How long it took.
    pub seconds: f64,
    /// Of that, with one process.
    pub steady_seconds: f64,
    /// Events and what came of them.
    pub counts: Counts,
    /// Faults that were made, by kind.
    pub made: BTreeMap<Fault, u64>,
    /// Files of knowledge that were changed.
    pub pages_changed: u64,
    /// Calls of the model.
    pub model_calls: u64,
    /// Entries that memory holds at the end, over all contexts.
    pub notes: u64,
    /// `verify` found nothing.
    pub verify_clean: bool,
    /// Resident memory in MB.
    pub rss_mb: Measure,
    /// The part of it that is no file's.
    pub anonymous_mb: Measure,
    /// Open files and sockets.
    pub open_files: Measure,
    /// Threads.
    pub threads: Measure,
    /// The most zombies that were seen at once; one that is left fails the run.
    pub zombies_max: u32,
    /// Those of the last look.
    pub zombies_last: u32,
    /// CPU an event, in ms.
    pub cpu_ms_per_event: f64,
    /// Bytes on the disk.
    pub disk: DiskGrowth,
}

/// What events cost on the disk.
#[derive(Debug, Clone, Serialize)]
pub struct DiskGrowth {
    /// At the end.
    pub last: Disk,
    /// Of the store, an event.
    pub store_bytes_per_event: f64,
    /// Of chat logs, an event.
    pub log_bytes_per_event: f64,
    /// Of both, an event of the first half, and of the second.
    pub halves: [f64; 2],
    /// Whether events cost more and more.
    pub verdict: Verdict,
}

/// What was measured of the one process that ran for most of the time.
pub(super) struct Steady<'a> {
    pub(super) warm: &'a [Sample],
    pub(super) seconds: f64,
}

impl Report {
    pub(super) fn of(seed: u64, steady: &Steady<'_>) -> Self {
        let warm = steady.warm;
        let measure_of = |samples: &[Sample], limits, of: &dyn Fn(&Sample) -> f64| {
            let points: Vec<(f64, f64)> = samples.iter().map(|sample| (sample.at_s, of(sample))).collect();
            Measure::of(&points, limits)
        };
        let measure = |limits, of: &dyn Fn(&Sample) -> f64| measure_of(warm, limits, of);
        let memory = |of: &dyn Fn(&Sample) -> f64| measure_of(with_full_caches(warm), RSS_MB, of);
        let (first, last) = ends(warm);
        let events = last.events.saturating_sub(first.events);
        Self {
            format: 1,
            seed,
            seconds: 0.0,
            steady_seconds: steady.seconds,
            counts: Counts::default(),
            made: BTreeMap::new(),
            pages_changed: 0,
            model_calls: 0,
            notes: 0,
            verify_clean: false,
            rss_mb: memory(&|sample| sample.rss_mb),
            anonymous_mb: memory(&|sample| sample.anonymous_mb),
            open_files: measure(OPEN_FILES, &|sample| f64::from(sample.open_files)),
            threads: measure(THREADS, &|sample| f64::from(sample.threads)),
            zombies_max: warm.iter().map(|sample| sample.zombies).max().unwrap_or(0),
            zombies_last: last.zombies,
            cpu_ms_per_event: (last.cpu_s - first.cpu_s) * 1_000.0 / number(events).max(1.0),
            disk: DiskGrowth::of(warm),
        }
    }

    /// Every promise held, and nothing grows.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.is_correct()
            && self.zombies_last == 0
            && self.verdicts().iter().all(|(_, verdict)| *verdict != Verdict::Grows)
    }

    /// Every promise held.
    #[must_use]
    pub fn is_correct(&self) -> bool {
        self.counts.is_kept() && self.verify_clean && self.counts.ended > 0
    }

    fn verdicts(&self) -> [(&str, Verdict); 4] {
        [
            ("memory", self.rss_mb.verdict),
            ("open files", self.open_files.verdict),
            ("threads", self.threads.verdict),
            ("disk", self.disk.verdict),
        ]
    }

    /// For people.
    #[must_use]
    pub fn summary(&self) -> String {
        let Counts { ended, replies, tasks, tasks_told, lost, doubled, foreign, connections, outcomes, .. } =
            &self.counts;
        let verify = if self.verify_clean { "clean" } else { "FOUND FAULTS" };
        let mut text = format!(
            "{:.0} s, of these {:.0} s with one process; seed {}; faults {:?}\n\
             {ended} events {outcomes:?}, {replies} replies over {connections} connections; {tasks} tasks made, {tasks_told} ends told\n\
             {} model calls, {} files of knowledge changed, {} notes in memory\n\
             lost {lost} · doubled {doubled} · foreign {foreign} · verify {verify}\n",
            self.seconds, self.steady_seconds, self.seed, self.made, self.model_calls, self.pages_changed, self.notes,
        );
        for (name, of) in [
            ("memory, MB", &self.rss_mb),
            ("… no file's", &self.anonymous_mb),
            ("open files", &self.open_files),
            ("threads", &self.threads),
        ] {
            line(
                &mut text,
                format_args!(
                    "{name:<12} {:>8.1} first {:>8.1} last {:>8.1} max {:>+9.2} an hour  {:?}",
                    of.first, of.last, of.max, of.slope_per_hour, of.verdict
                ),
            );
        }
        line(
            &mut text,
            format_args!(
                "disk         {:.0} B of store and {:.0} B of logs an event; halves {:.0} and {:.0} B  {:?}; at the end {:?}",
                self.disk.store_bytes_per_event,
                self.disk.log_bytes_per_event,
                self.disk.halves[0],
                self.disk.halves[1],
                self.disk.verdict,
                self.disk.last
            ),
        );
        let (zombies, cpu) = (self.zombies_max, self.cpu_ms_per_event);
        line(&mut text, format_args!("zombies      {zombies} at most; CPU {cpu:.2} ms an event"));
        for fault in &self.counts.faults {
            line(&mut text, format_args!("FAULT {fault}"));
        }
        for (name, _) in self.verdicts().iter().filter(|(_, verdict)| *verdict == Verdict::Grows) {
            line(&mut text, format_args!("GROWS {name}"));
        }
        text + if self.is_kept() {
            "every promise held, and nothing was seen to grow"
        } else {
            "A PROMISE WAS BROKEN, OR SOMETHING GROWS"
        }
    }
}

impl DiskGrowth {
    fn of(warm: &[Sample]) -> Self {
        let per_event = |samples: &[Sample], of: &dyn Fn(&Disk) -> u64| {
            let points = samples.iter().map(|sample| (number(sample.events), number(of(&sample.disk))));
            theil_sen(&points.collect::<Vec<_>>())
        };
        let (first, second) = warm.split_at(warm.len() / 2);
        let halves = [per_event(first, &Disk::kept), per_event(second, &Disk::kept)];
        let events = |samples: &[Sample]| {
            let (first, last) = ends(samples);
            last.events.saturating_sub(first.events)
        };
        let verdict = if events(first).min(events(second)) < HALF_EVENTS_MIN {
            Verdict::TooShort
        } else if halves[1] > halves[0] * DISK_RATIO_MAX {
            Verdict::Grows
        } else {
            Verdict::Flat
        };
        Self {
            last: ends(warm).1.disk,
            store_bytes_per_event: per_event(warm, &|disk| disk.store),
            log_bytes_per_event: per_event(warm, &|disk| disk.logs),
            halves,
            verdict,
        }
    }
}

/// Samples from when the store was larger than its caches, which fill as it grows and hold so much at most. A run that does
/// not come to that is looked at as a whole.
fn with_full_caches(warm: &[Sample]) -> &[Sample] {
    let full = warm.iter().position(|sample| sample.disk.store >= CACHED_BYTES);
    full.and_then(|at| warm.get(at..)).unwrap_or(warm)
}

fn ends(samples: &[Sample]) -> (Sample, Sample) {
    (samples.first().copied().unwrap_or_default(), samples.last().copied().unwrap_or_default())
}

#[allow(clippy::cast_precision_loss)]
fn number(count: u64) -> f64 {
    count as f64
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    writeln!(text, "{words}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample a second for ten minutes, with ten events in each.
    fn samples(change: impl Fn(u32, &mut Sample)) -> Vec<Sample> {
        let sample = |at: u32| {
            let mut sample =
                Sample { at_s: f64::from(at), events: u64::from(at) * 10, rss_mb: 50.0, ..Sample::default() };
            sample.disk.store = u64::from(at) * 10 * 3_000;
            change(at, &mut sample);
            sample
        };
        (0..600).map(sample).collect()
    }

    fn report(warm: &[Sample]) -> Report {
        let counts = Counts { ended: 1, ..Counts::default() };
        Report { counts, verify_clean: true, ..Report::of(1, &Steady { warm, seconds: 600.0 }) }
    }

    #[test]
    fn a_run_is_kept_while_nothing_grows_or_breaks() {
        let good = report(&samples(|_, _| {}));
        assert!(good.is_kept(), "{}", good.summary());
        assert!((good.disk.store_bytes_per_event - 3_000.0).abs() < 1.0);
        assert!(!Report { verify_clean: false, ..good.clone() }.is_kept());
        let lost = Counts { lost: 1, ..good.counts.clone() };
        assert!(!Report { counts: lost, ..good }.is_kept());
        assert!(!report(&samples(|at, sample| sample.zombies = at / 599)).is_kept());
    }

    #[test]
    fn what_grows_is_named() {
        // What caches hold is no leak; what comes after they are full is.
        let filling = |at: u32, sample: &mut Sample| {
            sample.disk.store = u64::from(at) << 18;
            sample.rss_mb += f64::from(at.min(192)) / 10.0;
        };
        assert_eq!(report(&samples(filling)).rss_mb.verdict, Verdict::Flat);
        let leak = report(&samples(|at, sample| sample.rss_mb += f64::from(at) / 60.0));
        assert!(!leak.is_kept() && leak.is_correct() && leak.summary().contains("GROWS memory"), "{}", leak.summary());
        let files = report(&samples(|at, sample| sample.open_files = at / 10));
        assert!(files.summary().contains("GROWS open files"), "{}", files.summary());
        let disk = report(&samples(|at, sample| sample.disk.store = u64::from(at) * u64::from(at) * 100));
        assert!(disk.summary().contains("GROWS disk"), "{}", disk.summary());
    }
}
