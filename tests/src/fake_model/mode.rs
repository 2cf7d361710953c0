//! How the fake behaves.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::codes;

/// A behaviour. As JSON: `{"mode": "normal", "chunks": 5, "delay_ms": 0}`; every field but `mode` may be left out. What has
/// one field that matters may be named with it: `code:1302`, `finish:sensitive`, `slow_first_byte:500`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Mode {
    /// Answers in so many chunks, with a pause before each.
    Normal {
        /// Chunks of the answer.
        #[serde(default = "five")]
        chunks: usize,
        /// Milliseconds before each.
        #[serde(default)]
        delay_ms: u64,
    },
    /// These words to every question that holds `when`; normal to all others.
    Says {
        /// What the question holds.
        when: String,
        /// What is answered.
        text: String,
    },
    /// A pause before the head of the reply, then normal.
    SlowFirstByte {
        /// Milliseconds of the pause.
        #[serde(default = "long")]
        delay_ms: u64,
    },
    /// Nothing, until it is told to behave otherwise; then normal.
    Held,
    /// Half of the answer, a pause, the other half.
    SlowBetween {
        /// Milliseconds of the pause.
        #[serde(default = "long")]
        delay_ms: u64,
    },
    /// The head of a reply, then the connection breaks.
    CutBeforeFirst,
    /// Half of the answer, then the connection breaks.
    CutInMiddle,
    /// A tool is asked for, and in the middle of its arguments the connection breaks.
    CutInArguments,
    /// The whole answer, but neither a reason for the end nor `[DONE]`.
    NoDone,
    /// Ends in good order without a word.
    Empty,
    /// One word, then silence on an open connection.
    NeverEnds,
    /// HTTP 429 with 1302.
    RateLimited {
        /// Seconds in `Retry-After`.
        #[serde(default = "one")]
        retry_after_s: u64,
    },
    /// The error of this code, with its status and words.
    Code {
        /// `1302`.
        code: String,
        /// Seconds in `Retry-After`; none: no such header.
        #[serde(default)]
        retry_after_s: Option<u64>,
        /// When a quota is reset, in its words: `at 2026-09-12 00:35:41`, `in 2 hours`.
        #[serde(default = "an_hour")]
        reset: String,
    },
    /// HTTP 500.
    ServerError,
    /// HTTP 401.
    Unauthorized,
    /// Half of the answer, then an error in the stream.
    StreamError {
        /// Its code.
        #[serde(default = "network_error")]
        code: String,
    },
    /// Half of the answer, then this reason for the end: `network_error`, `sensitive`, `model_context_window_exceeded`,
    /// `length`, `tool_calls`.
    Finish {
        /// The reason.
        reason: String,
    },
    /// An event that is no JSON.
    InvalidJson,
    /// A tool is asked for with arguments that are no JSON.
    InvalidArguments,
    /// So many tools are asked for at once.
    ManyCalls {
        /// How many.
        #[serde(default = "thousand")]
        calls: usize,
    },
    /// Thoughts, and then no answer.
    ReasoningOnly,
    /// Words without end.
    Endless,
    /// One of these for each call, the same for the same seed and number of call.
    Random {
        /// What decides.
        #[serde(default)]
        seed: u64,
        /// Names of modes and how often each comes, relative to each other.
        #[serde(default = "usual_odds")]
        odds: Vec<(String, f64)>,
    },
    /// The first call is answered in the first of these, the next in the next; normal when they are used up.
    Sequence {
        /// The behaviours.
        modes: Vec<Self>,
    },
}

fn five() -> usize {
    5
}

fn one() -> u64 {
    1
}

fn thousand() -> usize {
    1_000
}

/// Longer than any test's patience.
fn long() -> u64 {
    120_000
}

fn an_hour() -> String {
    "in 1 hour".to_owned()
}

fn network_error() -> String {
    "1234".to_owned()
}

fn usual_odds() -> Vec<(String, f64)> {
    let odds = [
        ("normal", 0.80),
        ("cut_in_middle", 0.05),
        ("no_done", 0.03),
        ("empty", 0.03),
        ("rate_limited", 0.03),
        ("server_error", 0.03),
        ("invalid_json", 0.03),
    ];
    odds.map(|(name, odds)| (name.to_owned(), odds)).to_vec()
}

