//! What a person types into a search: words, and operators that narrow it.
//!
//! | typed | what it does |
//! |---|---|
//! | `word` | ranks what holds it |
//! | `"exact phrase"` | must occur, its words in this order |
//! | `-word`, `-"phrase"` | files that hold it are left out; `-` counts at the beginning of a word with a letter after it |
//! | `path:notes`, `path:notes/**`, `path:plan.md` | in such a folder or file, or a pattern ([`markdown::paths`]); one of several |
//! | `path:/notes` | the one at the top only |
//! | `tag:x` | tagged so; all of several |
//! | `after:2026-03-01`, `after:2026-03`, `after:2026` | from the first moment of it, UTC |
//! | `before:2026-03-01` | before the first moment of it, UTC |
//!
//! A value may be quoted (`path:"my notes/"`). What is no operator stays words: `http://x`, `12:30`, `C++`, `a-b`,
//! `--flag`, `-1`, `path:` without a value, a quote that is never closed.

mod read;

use markdown::chunk::HEADING_CHARS_MAX;
use markdown::civil;
use markdown::paths::PATTERN_BYTES_MAX;
use markdown::text::{clean_line, cut};
use messages::index::QUERY_BYTES_MAX;

use self::read::{Key, Piece, pieces};
use super::core::{phrase, quoted, terms};

/// The most phrases that must occur; the words of further ones rank.
pub(crate) const PHRASES_MAX: usize = 8;
/// The most words of a phrase; its further ones are not asked for.
pub(crate) const PHRASE_WORDS_MAX: usize = 32;
/// The most words and phrases whose files are left out.
pub(crate) const EXCLUDED_MAX: usize = 16;
/// The most `path:`.
pub(crate) const PATHS_MAX: usize = 8;
/// The most `tag:`.
pub(crate) const TAGS_MAX: usize = 8;
/// The longest value in a sentence for people, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// Words in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phrase {
    /// As the index holds them; at least one.
    pub(crate) words: Vec<String>,
    /// As they were typed, on one line.
    pub(crate) shown: String,
}

/// A query that was read. Every text is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// The words that rank, [`TERMS_MAX`](super::core::TERMS_MAX) at most. Stop words are among them only when there
    /// are no other words and no phrases.
    pub(crate) terms: Vec<String>,
    /// What must occur.
    pub(crate) phrases: Vec<Phrase>,
    /// A file that holds one of them is left out.
    pub(crate) excluded: Vec<Phrase>,
    /// Patterns, one of which a file's path must fit; none when any will do. A `path:` may become four.
    pub(crate) paths: Vec<String>,
    /// What the file must be tagged with, in lower case without `#`.
    pub(crate) tags: Vec<String>,
    /// The earliest moment, milliseconds since the Unix epoch.
    pub(crate) after: Option<i64>,
    /// The moment before which, milliseconds since the Unix epoch.
    pub(crate) before: Option<i64>,
    /// Why the query can't be answered as it was meant: one sentence that says how to write it.
    pub(crate) problem: Option<String>,
    paths_shown: Vec<String>,
    plain: String,
}

impl Query {
    /// Reads what a person typed; what is longer than [`QUERY_BYTES_MAX`] is cut.
    pub(crate) fn of(typed: &str) -> Self {
        let mut query = Self::default();
        let mut words = String::new();
        for piece in pieces(cut(typed, QUERY_BYTES_MAX)) {
            match piece {
                Piece::Word(word) => {
                    add(&mut words, word);
                    add(&mut query.plain, word);
                }
                Piece::Phrase(text) => {
                    if query.phrases.len() < PHRASES_MAX {
                        push(&mut query.phrases, text);
                    } else {
                        add(&mut words, text);
                    }
                    add(&mut query.plain, text);
                }
                Piece::Without(text) => query.exclude(text),
                Piece::Filter(key, value) => query.filter(key, value),
                Piece::WithoutFilter(key) => {
                    let key = key.name();
                    query.refuse(format!(
                        "-{key}: is not understood; only words and phrases can be left out, like -word"
                    ));
                }
            }
        }
        query.terms = terms(&words, query.phrases.is_empty());
        if let (Some(after), Some(before)) = (query.after, query.before)
            && after >= before
        {
            let (after, before) = (day(after), day(before));
            query.refuse(format!(
                "after:{after} and before:{before} leave no day between them; after: wants the earlier one"
            ));
        }
        query
    }

    /// The words without operators, for what understands meaning.
    pub(crate) fn plain(&self) -> &str {
        &self.plain
    }

