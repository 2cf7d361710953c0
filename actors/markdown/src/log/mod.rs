//! Entries of a chat log: rendered the same every time, and read back to be verified.
//!
//! An entry is a heading line, the text with its dangerous beginnings escaped ([`escape`]), source lines if any, and a
//! blank line. In a log only a heading of ours begins a line with `#`, and only a source of ours begins one with
//! `Source: `, so that no words of a person can look like another entry.
//!
//! ```text
//! ### 2026-11-22 10:15:03Z · ann · in_4k2v9m0x3c5q7r8s
//! What is due this week?
//!
//! ### 2026-11-22 10:15:05Z · agent → in_4k2v9m0x3c5q7r8s · sent
//! The report.
//!
//! Source: notes/plan.md
//!
//! ```

mod escape;
mod read;

pub use escape::{escape, unescape};
pub use read::{Entry, Head, parse};

use crate::civil::utc;

/// What stands in place of words that were deleted.
pub const DELETED: &str = "(deleted)";

const SOURCE: &str = "Source: ";

/// Words that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboundEntry<'a> {
    /// The inbound event's id.
    pub id: &'a str,
    /// When it arrived, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who said it.
    pub user: &'a str,
    /// What was said.
    pub text: &'a str,
}

/// A reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboundEntry<'a> {
    /// The id of the inbound event that it answers.
    pub id: &'a str,
    /// When its delivery ended, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who says it: `agent`.
    pub who: &'a str,
    /// How its delivery ended.
    pub delivery: Delivery,
    /// What was said.
    pub text: &'a str,
    /// Paths it quotes.
    pub sources: &'a [String],
}

/// How a reply's delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Delivered.
    Sent,
    /// Not delivered.
    Failed,
    /// It may or may not have been delivered.
    InDoubt,
}

impl Delivery {
    /// The word in a heading.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::InDoubt => "in doubt",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Sent, Self::Failed, Self::InDoubt].into_iter().find(|delivery| delivery.as_str() == word)
    }
}

/// What is kept of an entry whose words were deleted: its heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedactedEntry<'a> {
    /// Words that came in.
    Inbound {
        /// The inbound event's id.
        id: &'a str,
        /// When it arrived, milliseconds since the Unix epoch.
        at_ms: i64,
        /// Who said it.
        user: &'a str,
    },
    /// A reply.
    Outbound {
        /// The id of the inbound event that it answers.
        id: &'a str,
        /// When its delivery ended, milliseconds since the Unix epoch.
        at_ms: i64,
        /// Who says it.
        who: &'a str,
        /// How its delivery ended.
        delivery: Delivery,
    },
}

/// The entry of words that came in.
#[must_use]
pub fn render_inbound(entry: &InboundEntry<'_>) -> String {
    let mut out = RedactedEntry::Inbound { id: entry.id, at_ms: entry.at_ms, user: entry.user }.heading();
    out.push_str(&escape(entry.text));
    out.push_str("\n\n");
    out
}

/// The entry of a reply, with the paths it quotes.
#[must_use]
pub fn render_outbound(entry: &OutboundEntry<'_>) -> String {
    let OutboundEntry { id, at_ms, who, delivery, .. } = *entry;
    let mut out = RedactedEntry::Outbound { id, at_ms, who, delivery }.heading();
    out.push_str(&escape(entry.text));
    out.push('\n');
    if !entry.sources.is_empty() {
        out.push('\n');
    }
    for source in entry.sources {
        out.push_str(SOURCE);
        out.push_str(&escape::field(source));
        out.push('\n');
    }
    out.push('\n');
    out
}

/// The entry after its words were deleted: the heading, then [`DELETED`] cut or padded with spaces, exactly
/// `length_bytes` long, so that it can be written over the old entry in its place.
///
/// `length_bytes` is the length of the entry as it was rendered; were it too short even for the heading (it never is
/// for an entry of ours), the heading would be cut too.
#[must_use]
pub fn render_redacted(entry: &RedactedEntry<'_>, length_bytes: usize) -> String {
    const END: &str = "\n\n";
    let mut out = entry.heading();
    out.push_str(DELETED);
    let end = END.get(END.len().saturating_sub(length_bytes)..).unwrap_or(END);
    let body_bytes = length_bytes - end.len();
    out.truncate(crate::text::floor_boundary(&out, body_bytes));
    out.extend(std::iter::repeat_n(' ', body_bytes - out.len()));
    out.push_str(end);
    out
}

impl RedactedEntry<'_> {
    fn heading(&self) -> String {
        match self {
            Self::Inbound { id, at_ms, user } => {
                format!("### {} · {} · {}\n", utc(*at_ms), escape::field(user), escape::field(id))
            }
            Self::Outbound { id, at_ms, who, delivery } => {
                let (who, id) = (escape::field(who), escape::field(id));
                format!("### {} · {who} → {id} · {}\n", utc(*at_ms), delivery.as_str())
            }
        }
    }
}

#[cfg(test)]
mod tests;
