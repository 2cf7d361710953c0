//! How the fake behaves.

use serde::{Deserialize, Serialize};

/// A behaviour. As JSON: `{"mode": "normal", "chunks": 5, "delay_ms": 0}`; every field but `mode` may be left out.
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
    /// A pause before the head of the reply, then normal.
    SlowFirstByte {
        /// Milliseconds of the pause.
        #[serde(default = "long")]
        delay_ms: u64,
    },
    /// Half of the answer, a pause, the other half.
    SlowBetween {
        /// Milliseconds of the pause.
        #[serde(default = "long")]
        delay_ms: u64,
    },
    /// Half of the answer, then the connection breaks.
    CutInMiddle,
    /// The whole answer, but neither a reason for the end nor `[DONE]`.
    NoDone,
    /// Ends in good order without a word.
    Empty,
    /// One word, then silence on an open connection.
    NeverEnds,
    /// HTTP 429.
    RateLimited {
        /// Seconds in `Retry-After`.
        #[serde(default = "one")]
        retry_after_s: u64,
    },
    /// HTTP 500.
    ServerError,
    /// HTTP 401.
    Unauthorized,
    /// An event that is no JSON.
    InvalidJson,
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
}

fn five() -> usize {
    5
}

fn one() -> u64 {
    1
}

/// Longer than any test's patience.
fn long() -> u64 {
    120_000
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
    /// All behaviours but `random`, as they are without further fields.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::default(),
            Self::SlowFirstByte { delay_ms: long() },
            Self::SlowBetween { delay_ms: long() },
            Self::CutInMiddle,
            Self::NoDone,
            Self::Empty,
            Self::NeverEnds,
            Self::RateLimited { retry_after_s: one() },
            Self::ServerError,
            Self::Unauthorized,
            Self::InvalidJson,
            Self::ReasoningOnly,
            Self::Endless,
        ]
    }

    /// The behaviour of this name, `random:<seed>` among them; `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if let Some(seed) = name.strip_prefix("random:") {
            return Some(Self::Random { seed: seed.parse().ok()?, odds: usual_odds() });
        }
        Self::all().into_iter().find(|mode| mode.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Normal { .. } => "normal",
            Self::SlowFirstByte { .. } => "slow_first_byte",
            Self::SlowBetween { .. } => "slow_between",
            Self::CutInMiddle => "cut_in_middle",
            Self::NoDone => "no_done",
            Self::Empty => "empty",
            Self::NeverEnds => "never_ends",
            Self::RateLimited { .. } => "rate_limited",
            Self::ServerError => "server_error",
            Self::Unauthorized => "unauthorized",
            Self::InvalidJson => "invalid_json",
            Self::ReasoningOnly => "reasoning_only",
            Self::Endless => "endless",
            Self::Random { .. } => "random",
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
                return Self::named(name).filter(|mode| mode.name() != "random").unwrap_or_default();
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
