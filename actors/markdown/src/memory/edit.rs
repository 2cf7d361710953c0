//! Changing the file entry by entry. What is not changed keeps every byte.

use super::{ENTRIES_MAX, Entry, FILE_BYTES_MAX, Memory, id_of, parse};

/// What a new file begins with.
const HEAD: &str =
    "# Memory\n\nWhat this context keeps of its conversation. Edit it at will; `/forget` takes an entry out.\n\n";

/// An entry that is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// One line.
    pub text: String,
    /// The inbound events that it came of.
    pub of: Vec<String>,
    /// `2026-11-22`.
    pub date: String,
}

/// A file after an edit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edited {
    /// All of it.
    pub text: String,
    /// Entries that were taken out.
    pub removed: usize,
    /// Entries that were added.
    pub added: usize,
    /// New entries that stand there already, by their words.
    pub known: usize,
    /// New entries for which there was no room.
    pub left_out: usize,
}

/// Takes out the entries that `goes` names, then adds the new ones behind the last that is left, as far as the limits of a
/// file allow. An entry that is there by its words is not added again.
#[must_use]
pub fn edit(text: &str, goes: impl Fn(&Entry) -> bool, add: &[NewEntry]) -> Edited {
    let memory = parse(text);
    let gone: Vec<&Entry> = memory.entries.iter().filter(|entry| goes(entry)).collect();
    let mut edited = Edited { text: without(text, &gone), removed: gone.len(), ..Edited::default() };
    let mut left = memory.entries.len() - gone.len();
    for entry in add {
        let known = parse(&edited.text);
        let id = id_of(&entry.text);
        if known.entries.iter().any(|there| there.id == id) {
            edited.known += 1;
            continue;
        }
        let longer = with(&edited.text, &known, &line(entry));
        if left >= ENTRIES_MAX || longer.len() > FILE_BYTES_MAX {
            edited.left_out += 1;
            continue;
        }
        edited.text = longer;
        edited.added += 1;
        left += 1;
    }
    edited
}

fn line(entry: &NewEntry) -> String {
    let (text, of, date) = (&entry.text, entry.of.join(" "), &entry.date);
    format!("- {text} ({of}, {date})")
}

fn without(text: &str, gone: &[&Entry]) -> String {
    let (mut kept, mut from) = (String::with_capacity(text.len()), 0);
    for entry in gone {
        kept.push_str(text.get(from..entry.span.start).unwrap_or_default());
        from = entry.span.end;
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept
}

/// The file with one more line behind its last entry; without any, at its end, or before code that nothing closes.
fn with(text: &str, memory: &Memory, line: &str) -> String {
    if text.is_empty() {
        return format!("{HEAD}{line}\n");
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let last = memory.entries.last().map(|entry| entry.span.end);
    let at = last.or(memory.unclosed).unwrap_or(text.len());
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let mut longer = String::with_capacity(text.len() + line.len() + 8);
    longer.push_str(before);
    if !before.is_empty() && !before.ends_with('\n') {
        longer.push_str(end);
    }
    let blank = before.is_empty() || before.ends_with("\n\n") || before.ends_with("\n\r\n");
    if last.is_none() && !blank {
        longer.push_str(end);
    }
    longer.push_str(line);
    longer.push_str(end);
    longer.push_str(after);
    longer
}
