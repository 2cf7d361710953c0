//! Words that say nothing about what is looked for, in English and German, sorted.

const STOP_WORDS: [&str; 198] = [
    "a", "aber", "about", "after", "all", "als", "also", "am", "an", "and", "any", "are", "as", "at", "auch", "auf",
    "aus", "be", "because", "been", "bei", "bis", "bist", "but", "by", "can", "could", "da", "damit", "dann", "das",
    "dass", "dein", "dem", "den", "denn", "der", "des", "dich", "did", "die", "dies", "diese", "diesem", "diesen",
    "dieser", "dieses", "dir", "do", "doch", "does", "doing", "done", "du", "durch", "ein", "eine", "einem", "einen",
    "einer", "eines", "er", "es", "euch", "for", "from", "für", "get", "gibt", "hab", "habe", "haben", "had", "has",
    "hatte", "have", "he", "her", "here", "him", "his", "how", "i", "ich", "if", "ihm", "ihn", "ihr", "ihre", "im",
    "in", "into", "is", "ist", "it", "its", "ja", "just", "kann", "kannst", "können", "let", "me", "mein", "meine",
    "mich", "mir", "mit", "my", "nach", "nicht", "no", "noch", "not", "nur", "ob", "oder", "of", "on", "or", "our",
    "please", "s", "sein", "seine", "she", "should", "show", "sich", "sie", "sind", "so", "soll", "some", "t", "tell",
    "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "too", "um",
    "und", "uns", "unser", "unter", "up", "us", "vom", "von", "vor", "wann", "waren", "warum", "was", "we", "weil",
    "welche", "welcher", "welches", "wenn", "wer", "werden", "were", "what", "when", "where", "which", "while", "who",
    "whom", "whose", "why", "wie", "wieder", "will", "wir", "wird", "with", "wo", "worden", "would", "wurde", "wurden",
    "you", "your", "zu", "zum", "zur", "über",
];

/// Whether a word, in lower case, tells nothing.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_without_repeats() {
        assert!(STOP_WORDS.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
