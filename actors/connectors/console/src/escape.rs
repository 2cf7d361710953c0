//! What may be shown on a terminal: words as they are, and everything that could steer it or deceive the eye as an
//! escape such as `\u{1b}`.

/// A character that is never written to a terminal raw: controls (C0, C1, DEL) but line feed and tab, bidirectional
/// controls (Unicode UAX #9), zero-width and other invisible characters, line and paragraph separators, tags.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => true,
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => true,
        c => c.is_control(),
    }
}

/// A text as a terminal may be given it; characters that [`is_unsafe`] names become `\u{…}`.
#[must_use]
pub fn for_terminal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The same on one line: line feeds and tabs are escaped too.
#[must_use]
pub fn for_one_line(text: &str) -> String {
    for_terminal(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// JSON that says the same and holds no character that [`is_unsafe`] names: in JSON they can stand in strings only, and
/// there `\uXXXX` is the same character (RFC 8259, section 7).
#[must_use]
pub fn in_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) {
            safe.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_shown_as_an_escape() {
        assert_eq!(for_terminal("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(for_terminal("\u{9b}2J\u{7f}\r"), "\\u{9b}2J\\u{7f}\\u{d}");
        assert_eq!(for_terminal("\u{202e}evil\u{2069}\u{200b}"), "\\u{202e}evil\\u{2069}\\u{200b}");
        assert_eq!(for_terminal("grüße, 世界 🙂\n\tx"), "grüße, 世界 🙂\n\tx");
        assert_eq!(for_one_line("a\n\tb"), "a\\n\\tb");
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_ever_shown(text in "\\PC*|[\\x00-\\xff\u{200b}-\u{206f}]*") {
            prop_assert!(!for_terminal(&text).chars().any(is_unsafe));
        }

        #[test]
        fn json_says_the_same_without_unsafe_characters(text in any::<String>()) {
            let json = in_json(&serde_json::to_string(&text).unwrap());
            prop_assert!(!json.chars().any(is_unsafe));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
