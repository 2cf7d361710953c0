//! Arguments as a model writes them. What a schema allows is read, and nothing else.

use messages::tool::{ARGUMENTS_BYTES_MAX, Class, Failure, ToolCall, ToolSpec};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};

/// Hits that a search gives when nothing is said.
const HITS_USUAL: u32 = 8;
/// The most hits that a model is given.
pub(crate) const HITS_MAX: u32 = 20;

/// Of `md_read`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MdRead {
    /// The file, as people see its path.
    pub path: String,
    /// The byte to begin at.
    #[serde(default)]
    pub offset: u64,
}

/// Of `md_list`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MdList {
    /// The folder, as people see its path; empty: the workspace's own with the mounts.
    #[serde(default)]
    pub folder: String,
    /// Only names after this one.
    #[serde(default)]
    pub after: String,
}

/// Of `md_write`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MdWrite {
    /// The file.
    pub path: String,
    /// All of its new text.
    pub text: String,
    /// The SHA-256 of the text that it replaces, in hexadecimal; empty for a new file.
    pub replaces: String,
}

/// Of `search`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Words, or a whole question.
    pub query: String,
    /// The most hits, 1 to 20.
    #[serde(default = "hits_usual", deserialize_with = "hits")]
    pub limit: u32,
}

fn hits_usual() -> u32 {
    HITS_USUAL
}

fn hits<'de, D: Deserializer<'de>>(of: D) -> Result<u32, D::Error> {
    match u32::deserialize(of)? {
        limit if (1..=HITS_MAX).contains(&limit) => Ok(limit),
        limit => Err(D::Error::custom(format_args!("`limit` is {limit} and must be 1 to {HITS_MAX}"))),
    }
}

/// Reads the arguments of a call. Arguments that are empty count as `{}`.
///
/// # Errors
/// [`Class::TooLarge`] above [`ARGUMENTS_BYTES_MAX`]; else [`Class::Arguments`] with what is wrong and the schema.
pub fn arguments<T: DeserializeOwned>(spec: &ToolSpec, call: &ToolCall) -> Result<T, Failure> {
    let text = call.arguments.trim();
    if call.arguments.len() > ARGUMENTS_BYTES_MAX {
        let (name, bytes) = (&spec.name, call.arguments.len());
        let message = format!(
            "The arguments of `{name}` have {bytes} bytes; {ARGUMENTS_BYTES_MAX} are allowed. Send less at once."
        );
        return Err(Failure { class: Class::TooLarge, message });
    }
    // An array would be read as the fields in their order.
    if !text.is_empty() && !text.starts_with('{') {
        return Err(spec.refuses("they are no JSON object"));
    }
    serde_json::from_str(if text.is_empty() { "{}" } else { text }).map_err(|error| spec.refuses(&error.to_string()))
}

#[cfg(test)]
mod tests;
