//! The part of a file below one of its headings, as a person names it.

use std::collections::HashMap;
use std::ops::Range;

use pulldown_cmark::HeadingLevel;

use super::headings::{Heading, headings};
use super::{HEADING_CHARS_MAX, body_of};
use crate::text::clean_line;

/// The most trails that [`sections`] gives.
pub const SECTIONS_SHOWN_MAX: usize = 50;

/// The part of a file below the heading that a person typed after `#`, in bytes: from the heading's line to the next
/// heading of the same or a higher level. `None` when no heading fits, or nothing was typed.
///
/// In this order, and the first in the file: a heading whose words are the same in any case, white space folded; one
/// whose anchor is the same, as GitHub makes them (`the-roof-plan`, `plan-1` for the second `Plan`); one whose trail
/// ends so (`Plan > Dates`, `Plan › Dates`). Else the only heading whose words, anchor or trail begin so.
#[must_use]
pub fn section(text: &str, heading: &str) -> Option<Range<usize>> {
    let typed = key(heading);
    if typed.is_empty() {
        return None;
    }
    let body = body_of(text);
    let (base, headings) = (text.len() - body.len(), headings(body));
    let named = named(&headings);
    let first = |fits: &dyn Fn(&Named) -> bool| named.iter().position(fits);
    let chosen = first(&|name| name.title == typed)
        .or_else(|| first(&|name| name.anchor == typed))
        .or_else(|| first(&|name| name.trail.strip_suffix(typed.as_str()).is_some_and(is_edge)))
        .or_else(|| only(&named, &typed))?;
    let here = headings.get(chosen)?;
    let next = headings.get(chosen + 1..)?.iter().find(|heading| heading.level <= here.level);
    Some(base + here.start..base + next.map_or(body.len(), |heading| heading.start))
}

/// The trails of the headings of a file in order, [`SECTIONS_SHOWN_MAX`] at most; headings without words are left out.
#[must_use]
pub fn sections(text: &str) -> Vec<String> {
    let headings = headings(body_of(text));
    let mut trail = Trail::default();
    let trails = headings.iter().filter_map(|heading| {
        trail.enter(heading);
        (!heading.title.is_empty()).then(|| trail.shown())
    });
    trails.take(SECTIONS_SHOWN_MAX).collect()
}

/// The headings above a place.
#[derive(Default)]
pub(super) struct Trail<'h>(Vec<(HeadingLevel, &'h str)>);

impl<'h> Trail<'h> {
    pub(super) fn enter(&mut self, heading: &'h Heading) {
        self.0.retain(|(level, _)| *level < heading.level);
        self.0.push((heading.level, &heading.title));
    }

    /// `A > B`; headings without words are left out.
    pub(super) fn shown(&self) -> String {
        self.0.iter().map(|(_, title)| *title).filter(|title| !title.is_empty()).collect::<Vec<_>>().join(" > ")
    }
}

/// What a heading may be called by, in lower case.
struct Named {
    title: String,
    anchor: String,
    trail: String,
}

fn named(headings: &[Heading]) -> Vec<Named> {
    let (mut trail, mut seen) = (Trail::default(), HashMap::new());
    let mut named = Vec::with_capacity(headings.len());
    for heading in headings {
        trail.enter(heading);
        let trail = key(&trail.shown());
        named.push(Named { title: key(&heading.title), anchor: anchor(&heading.title, &mut seen), trail });
    }
    named
}

/// The only heading that begins so.
fn only(named: &[Named], typed: &str) -> Option<usize> {
    let begins = |name: &Named| {
        name.title.starts_with(typed) || name.anchor.starts_with(typed) || {
            // What is below a heading begins with the heading's trail too: only the last part may be left to type.
            let at = name.trail.rfind(SEPARATOR).map_or(0, |at| at + SEPARATOR.len());
            let ends = name.trail.match_indices(typed).filter(|(from, _)| from + typed.len() > at);
            ends.into_iter().any(|(from, _)| name.trail.get(..from).is_some_and(is_edge))
        }
    };
    let mut fits = named.iter().enumerate().filter(|(_, name)| begins(name));
    fits.next().filter(|_| fits.next().is_none()).map(|(n, _)| n)
}

const SEPARATOR: &str = " > ";

fn is_edge(before: &str) -> bool {
    before.is_empty() || before.ends_with(SEPARATOR)
}

/// Words as they are compared: each part of a trail on one line, without `#` before it, cut as titles are, in lower case.
fn key(text: &str) -> String {
    let part = |part: &str| clean_line(part.trim_start().trim_start_matches('#'), HEADING_CHARS_MAX);
    let parts = text.split(['>', '›']).map(part).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(SEPARATOR).to_lowercase()
}

/// An anchor as GitHub makes it: lower case, spaces as `-`, without other signs; the second of a name gets `-1`.
fn anchor(title: &str, seen: &mut HashMap<String, usize>) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '\u{300}'..='\u{36f}');
    let anchor: String = title.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect();
    let times = seen.entry(anchor.clone()).or_insert(0);
    *times += 1;
    if *times == 1 { anchor } else { format!("{anchor}-{}", *times - 1) }
}

#[cfg(test)]
mod tests;
