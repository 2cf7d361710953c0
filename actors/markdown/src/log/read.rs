//! A log read back into its entries.

use super::{Delivery, SOURCE, escape};
use crate::civil::parse_utc;
use crate::frontmatter::Broken;

/// One entry as it stands in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its heading.
    pub head: Head,
    /// The words, as they were said; of a deleted entry `(deleted)`, padded or cut.
    pub text: String,
    /// The paths a reply quotes.
    pub sources: Vec<String>,
    /// Where it begins in the log, in bytes.
    pub offset: usize,
    /// How long it is, in bytes.
    pub length: usize,
}

/// The heading of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// Words that came in.
    Inbound {
        /// The inbound event's id.
        id: String,
        /// When it arrived, milliseconds since the Unix epoch, whole seconds.
        at_ms: i64,
        /// Who said it.
        user: String,
    },
    /// A reply.
    Outbound {
        /// The id of the inbound event that it answers.
        id: String,
        /// When its delivery ended, milliseconds since the Unix epoch, whole seconds.
        at_ms: i64,
        /// Who says it.
        who: String,
        /// How its delivery ended.
        delivery: Delivery,
    },
}

/// Reads a log, or a part of one that begins and ends with whole entries.
///
/// # Errors
/// [`Broken`] with the line (of this text) that no entry of ours has.
pub fn parse(log: &str) -> Result<Vec<Entry>, Broken> {
    let mut entries = Vec::new();
    let mut starts = entry_starts(log).peekable();
    if starts.peek().is_some_and(|(at, _)| *at != 0) || (starts.peek().is_none() && !log.is_empty()) {
        return Err(broken(1, "a log begins with the heading of an entry"));
    }
    while let Some((at, line)) = starts.next() {
        let end = starts.peek().map_or(log.len(), |(next, _)| *next);
        let text = log.get(at..end).unwrap_or_default();
        entries.push(entry(text, at).map_err(|why| broken(line, why))?);
    }
    Ok(entries)
}

fn broken(line: usize, why: &str) -> Broken {
    Broken { line, column: 0, why: why.to_owned() }
}

/// Offset and number of each line that begins with `#`: in a log these are headings and nothing else.
fn entry_starts(log: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    log.split_inclusive('\n').enumerate().filter_map(move |(n, line)| {
        let start = at;
        at += line.len();
        line.starts_with('#').then_some((start, n + 1))
    })
}

fn entry(whole: &str, offset: usize) -> Result<Entry, &'static str> {
    let (heading, rest) = whole.split_once('\n').ok_or("the heading is not followed by an entry")?;
    let head = head(heading).ok_or("this is not the heading of an entry")?;
    let body = rest.strip_suffix('\n').ok_or("the entry does not end with a blank line")?;
    let (text, sources) = match body.find(&format!("\n\n{SOURCE}")) {
        Some(at) => body.split_at(at + 1),
        None => (body, ""),
    };
    let text = text.strip_suffix('\n').ok_or("the entry does not end with a blank line")?;
    let sources = sources.lines().filter(|line| !line.is_empty());
    let sources: Option<Vec<String>> = sources.map(|line| line.strip_prefix(SOURCE).map(escape::unfield)).collect();
    Ok(Entry {
        head,
        text: escape::unescape(text),
        sources: sources.ok_or("a source line of the entry can't be read")?,
        offset,
        length: whole.len(),
    })
}

fn head(heading: &str) -> Option<Head> {
    let mut fields = heading.strip_prefix("### ")?.split(" · ");
    let (at, second, third, end) = (fields.next()?, fields.next()?, fields.next()?, fields.next());
    if end.is_some() {
        return None;
    }
    let at_ms = parse_utc(at)?;
    Some(match second.split_once(" → ") {
        None => Head::Inbound { id: escape::unfield(third), at_ms, user: escape::unfield(second) },
        Some((who, id)) => {
            let delivery = Delivery::parse(third)?;
            Head::Outbound { id: escape::unfield(id), at_ms, who: escape::unfield(who), delivery }
        }
    })
}
