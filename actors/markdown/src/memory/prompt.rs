//! What of the file goes into a prompt.

use super::{PROMPT_BYTES_MAX, parse};
use crate::text::{cut, is_hidden};

/// What goes into a prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InPrompt {
    /// The words; empty when there is nothing to say.
    pub text: String,
    /// The inbound events that they came of.
    pub of: Vec<String>,
    /// Entries for which there was no room.
    pub left_out: usize,
}

/// What people wrote besides the entries, cut at [`PROMPT_BYTES_MAX`]; then the entries in their order, whole. Where not all
/// have room the last ones are kept: those are the newest. Without any entry, and without words but headings, it is empty.
#[must_use]
pub fn for_prompt(text: &str) -> InPrompt {
    let memory = parse(text);
    let (mut prose, mut from) = (String::new(), 0);
    for entry in &memory.entries {
        prose.push_str(text.get(from..entry.span.start).unwrap_or_default());
        from = entry.span.end;
    }
    prose.push_str(text.get(from..).unwrap_or_default());
    let shown: Vec<String> = prose.lines().filter(|line| !line.trim().is_empty()).map(plain).collect();
    let says_something = shown.iter().any(|line| !line.starts_with('#'));
    if memory.entries.is_empty() && !says_something {
        return InPrompt::default();
    }
    let prose = cut(&shown.join("\n"), PROMPT_BYTES_MAX).to_owned();
    let mut room = PROMPT_BYTES_MAX - prose.len();
    let (mut lines, mut of) = (Vec::new(), Vec::new());
    for entry in memory.entries.iter().rev() {
        let line = format!("\n- {}", entry.text);
        let Some(left) = room.checked_sub(line.len()) else { break };
        room = left;
        lines.push(line);
        of.extend(entry.of.iter().cloned());
    }
    let left_out = memory.entries.len() - lines.len();
    lines.reverse();
    let text = format!("{prose}{}", lines.concat());
    InPrompt { text: text.trim_start().to_owned(), of, left_out }
}

fn plain(line: &str) -> String {
    line.chars().filter(|c| !is_hidden(*c) || *c == '\t').collect::<String>().trim_end().to_owned()
}
