//! What an error means and whether a call is tried again. Pure.
//!
//! Codes are those of z.ai's error page of 2026-07-11; other endpoints are judged by the HTTP status alone.

use std::time::Duration;

use messages::model::{Class, Failure};

/// Further tries after the first, for what passes by itself.
pub(crate) const RETRIES_MAX: u32 = 2;
/// Further tries after an empty answer.
pub(crate) const RETRIES_EMPTY_MAX: u32 = 1;
/// The first pause before a further try; it doubles each time.
pub(crate) const BACKOFF_MS_MIN: u64 = 500;
/// The longest pause of our own choosing.
pub(crate) const BACKOFF_MS_MAX: u64 = 8_000;
/// Characters of a provider's own words that are shown.
const WORDS_CHARS_MAX: usize = 240;

/// A failure, and what may be done about it without a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) failure: Failure,
    /// It may pass by itself. Decides nothing alone: see [`pause_before_retry`].
    pub(crate) passes: bool,
    /// How long the provider asks to wait.
    pub(crate) retry_after: Option<Duration>,
}

impl Fault {
    pub(crate) fn new(class: Class, message: impl Into<String>, advice: impl Into<String>) -> Self {
        let passes = matches!(class, Class::RateLimited | Class::Upstream | Class::Unreachable | Class::Empty);
        Self { failure: Failure { class, message: message.into(), advice: advice.into() }, passes, retry_after: None }
    }

    fn lasting(mut self) -> Self {
        self.passes = false;
        self
    }
}

/// Who is called, for messages: the provider's name in the configuration and where it is.
#[derive(Debug, Clone)]
pub(crate) struct Callee {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) base_url: String,
}

/// An error as it came: the HTTP status (of the reply, or 200 for one within a stream) and the body's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) retry_after: Option<Duration>,
}

/// What an error means. The code is asked first; a code nobody knows leaves it to the status.
pub(crate) fn classify(callee: &Callee, told: &Told) -> Fault {
    let said = quoted(&told.message);
    let name = &callee.name;
    let mut fault = by_code(callee, &told.code, &said).unwrap_or_else(|| by_status(callee, told.status, &said));
    if fault.failure.message.is_empty() {
        fault.failure.message = format!("Model `{name}` failed{said}.");
    }
    fault.retry_after = told.retry_after;
    fault
}

fn by_code(callee: &Callee, code: &str, said: &str) -> Option<Fault> {
    let name = &callee.name;
    Some(match code {
        "1000" | "1001" | "1003" | "1005" | "invalid_api_key" => key_refused(callee, said),
        "1220" => key_refused(callee, said),
        "1113" | "insufficient_quota" => Fault::new(
            Class::Auth,
            format!("The account behind model `{name}` has no credit{said}."),
            "Top up the account, or check that the key belongs to this base_url: keys of another plan or region read as empty accounts.",
        ),
        "1309" | "1311" | "1313" | "1314" | "1315" => Fault::new(
            Class::Auth,
            format!("The key of model `{name}` may not use `{}`{said}.", callee.model),
            format!(
                "Choose a model that the plan includes, or another key, in `[models.providers.{name}]` in agent-runtime.toml."
            ),
        ),
        "1308" | "1310" | "1316" | "1317" | "1318" | "1319" | "1320" | "1321" => Fault::new(
            Class::RateLimited,
            format!("The quota of model `{name}` is used up{said}."),
            "Wait for the reset that the provider names, or let the context use another model.",
        )
        .lasting(),
        "1302" | "1303" | "rate_limit_exceeded" => rate_limited(name, said),
        "1305" | "1312" => Fault::new(
            Class::RateLimited,
            format!("Model `{name}` is overloaded{said}."),
            "Try again in a minute, or let the context use another model.",
        ),
        "1301" | "content_filter" => blocked(name, said),
        "1261" | "context_length_exceeded" => too_long(name, said),
        "1200" | "1230" | "1234" => upstream(name, said),
        _ => return None,
    })
}

