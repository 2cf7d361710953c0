//! What an error means. Pure.
//!
//! Codes are those of z.ai's error page of 2026-07-11; other endpoints are judged by the HTTP status alone.

use messages::model::Class;

use super::Callee;
use super::reset::reset;
use crate::fault::{Fault, Wait};

/// Characters of a provider's own words that are shown.
const WORDS_CHARS_MAX: usize = 240;

/// An error as it came: the HTTP status (of the reply, or 200 for one within a stream) and the body's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) retry_after: Option<Wait>,
}

/// What an error means. The code is asked first; a code nobody knows leaves it to the status.
pub(crate) fn classify(callee: &Callee, told: &Told) -> Fault {
    let said = quoted(&told.message);
    let mut fault = match by_code(&told.code) {
        Some(class) => in_words(callee, class, &said),
        None => by_status(callee, told.status, &said),
    };
    fault.wait = told.retry_after;
    if fault.failure.class == Class::Quota && fault.wait.is_none() {
        fault.wait = reset(&told.message);
    }
    fault
}

fn by_code(code: &str) -> Option<Class> {
    Some(match code {
        "1000" | "1001" | "1003" | "1005" | "invalid_api_key" => Class::Auth,
        "1113" | "insufficient_quota" => Class::Arrears,
        "1302" | "1303" | "rate_limit_exceeded" => Class::RateLimited,
        "1305" | "1312" => Class::Overloaded,
        "1308" | "1310" | "1316" | "1317" | "1318" | "1319" | "1320" | "1321" => Class::Quota,
        "1309" | "1311" | "1313" | "1314" | "1315" => Class::NotInPlan,
        "1210" | "1211" | "1212" | "1213" | "1214" | "1215" | "1220" | "1221" | "1222" => Class::Refused,
        "1261" | "context_length_exceeded" => Class::TooLong,
        "1301" | "content_filter" => Class::Blocked,
        "1200" | "1230" | "1234" => Class::Upstream,
        _ => return None,
    })
}

fn by_status(callee: &Callee, status: u16, said: &str) -> Fault {
    let provider = &callee.provider;
    let class = match status {
        401 | 403 => Class::Auth,
        402 => Class::Arrears,
        413 => Class::TooLong,
        429 => Class::RateLimited,
        503 | 529 => Class::Overloaded,
        408 | 425 | 500..=599 | 200 => Class::Upstream,
        404 => {
            return Fault::new(
                Class::Refused,
                format!("There is no model `{}` at {}{said}.", callee.model, callee.base_url),
                format!(
                    "Check `base_url` and the model's name in `[models.providers.{provider}]` in agent-runtime.toml; a base_url ends before /chat/completions."
                ),
            );
        }
        300..=399 => {
            return Fault::new(
                Class::Refused,
                format!("{} redirects to another address (HTTP {status}), which is not followed.", callee.base_url),
                format!("Set `base_url` of `[models.providers.{provider}]` to the address that answers itself."),
            );
        }
        _ => Class::Refused,
    };
    in_words(callee, class, said)
}

/// A failure of this class with its words and what to do about it.
pub(crate) fn in_words(callee: &Callee, class: Class, said: &str) -> Fault {
    let (message, advice) = match class {
        Class::Auth | Class::Arrears | Class::Quota | Class::NotInPlan => of_the_key(callee, class, said),
        _ => of_the_model(callee, class, said),
    };
    Fault::new(class, message, advice)
}

fn of_the_key(callee: &Callee, class: Class, said: &str) -> (String, String) {
    let Callee { name, provider, model, base_url } = callee;
    match class {
        Class::Arrears => (
            format!("The account behind model `{name}` has no credit{said}."),
            "Top up the account, or check that the key belongs to this base_url: keys of another plan or region read as empty accounts.".to_owned(),
        ),
        Class::Quota => (
            format!("The quota of model `{name}` is used up{said}."),
            "Wait for the reset that the provider names, or let the context use another model.".to_owned(),
        ),
        Class::NotInPlan => (
            format!("The key of model `{name}` may not use `{model}`{said}."),
            format!(
                "Choose a model that the plan includes, or another key, in `[models.providers.{provider}]` in agent-runtime.toml."
            ),
        ),
        _ => (
            format!("The key of model `{name}` was not accepted by {base_url}{said}."),
            format!(
                "Put a valid key where `key_env` or `key_file` of `[models.providers.{provider}]` in agent-runtime.toml says (for z.ai usually the variable ZAI_API_KEY), and restart."
            ),
        ),
    }
}

fn of_the_model(callee: &Callee, class: Class, said: &str) -> (String, String) {
    let Callee { name, provider, .. } = callee;
    match class {
        Class::RateLimited => (
            format!("Model `{name}` has too many requests at once{said}."),
            format!(
                "Try again in a minute; if it stays, lower `window` of `[models.providers.{provider}]` in agent-runtime.toml."
            ),
        ),
        Class::Overloaded => (
            format!("Model `{name}` is overloaded{said}."),
            "Try again in a minute, or let the context use another model.".to_owned(),
        ),
        Class::Blocked => (
            format!("Model `{name}` declined to answer: its provider's content rules{said}."),
            "Ask in other words, or leave out the passage that may have caused it.".to_owned(),
        ),
        Class::TooLong => (
            format!("The conversation is too long for model `{name}`{said}."),
            "Start over in a new context, shorten the context's prompt, or use a model with a larger context."
                .to_owned(),
        ),
        Class::Upstream => (
            format!("Model `{name}` failed inside{said}."),
            "Try again in a minute; if it stays, look at the provider's status page.".to_owned(),
        ),
        _ => (
            format!("Model `{name}` refused the request{said}."),
            format!(
                "Check the model's name in `[models.providers.{provider}]` in agent-runtime.toml, and that the endpoint is OpenAI-compatible."
            ),
        ),
    }
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

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
