//! What a person typed, cut into its pieces. What is not understood as an operator is a word.

/// The operators that take a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Path,
    Tag,
    After,
    Before,
}

impl Key {
    const ALL: [(&'static str, Self); 4] =
        [("path", Self::Path), ("tag", Self::Tag), ("after", Self::After), ("before", Self::Before)];

    /// As it is typed.
    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, key)| *key == self).map_or("", |(name, _)| name)
    }
}

/// A piece of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'q> {
    Word(&'q str),
    /// What stood between quotes.
    Phrase(&'q str),
    /// A word or phrase after `-`.
    Without(&'q str),
    /// An operator with its value, which is not blank.
    Filter(Key, &'q str),
    /// An operator after `-`, which nothing does.
    WithoutFilter(Key),
}

/// The pieces in order. A quote opens where no letter or digit stands before it (`5"` is a word) and is closed by the
/// next quote; one that is never closed is as if it were not there. `-` and the operators count at the beginning of a
/// word, `-` only with a letter or a quote right after it.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut rest, mut before) = (text, ' ');
    while let Some(c) = rest.chars().next() {
        let found = if before.is_whitespace() { operator(rest) } else { None };
        let found = found.or_else(|| {
            let opens = is_quote(c) && !before.is_alphanumeric();
            opens.then(|| quoted(rest).map(|(inner, used)| (Piece::Phrase(inner), used)))?
        });
        let used = match found {
            Some((piece, used)) => {
                pieces.push(piece);
                used
            }
            None if c.is_whitespace() => c.len_utf8(),
            None if is_quote(c) && !before.is_alphanumeric() => {
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
                continue;
            }
            None => {
                let word = word(rest);
                pieces.push(Piece::Word(word));
                word.len()
            }
        };
        let (gone, after) = rest.split_at_checked(used.max(1)).unwrap_or((rest, ""));
        before = gone.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    pieces
}

/// Quotes as keyboards and telephones make them.
fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

/// What is between the quote that `text` begins with and the next one, and the bytes of all of it.
fn quoted(text: &str) -> Option<(&str, usize)> {
    let open = text.chars().next().filter(|c| is_quote(*c))?.len_utf8();
    let inner = text.get(open..)?;
    let end = inner.find(is_quote)?;
    let close = inner.get(end..)?.chars().next()?.len_utf8();
    Some((inner.get(..end)?, open + end + close))
}

/// Up to white space, or to a quote that opens.
fn word(text: &str) -> &str {
    let mut before = 'x';
    let end = text.char_indices().find(|(at, c)| {
        let ends = c.is_whitespace() || (*at > 0 && is_quote(*c) && !before.is_alphanumeric());
        before = *c;
        ends
    });
    end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// Up to white space.
fn run(text: &str) -> &str {
    text.find(char::is_whitespace).and_then(|end| text.get(..end)).unwrap_or(text)
}

fn operator(text: &str) -> Option<(Piece<'_>, usize)> {
    let Some(without) = text.strip_prefix('-') else {
        let (key, value, used) = filter(text)?;
        return Some((Piece::Filter(key, value), used));
    };
    if let Some((inner, used)) = quoted(without) {
        return Some((Piece::Without(inner), 1 + used));
    }
    if let Some((key, _, used)) = filter(without) {
        return Some((Piece::WithoutFilter(key), 1 + used));
    }
    let word = Some(run(without)).filter(|word| word.starts_with(char::is_alphabetic))?;
    Some((Piece::Without(word), 1 + word.len()))
}

/// `key:value` or `key:"a value"`, with the bytes of all of it.
fn filter(text: &str) -> Option<(Key, &str, usize)> {
    let (name, value) = text.split_once(':')?;
    let (_, key) = Key::ALL.iter().find(|(known, _)| name.eq_ignore_ascii_case(known))?;
    let (inner, used) = quoted(value).unwrap_or_else(|| {
        let run = run(value);
        // A list is written with commas; and a quote that is never closed is as if it were not there.
        (run.trim_start_matches(is_quote).trim_end_matches([',', ';']), run.len())
    });
    let inner = inner.trim();
    (!inner.is_empty()).then_some((*key, inner, name.len() + 1 + used))
}