fn by_status(callee: &Callee, status: u16, said: &str) -> Fault {
    let name = &callee.name;
    match status {
        401 | 403 => key_refused(callee, said),
        404 => Fault::new(
            Class::Refused,
            format!("There is no model `{}` at {}{said}.", callee.model, callee.base_url),
            format!(
                "Check `base_url` and `model` of `[models.providers.{name}]` in agent-runtime.toml; a base_url ends before /chat/completions."
            ),
        ),
        408 | 425 | 500..=599 | 200 => upstream(name, said),
        429 => rate_limited(name, said),
        300..=399 => Fault::new(
            Class::Refused,
            format!("{} redirects to another address (HTTP {status}), which is not followed.", callee.base_url),
            format!("Set `base_url` of `[models.providers.{name}]` to the address that answers itself."),
        ),
        _ => Fault::new(
            Class::Refused,
            format!("Model `{name}` refused the request (HTTP {status}){said}."),
            format!(
                "Check `model` of `[models.providers.{name}]` in agent-runtime.toml, and that the endpoint is OpenAI-compatible."
            ),
        ),
    }
}

fn key_refused(callee: &Callee, said: &str) -> Fault {
    let name = &callee.name;
    Fault::new(
        Class::Auth,
        format!("The key of model `{name}` was not accepted by {}{said}.", callee.base_url),
        format!(
            "Put a valid key where `key_env` or `key_file` of `[models.providers.{name}]` in agent-runtime.toml says (for z.ai usually the variable ZAI_API_KEY), and restart."
        ),
    )
}

fn rate_limited(name: &str, said: &str) -> Fault {
    Fault::new(
        Class::RateLimited,
        format!("Model `{name}` has too many requests at once{said}."),
        format!(
            "Try again in a minute; if it stays, lower `window` of `[models.providers.{name}]` in agent-runtime.toml."
        ),
    )
}

pub(crate) fn blocked(name: &str, said: &str) -> Fault {
    Fault::new(
        Class::Refused,
        format!("Model `{name}` declined to answer: its provider's content rules{said}."),
        "Ask in other words, or leave out the passage that may have caused it.",
    )
}

pub(crate) fn too_long(name: &str, said: &str) -> Fault {
    Fault::new(
        Class::Refused,
        format!("The conversation is too long for model `{name}`{said}."),
        "Start over in a new context, shorten the context's prompt, or use a model with a larger context.",
    )
}

pub(crate) fn upstream(name: &str, said: &str) -> Fault {
    Fault::new(
        Class::Upstream,
        format!("Model `{name}` failed inside{said}."),
        "Try again in a minute; if it stays, look at the provider's status page.",
    )
}

/// The provider's own words as they are shown: one line, no control characters, cut; empty when there are none.
pub(crate) fn quoted(words: &str) -> String {
    let line = words.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect::<Vec<_>>();
    let line = line.join(" ");
    match line.chars().count() {
        0 => String::new(),
        n if n <= WORDS_CHARS_MAX => format!(": \"{}\"", line.trim_end_matches('.')),
        _ => format!(": \"{}…\"", line.chars().take(WORDS_CHARS_MAX).collect::<String>()),
    }
}

/// How a call stands when it has failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// Tries that were made, this one included.
    pub(crate) made: u32,
    /// Words of an answer came already: whoever looks on has seen them, and they were paid for.
    pub(crate) heard: bool,
    /// What is left of the whole call's time.
    pub(crate) left: Duration,
    /// Any number that differs between calls, for jitter.
    pub(crate) seed: u64,
}

/// How long to wait before the same call is tried again; `None`: it is not.
pub(crate) fn pause_before_retry(fault: &Fault, attempt: Attempt) -> Option<Duration> {
    let retries_max = if fault.failure.class == Class::Empty { RETRIES_EMPTY_MAX } else { RETRIES_MAX };
    if !fault.passes || attempt.heard || attempt.made > retries_max {
        return None;
    }
    let step = BACKOFF_MS_MIN.saturating_mul(1 << attempt.made.saturating_sub(1).min(8)).min(BACKOFF_MS_MAX);
    // Half of it fixed, half by chance, so that many that failed at once do not come back at once.
    let own = Duration::from_millis(step / 2 + mixed(attempt.seed ^ u64::from(attempt.made)) % (step / 2 + 1));
    let pause = fault.retry_after.unwrap_or_default().max(own);
    // A pause that leaves no time for the call itself would only delay the bad news.
    (pause < attempt.left).then_some(pause)
}

/// SplitMix64's finalizer: neighbouring seeds give unrelated numbers.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
