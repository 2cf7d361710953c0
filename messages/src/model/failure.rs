//! Why there is no answer, and what is done about it: one table, for providers and for whoever asked.

use serde::{Deserialize, Serialize};

use crate::id::Moment;
use crate::step::Usage;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure.
    pub class: Class,
    /// What failed and why, in one sentence.
    pub message: String,
    /// What to do about it, in one sentence.
    pub advice: String,
    /// The model that failed last, as routes name it; empty if none was asked.
    pub model: String,
    /// What it cost all the same.
    pub billed: Billed,
    /// When it is worth to try again, where the provider says so.
    pub retry_at: Option<Moment>,
}

/// What a call cost that gave no answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billed {
    /// Nothing: it was refused before it was worked on.
    #[default]
    Nothing,
    /// This much.
    Known(Usage),
    /// It broke off: at most what was reserved.
    Unknown,
}

/// What kind of failure it was; decides what is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The key is missing or refused.
    Auth,
    /// The account has no credit.
    Arrears,
    /// Too many requests at once.
    RateLimited,
    /// The model has too much to do, whoever asks.
    Overloaded,
    /// A quota is used up until it is reset.
    Quota,
    /// The plan or key does not include this model.
    NotInPlan,
    /// It could not be reached, or broke off.
    Unreachable,
    /// It took too long: to begin, between two words, or in all.
    TimedOut,
    /// It ended in the middle.
    Truncated,
    /// It answered with nothing.
    Empty,
    /// It does not understand the request.
    Refused,
    /// The prompt is longer than its window.
    TooLong,
    /// Its content rules forbid it.
    Blocked,
    /// It failed inside.
    Upstream,
    /// The context allows no model that is there.
    NotAllowed,
}

/// What is done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It ends here.
    Fail,
    /// It ends here, and whoever runs the node must act.
    FailAndTellAdmin,
    /// The work waits until someone who runs the node has acted.
    ParkAndTellAdmin,
    /// Wait, ask fewer at once, and try again.
    BackOff,
    /// Try again, then ask the next model.
    RetryThenFallBack,
    /// Try once more, then ask the next model.
    RetryOnceThenFallBack,
    /// Ask the next model at once.
    FallBack,
    /// The work waits until the quota is reset.
    ParkUntilReset,
    /// Try again.
    Retry,
    /// Leave out what was said first, and try again.
    Compact,
    /// It is refused: no other model is asked.
    Refuse,
}

impl Class {
    /// All classes, in the order of the documentation.
    pub const ALL: [Self; 15] = [
        Self::Auth,
        Self::Arrears,
        Self::RateLimited,
        Self::Overloaded,
        Self::Quota,
        Self::NotInPlan,
        Self::Unreachable,
        Self::TimedOut,
        Self::Truncated,
        Self::Empty,
        Self::Refused,
        Self::TooLong,
        Self::Blocked,
        Self::Upstream,
        Self::NotAllowed,
    ];

    /// The table: what is done about it.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Self::Auth => Action::FailAndTellAdmin,
            Self::Arrears => Action::ParkAndTellAdmin,
            Self::RateLimited => Action::BackOff,
            Self::Overloaded | Self::Unreachable => Action::RetryThenFallBack,
            Self::Quota => Action::ParkUntilReset,
            Self::NotInPlan => Action::FallBack,
            Self::TimedOut | Self::Truncated | Self::Upstream => Action::Retry,
            Self::Empty => Action::RetryOnceThenFallBack,
            Self::TooLong => Action::Compact,
            Self::Blocked => Action::Refuse,
            Self::Refused | Self::NotAllowed => Action::Fail,
        }
    }
}
