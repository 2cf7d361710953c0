//! The words that come: chunks of a stream, and errors. Pure.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::classify::Told;

/// One chunk of a stream. It borrows from the event: an answer of many chunks costs no allocation each.
#[derive(Deserialize)]
pub(crate) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(crate) choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    pub(crate) error: Option<Value>,
    /// On the last chunk, or on one after it.
    #[serde(default)]
    pub(crate) usage: Option<Value>,
}

#[derive(Deserialize)]
pub(crate) struct Choice<'a> {
    #[serde(borrow, default)]
    pub(crate) delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    pub(crate) finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Delta<'a> {
    #[serde(borrow, default)]
    pub(crate) content: Option<Text<'a>>,
    /// Thoughts; counted, never shown.
    #[serde(borrow, default, alias = "reasoning")]
    pub(crate) reasoning_content: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) tool_calls: Option<Vec<CallDelta<'a>>>,
}

/// A piece of a call.
#[derive(Deserialize)]
pub(crate) struct CallDelta<'a> {
    #[serde(default)]
    pub(crate) index: Option<u64>,
    #[serde(borrow, default)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) function: Option<FunctionDelta<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct FunctionDelta<'a> {
    #[serde(borrow, default)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) arguments: Option<Text<'a>>,
}

/// A string that is borrowed where it holds no escapes. (serde borrows within `Option<Cow>` only by such a wrapper.)
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// What the body of an error says: `{"error":{"code":"1302","message":"…"}}`, or something like it.
pub(crate) fn told(status: u16, body: &[u8]) -> Told {
    let error = serde_json::from_slice::<Value>(body).ok().map(|mut value| match value.get_mut("error") {
        Some(error) => error.take(),
        None => value,
    });
    match error {
        Some(error) => told_by(status, &error),
        None => Told { status, message: String::from_utf8_lossy(body).into_owned(), ..Told::default() },
    }
}

/// What an error object says; codes are strings at z.ai and numbers elsewhere.
pub(crate) fn told_by(status: u16, error: &Value) -> Told {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let field = |name| error.get(name).map(text).unwrap_or_default();
    let message = if error.is_string() { text(error) } else { field("message") };
    Told { status, code: field("code"), message, retry_after: None }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
