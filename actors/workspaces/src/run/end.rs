//! How a run ends.

use messages::Moment;
use messages::model::Answer;

/// The end of a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    /// It came to an answer.
    Answer(Answer),
    /// It can't go on.
    Failed(Why),
    /// A budget or a quota has ended; it may go on later.
    Parked {
        /// What has ended, and what to do, in one or two sentences.
        words: String,
        /// When it may go on; `None`: when a person says so.
        until: Option<Moment>,
    },
    /// A step may or may not have been done.
    InDoubt(String),
}

/// Why a run can't go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Why {
    /// What failed, why, and what to do.
    pub(crate) words: String,
    /// It may pass by itself: another run may succeed.
    pub(crate) passes: bool,
}

impl Why {
    pub(crate) fn lasting(words: impl Into<String>) -> Self {
        Self { words: words.into(), passes: false }
    }

    pub(crate) fn passing(words: impl Into<String>) -> Self {
        Self { words: words.into(), passes: true }
    }
}
