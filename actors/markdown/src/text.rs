//! Words of others, made safe to show on one line.

/// Whether a character shows nothing of itself or changes how others show: controls (also newline and tab), zero-width
/// characters, the bidirectional controls of Unicode TR 36 and TR 9, line and paragraph separators, tag characters.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'
                ..='\u{180f}'
                    | '\u{200b}'..='\u{200f}'
                    | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}'
                    | '\u{3164}'
                    | '\u{feff}'
                    | '\u{ffa0}'
                    | '\u{fff0}'..='\u{fffb}'
                    | '\u{1bca0}'..='\u{1bca3}'
                    | '\u{1d173}'..='\u{1d17a}'
                    | '\u{e0000}'..='\u{e0fff}'
        )
}

/// One line: runs of white space become one space, hidden characters ([`is_hidden`]) are left out, and what is longer
/// than `chars_max` characters is cut and ends with `…` (which counts).
#[must_use]
pub fn clean_line(text: &str, chars_max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(chars_max.saturating_mul(4)));
    let mut chars = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() {
            gap = chars > 0;
            continue;
        }
        if is_hidden(c) {
            continue;
        }
        let needed = 1 + usize::from(gap);
        if chars + needed > chars_max {
            return with_ellipsis(line, chars, chars_max);
        }
        if gap {
            line.push(' ');
        }
        line.push(c);
        chars += needed;
        gap = false;
    }
    line
}

fn with_ellipsis(mut line: String, chars: usize, chars_max: usize) -> String {
    if chars_max == 0 {
        return String::new();
    }
    if chars == chars_max {
        line.pop();
    }
    line.truncate(line.trim_end().len());
    line.push('…');
    line
}

/// The beginning of `text`, at most `bytes_max` bytes, cut between characters.
#[must_use]
pub fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..floor_boundary(text, bytes_max)).unwrap_or(text)
}

/// The last place at or before `at` where a character begins.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_one_line_without_hidden_characters() {
        assert_eq!(clean_line("  a\r\n\tb\u{202e}c\u{200b}\u{7} d  ", 80), "a bc d");
    }

    #[test]
    fn a_long_line_is_cut_at_its_edge_and_says_so() {
        assert_eq!(clean_line("äöüß", 4), "äöüß");
        assert_eq!(clean_line("äöüßx", 4), "äöü…");
        assert_eq!(clean_line("a bcd", 3), "a…");
        assert_eq!(clean_line("abc", 0), "");
        assert_eq!(clean_line("abc", 1), "…");
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(cut("aä", 2), "a");
        assert_eq!(cut("aä", 3), "aä");
    }

    proptest! {
        #[test]
        fn no_line_is_longer_than_asked_or_shows_what_is_hidden(text in any::<String>(), n in 0usize..40) {
            let line = clean_line(&text, n);
            prop_assert!(line.chars().count() <= n);
            prop_assert!(!line.chars().any(is_hidden));
        }
    }
}
