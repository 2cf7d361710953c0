//! What a question becomes: terms for the full-text engine, without an operator a person could trip over.

use std::collections::HashSet;

use super::stop::is_stop_word;

/// The most different terms of one query; the rest is left out.
pub(crate) const TERMS_MAX: usize = 64;

/// Stands between characters of scripts that write without spaces, so that each is a word of the index. It is no
/// letter for the tokenizer and is invisible, so that snippets lose it when they are cleaned.
const GAP: char = '\u{200b}';

/// The different terms of a text in order, [`TERMS_MAX`] at most: words, and pairs of neighbouring characters of Chinese,
/// Japanese or Korean. Stop words are left out; when there is nothing else,
/// they are kept if the text stands `alone`.
pub(crate) fn terms(text: &str, alone: bool) -> Vec<String> {
    let all = words(text);
    let telling: Vec<&String> = all.iter().filter(|word| !is_stop_word(word)).collect();
    let chosen: Vec<String> = if telling.is_empty() && alone { all } else { telling.into_iter().cloned().collect() };
    let mut seen = HashSet::new();
    chosen.into_iter().filter(|word| seen.insert(word.clone())).take(TERMS_MAX).collect()
}

/// The words of a phrase as the index holds them, in order, stop words too; characters of scripts that write without
/// spaces are words.
pub(crate) fn phrase(text: &str) -> Vec<String> {
    words_with(text, |characters| characters.iter().map(char::to_string).collect())
}

/// One term in FTS5's words.
pub(crate) fn quoted(term: &str) -> String {
    format!("\"{}\"", term.replace('"', "\"\""))
}

/// A text as it is indexed: characters of scripts that write without spaces are parted.
pub(crate) fn parted(text: &str) -> String {
    if !text.chars().any(is_unspaced) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut after_unspaced = false;
    for c in text.chars() {
        let unspaced = is_unspaced(c);
        if unspaced || after_unspaced {
            out.push(GAP);
        }
        out.push(c);
        after_unspaced = unspaced;
    }
    out
}

fn words(question: &str) -> Vec<String> {
    words_with(question, pairs)
}

fn words_with(question: &str, unspaced: impl Fn(&[char]) -> Vec<String>) -> Vec<String> {
    let mut words = Vec::new();
    for run in question.split(|c: char| !c.is_alphanumeric() && !is_mark(c)).filter(|run| !run.is_empty()) {
        for part in by_script(run) {
            match part {
                Part::Spaced(word) => words.push(word.to_lowercase()),
                Part::Unspaced(characters) => words.extend(unspaced(&characters)),
            }
        }
    }
    words.retain(|word| word.chars().any(char::is_alphanumeric));
    words
}

enum Part {
    Spaced(String),
    Unspaced(Vec<char>),
}

fn by_script(run: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for c in run.chars() {
        match (parts.last_mut(), is_unspaced(c)) {
            (Some(Part::Unspaced(characters)), true) => characters.push(c),
            (Some(Part::Spaced(word)), false) => word.push(c),
            (_, true) => parts.push(Part::Unspaced(vec![c])),
            (_, false) => parts.push(Part::Spaced(c.to_string())),
        }
    }
    parts
}

fn pairs(characters: &[char]) -> Vec<String> {
    match characters {
        [one] => vec![one.to_string()],
        many => many.windows(2).map(|pair| pair.iter().map(char::to_string).collect::<Vec<_>>().join(" ")).collect(),
    }
}

/// Combining marks belong to the word they stand in.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Letters of scripts that write without spaces, or whose words are too long for whole-word search: Han, Kana, Hangul.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}' | '\u{3040}'..='\u{30ff}' | '\u{3130}'..='\u{318f}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
        && c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("What is the budget for the Berlin trip?", &["budget", "berlin", "trip"])]
    #[case("Was kostet die Reise nach Köln", &["kostet", "reise", "köln"])]
    #[case("the who", &["the", "who"])]
    #[case("plan Plan PLAN", &["plan"])]
    #[case("C++ AND (NOT \"x\" NEAR y*) ^z col:w", &["c", "x", "near", "y", "z", "col", "w"])]
    #[case("東京都 abc東", &["東 京", "京 都", "abc", "東"])]
    #[case("!!! ???", &[])]
    #[case("", &[])]
    fn a_question_becomes_telling_words(#[case] question: &str, #[case] wanted: &[&str]) {
        assert_eq!(terms(question, true), wanted);
    }

    #[test]
    fn the_number_of_terms_is_limited_at_its_edge() {
        let many = |n: usize| (0..n).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
        assert_eq!(terms(&many(TERMS_MAX), true).len(), TERMS_MAX);
        assert_eq!(terms(&many(TERMS_MAX + 1), true).len(), TERMS_MAX);
    }

    #[rstest]
    #[case("The Berlin trip, and the budget", &["the", "berlin", "trip", "and", "the", "budget"])]
    #[case("東京都 abc東", &["東", "京", "都", "abc", "東"])]
    #[case("C++?", &["c"])]
    #[case("!!!", &[])]
    fn a_phrase_keeps_all_its_words_in_order(#[case] text: &str, #[case] words: &[&str]) {
        assert_eq!(phrase(text), words);
    }

    #[test]
    fn stop_words_are_kept_only_alone() {
        assert_eq!((terms("the who", true).len(), terms("the who", false).len()), (2, 0));
    }

    #[test]
    fn unspaced_text_is_parted_and_the_rest_left_alone() {
        assert_eq!(parted("plan für x"), "plan für x");
        assert_eq!(parted("a東京b").split(GAP).collect::<Vec<_>>(), ["a", "東", "京", "b"]);
    }
}
