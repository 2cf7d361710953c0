//! Which part of a passage is quoted. Pure.

/// Characters of the shortest word that counts.
const WORD_CHARS_MIN: usize = 3;

/// A part of the passage, at most `bytes_max` long: whole sentences where they fit, the run of them that holds the most
/// words of the question, the earliest if several do. It is always a piece of the passage as it stands.
pub(super) fn excerpt<'a>(passage: &'a str, question: &str, bytes_max: usize) -> &'a str {
    let passage = passage.trim_matches(['\n', '\r']).trim_end();
    if passage.len() <= bytes_max {
        return passage;
    }
    let words = words(question);
    let sentences = sentences(passage);
    let run_from = |at: usize| run(passage.get(at..).unwrap_or_default(), bytes_max);
    let mut best = (0, 0);
    for (index, (at, _)) in sentences.iter().enumerate() {
        let held = held(run_from(*at), &words);
        if held > best.0 {
            best = (held, index);
        }
    }
    // What stands before the first word that was asked for makes room for what follows the last.
    let from = sentences.iter().skip(best.1).find(|(_, sentence)| held(sentence, &words) > 0);
    run_from(from.map_or(0, |(at, _)| *at)).trim_end()
}

/// The longest run of whole sentences from the beginning; a sentence that is longer than the limit is cut at a word.
fn run(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let most = text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default();
    let end = sentences(text).into_iter().map(|(at, _)| at).take_while(|at| *at <= most.len()).last().unwrap_or(0);
    let end = if end > 0 { end } else { most.rfind(char::is_whitespace).unwrap_or(most.len()) };
    most.get(..end).unwrap_or(most)
}

/// The sentences and where each begins, the first at 0. One ends after a line break, and after `.`, `!`, `?` or `…` with
/// white space behind.
fn sentences(text: &str) -> Vec<(usize, &str)> {
    let mut sentences = Vec::new();
    let (mut start, mut ended, mut before) = (0, false, ' ');
    for (at, c) in text.char_indices() {
        if ended && !c.is_whitespace() {
            sentences.push((start, text.get(start..at).unwrap_or_default()));
            (start, ended) = (at, false);
        }
        ended |= c == '\n' || (c.is_whitespace() && matches!(before, '.' | '!' | '?' | '…' | '。'));
        before = c;
    }
    sentences.push((start, text.get(start..).unwrap_or_default()));
    sentences
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<_> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() >= WORD_CHARS_MIN)
        .map(str::to_lowercase)
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn held(text: &str, words: &[String]) -> usize {
    let text = text.to_lowercase();
    words.iter().filter(|word| text.contains(word.as_str())).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_sentences_that_hold_the_question_s_words_are_quoted() {
        let filler = "Nothing of note is said here at all. ".repeat(20);
        let passage = format!("{filler}The launch is on 3 May. Tickets cost 12 euros. {filler}");
        let part = excerpt(&passage, "when is the launch, and what do tickets cost?", 120);
        assert!(part.contains("The launch is on 3 May. Tickets cost 12 euros."), "{part}");
        assert!(part.len() <= 120 && part.ends_with('.'), "{part}");
    }

    #[test]
    fn a_passage_that_fits_is_quoted_whole() {
        assert_eq!(excerpt("\nAll of it. Here\n", "x", 15), "All of it. Here");
        assert_eq!(excerpt("All of it. Here", "x", 14), "All of it.");
    }

    #[test]
    fn a_sentence_without_end_is_cut_at_a_word() {
        assert_eq!(excerpt("one two three four", "?", 9), "one two");
        assert_eq!(excerpt("onetwothreefour", "?", 6), "onetwo");
        assert_eq!(excerpt("ääää", "?", 3), "ä");
    }

    proptest! {
        #[test]
        fn an_excerpt_is_a_piece_of_the_passage_within_its_limit(
            passage in "([a-zäß🙂]{1,8}[ .!\n]{1,2}){0,40}",
            question in "[a-zä ]{0,30}",
            bytes_max in 4usize..80,
        ) {
            let part = excerpt(&passage, &question, bytes_max);
            prop_assert!(passage.contains(part));
            prop_assert!(part.len() <= bytes_max);
            prop_assert_eq!(part.trim().is_empty(), passage.trim().is_empty());
        }
    }
}