impl Default for Mode {
    fn default() -> Self {
        Self::Normal { chunks: five(), delay_ms: 0 }
    }
}

impl Mode {
    /// All behaviours that need no further word, as they are without further fields.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::default(),
            Self::SlowFirstByte { delay_ms: long() },
            Self::SlowBetween { delay_ms: long() },
            Self::CutBeforeFirst,
            Self::CutInMiddle,
            Self::CutInArguments,
            Self::NoDone,
            Self::Empty,
            Self::NeverEnds,
            Self::RateLimited { retry_after_s: one() },
            Self::ServerError,
            Self::Unauthorized,
            Self::StreamError { code: network_error() },
            Self::InvalidJson,
            Self::InvalidArguments,
            Self::ManyCalls { calls: thousand() },
            Self::ReasoningOnly,
            Self::Endless,
        ]
    }

    /// The error of this code.
    #[must_use]
    pub fn code(code: &str) -> Self {
        Self::Code { code: code.to_owned(), retry_after_s: None, reset: an_hour() }
    }

    /// The behaviour of this name, `random:<seed>` among them; `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let Some((kind, word)) = name.split_once(':') else {
            return Self::all().into_iter().find(|mode| mode.kind() == name);
        };
        Some(match kind {
            "random" => Self::Random { seed: word.parse().ok()?, odds: usual_odds() },
            "code" => codes::told(word, "").map(|_| Self::code(word))?,
            "stream_error" => codes::told(word, "").map(|_| Self::StreamError { code: word.to_owned() })?,
            "finish" => Self::Finish { reason: word.to_owned() },
            "slow_first_byte" => Self::SlowFirstByte { delay_ms: word.parse().ok()? },
            "slow_between" => Self::SlowBetween { delay_ms: word.parse().ok()? },
            "many_calls" => Self::ManyCalls { calls: word.parse().ok()? },
            _ => return None,
        })
    }

    /// Its name, by which it is counted: a code and a reason are part of it.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Code { code, .. } => format!("code:{code}").into(),
            Self::Finish { reason } => format!("finish:{reason}").into(),
            _ => self.kind().into(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Normal { .. } => "normal",
            Self::Says { .. } => "says",
            Self::SlowFirstByte { .. } => "slow_first_byte",
            Self::Held => "held",
            Self::SlowBetween { .. } => "slow_between",
            Self::CutBeforeFirst => "cut_before_first",
            Self::CutInMiddle => "cut_in_middle",
            Self::CutInArguments => "cut_in_arguments",
            Self::NoDone => "no_done",
            Self::Empty => "empty",
            Self::NeverEnds => "never_ends",
            Self::RateLimited { .. } => "rate_limited",
            Self::Code { .. } => "code",
            Self::ServerError => "server_error",
            Self::Unauthorized => "unauthorized",
            Self::StreamError { .. } => "stream_error",
            Self::Finish { .. } => "finish",
            Self::InvalidJson => "invalid_json",
            Self::InvalidArguments => "invalid_arguments",
            Self::ManyCalls { .. } => "many_calls",
            Self::ReasoningOnly => "reasoning_only",
            Self::Endless => "endless",
            Self::Random { .. } => "random",
            Self::Sequence { .. } => "sequence",
        }
    }

    /// How the next call is answered: itself, or the next of a sequence, which is one shorter then.
    pub(super) fn next(&mut self) -> Self {
        match self {
            Self::Sequence { modes } if modes.is_empty() => Self::default(),
            Self::Sequence { modes } => modes.remove(0),
            other => other.clone(),
        }
    }

    /// How the nth call is answered: itself, or what `random` draws for it. Unknown names in the odds count as normal.
    #[must_use]
    pub fn drawn(self, call: u64) -> Self {
        let Self::Random { seed, odds } = &self else { return self };
        let all: f64 = odds.iter().map(|(_, odds)| odds.max(0.0)).sum();
        let mut left = share(*seed, call) * all;
        for (name, odds) in odds {
            left -= odds.max(0.0);
            if left < 0.0 {
                return Self::named(name).filter(|mode| mode.kind() != "random").unwrap_or_default();
            }
        }
        Self::default()
    }
}

/// A number from 0 to 1, 1 excluded: SplitMix64 of the seed and the call.
fn share(seed: u64, call: u64) -> f64 {
    let mut z = seed.wrapping_add(call.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    f64::from(u32::try_from(z >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
}
