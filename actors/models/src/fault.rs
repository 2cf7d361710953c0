//! A failure as a call meets it, and whether the same call is made again. Pure.
//!
//! Only what cost nothing is tried again here: a call that was worked on has used up what its caller reserved for it, so
//! its failure goes back at once, and the caller decides.

use std::time::Duration;

use messages::Moment;
use messages::model::{Action, Billed, Class, Failure};

/// Further tries after the first, for what passes by itself.
pub(crate) const RETRIES_MAX: u32 = 2;
/// Further tries after the first, where the model was asked too much.
pub(crate) const RETRIES_RATE_MAX: u32 = 8;
/// The longest first pause before a further try; it doubles each time.
pub(crate) const BACKOFF_MS_MIN: u64 = 500;
/// The longest pause of our own choosing.
pub(crate) const BACKOFF_MS_MAX: u64 = 8_000;
/// The farthest moment that is taken for the reset of a quota, in days; one beyond is a misunderstanding.
const RESET_DAYS_MAX: i64 = 62;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// A failure, and when the provider says that it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Boxed: it is far larger than what it stands beside.
    pub(crate) failure: Box<Failure>,
    pub(crate) wait: Option<Wait>,
}

/// When something is worth to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// After so long.
    For(Duration),
    /// From then on.
    Until(Moment),
}

impl Wait {
    fn at(self, now: Moment) -> Option<Moment> {
        let at = match self {
            Self::For(time) => now.plus_ms(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)),
            Self::Until(at) => at.max(now),
        };
        (at.ms_since(now) <= RESET_DAYS_MAX * DAY_MS).then_some(at)
    }

    fn left(self, now: Moment) -> Duration {
        match self {
            Self::For(time) => time,
            Self::Until(at) => Duration::from_millis(u64::try_from(at.ms_since(now)).unwrap_or_default()),
        }
    }
}

impl Fault {
    /// One that cost nothing.
    pub(crate) fn new(class: Class, message: impl Into<String>, advice: impl Into<String>) -> Self {
        let (message, advice) = (message.into(), advice.into());
        let failure = Failure { class, message, advice, model: String::new(), billed: Billed::Nothing, retry_at: None };
        Self { failure: Box::new(failure), wait: None }
    }

    /// The same with what it cost.
    pub(crate) fn costing(mut self, billed: Billed) -> Self {
        self.failure.billed = billed;
        self
    }

    /// What whoever asked hears.
    pub(crate) fn told(self, model: &str, now: Moment) -> Failure {
        let retry_at = self.wait.and_then(|wait| wait.at(now));
        Failure { model: model.to_owned(), retry_at, ..*self.failure }
    }
}

/// How a call stands when it has failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// Tries that were made, this one included.
    pub(crate) made: u32,
    /// What is left of the whole call's time.
    pub(crate) left: Duration,
    /// Any number that differs between calls, for jitter.
    pub(crate) seed: u64,
    /// The time.
    pub(crate) now: Moment,
}

/// How long to wait before the same call is tried again; `None`: it is not.
pub(crate) fn pause_before_retry(fault: &Fault, attempt: Attempt) -> Option<Duration> {
    if fault.failure.billed != Billed::Nothing || attempt.made > retries_max(fault.failure.class.action()) {
        return None;
    }
    let step = BACKOFF_MS_MIN.saturating_mul(1 << attempt.made.saturating_sub(1).min(8)).min(BACKOFF_MS_MAX);
    // By chance from nothing to all of it, so that many that failed at once do not come back at once.
    let own = Duration::from_millis(mixed(attempt.seed ^ u64::from(attempt.made)) % (step + 1));
    let asked = fault.wait.map_or(Duration::ZERO, |wait| wait.left(attempt.now));
    let pause = asked.saturating_add(own);
    // A pause that leaves no time for the call itself would only delay the bad news.
    (pause < attempt.left).then_some(pause)
}

/// Further tries that the table allows.
fn retries_max(action: Action) -> u32 {
    match action {
        Action::BackOff => RETRIES_RATE_MAX,
        Action::Retry | Action::RetryThenFallBack => RETRIES_MAX,
        // An answer of nothing has always cost something: who asked tries it again.
        Action::RetryOnceThenFallBack
        | Action::Fail
        | Action::FailAndTellAdmin
        | Action::ParkAndTellAdmin
        | Action::FallBack
        | Action::ParkUntilReset
        | Action::Compact
        | Action::Refuse => 0,
    }
}

/// SplitMix64's finalizer: neighbouring seeds give unrelated numbers.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