    /// Each term and phrase in FTS5's words, a quoted string each.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.terms.iter().map(|term| quoted(term)).chain(self.phrases.iter().map(Phrase::quoted)).collect()
    }

    /// What ranks: any of the terms and phrases. Empty when there are none.
    pub(crate) fn any_of(&self) -> String {
        self.asked().join(" OR ")
    }

    /// What must occur: all phrases.
    pub(crate) fn must(&self) -> Option<String> {
        joined(&self.phrases, " AND ")
    }

    /// What must not: any of the excluded.
    pub(crate) fn must_not(&self) -> Option<String> {
        joined(&self.excluded, " OR ")
    }

    /// What a passage has to match: all phrases, and if there are none any term (FTS5, 3.8). The terms stand beside the
    /// phrases so that they rank. `None` when there are neither.
    pub(crate) fn matching(&self) -> Option<String> {
        let any_of = Some(self.any_of()).filter(|any_of| !any_of.is_empty())?;
        Some(self.must().map_or_else(|| any_of.clone(), |must| format!("({must}) AND ({any_of})")))
    }

    /// It has filters and no words: what fits is listed.
    pub(crate) fn is_filter_only(&self) -> bool {
        let has_filter =
            !self.paths.is_empty() || !self.tags.is_empty() || self.after.is_some() || self.before.is_some();
        has_filter && self.terms.is_empty() && self.phrases.is_empty()
    }

    /// The filters that are in force, as one clause for people; empty when there are none.
    pub(crate) fn describe(&self) -> String {
        let mut said = Vec::new();
        let mut say = |what: &str, values: &[String], and: &str| {
            if !values.is_empty() {
                said.push(format!("{what} {}", values.join(and)));
            }
        };
        say("with", &self.phrases.iter().map(Phrase::in_quotes).collect::<Vec<_>>(), " and ");
        say("in path", &self.paths_shown, " or ");
        say("tagged", &self.tags, " and ");
        say("after", &self.after.map(day).into_iter().collect::<Vec<_>>(), "");
        say("before", &self.before.map(day).into_iter().collect::<Vec<_>>(), "");
        say("without", &self.excluded.iter().map(Phrase::in_quotes).collect::<Vec<_>>(), " or ");
        said.join(", ")
    }

    fn exclude(&mut self, text: &str) {
        push(&mut self.excluded, text);
        if self.excluded.len() > EXCLUDED_MAX {
            self.excluded.truncate(EXCLUDED_MAX);
            self.refuse(format!("at most {EXCLUDED_MAX} words and phrases can be left out; leave some of the - away"));
        }
    }

    fn filter(&mut self, key: Key, value: &str) {
        match key {
            Key::Path => self.path(value),
            Key::Tag => self.tag(value),
            Key::After | Key::Before => self.date(key, value),
        }
    }

    fn path(&mut self, value: &str) {
        let patterns = patterns(value);
        if patterns.iter().any(|pattern| pattern.len() > PATTERN_BYTES_MAX) {
            self.refuse(format!("path: wants a path of less than {PATTERN_BYTES_MAX} bytes"));
        } else if self.paths_shown.len() == PATHS_MAX {
            self.refuse(format!("at most {PATHS_MAX} path: are taken; a pattern like path:notes/** stands for many"));
        } else if let Some(first) = patterns.first() {
            self.paths_shown.push(clean_line(first, SHOWN_CHARS_MAX));
            self.paths.extend(patterns);
        }
    }

    fn tag(&mut self, value: &str) {
        // As tags of files are read.
        let tag = clean_line(value.trim_start_matches('#'), HEADING_CHARS_MAX).to_lowercase();
        if tag.is_empty() {
            self.refuse("tag: wants a word, like tag:plan".into());
        } else if !self.tags.contains(&tag) {
            self.tags.push(tag);
        }
        if self.tags.len() > TAGS_MAX {
            self.tags.truncate(TAGS_MAX);
            self.refuse(format!("at most {TAGS_MAX} tag: are taken; leave some of them away"));
        }
    }

    /// Of several, all hold.
    fn date(&mut self, key: Key, value: &str) {
        let Some(at) = civil::first_moment(value) else {
            let (key, value) = (key.name(), clean_line(value, SHOWN_CHARS_MAX));
            return self
                .refuse(format!("{key}: wants a day like 2026-03-01, a month like 2026-03 or a year, not {value}"));
        };
        if key == Key::After {
            self.after = Some(self.after.map_or(at, |known| known.max(at)));
        } else {
            self.before = Some(self.before.map_or(at, |known| known.min(at)));
        }
    }

    /// The first of several is told.
    fn refuse(&mut self, why: String) {
        self.problem.get_or_insert(why);
    }
}

impl Phrase {
    fn quoted(&self) -> String {
        quoted(&self.words.join(" "))
    }

    fn in_quotes(&self) -> String {
        format!("\"{}\"", self.shown)
    }
}

/// Appends the words of a text as a phrase, once; a text without words is none.
fn push(phrases: &mut Vec<Phrase>, text: &str) {
    let mut words = phrase(text);
    words.truncate(PHRASE_WORDS_MAX);
    if !words.is_empty() && phrases.iter().all(|known| known.words != words) {
        phrases.push(Phrase { words, shown: clean_line(text, SHOWN_CHARS_MAX) });
    }
}

fn joined(phrases: &[Phrase], with: &str) -> Option<String> {
    let quoted: Vec<String> = phrases.iter().map(Phrase::quoted).collect();
    Some(quoted.join(with)).filter(|expression| !expression.is_empty())
}

fn add(line: &mut String, words: &str) {
    let words = words.trim();
    if !line.is_empty() && !words.is_empty() {
        line.push(' ');
    }
    line.push_str(words);
}

/// What `path:` means, the way to show it first: a pattern itself, else a folder with all below it or a file, at the top or
/// anywhere; with a slash before it at the top only.
fn patterns(value: &str) -> Vec<String> {
    let value = value.trim_start_matches("./");
    let (value, is_anchored) = (value.trim_start_matches('/'), value.starts_with('/'));
    if value.is_empty() || value == "." {
        return vec!["**".into()];
    }
    if value.contains(['*', '?']) {
        return vec![value.to_owned()];
    }
    let folder = value.trim_end_matches('/');
    let mut patterns = vec![format!("{folder}/**")];
    if folder == value {
        patterns.insert(0, value.to_owned());
    }
    if !is_anchored {
        let anywhere: Vec<String> = patterns.iter().map(|pattern| format!("**/{pattern}")).collect();
        patterns.extend(anywhere);
    }
    patterns
}

/// The day of a moment, `2026-03-01`.
fn day(at_ms: i64) -> String {
    civil::utc(at_ms).split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
