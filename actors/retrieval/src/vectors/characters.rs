//! What a character is to the tokenizer, told as Hugging Face's `BertNormalizer` and `BertPreTokenizer` do
//! (<https://github.com/huggingface/tokenizers>, after
//! <https://github.com/google-research/bert/blob/master/tokenization.py>). Theirs know Unicode as it was in 2015; a
//! character that came or changed its kind since may be told otherwise here, which no known piece notices.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// White space that is none of Unicode's control characters, or one of the three that lines are made of.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c.is_whitespace() && !c.is_control())
}

/// Says nothing and is left out as if it were not there: controls, formats, private use, what could not be decoded.
pub(super) fn is_dropped(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{fffd}' => true,
        _ if c.is_ascii() => c.is_ascii_control(),
        _ => matches!(
            c.general_category(),
            GeneralCategory::Control | GeneralCategory::Format | GeneralCategory::PrivateUse
        ),
    }
}

/// An accent or the like, which is left out after decomposition (Mn).
pub(super) fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.general_category() == GeneralCategory::NonspacingMark
}

/// Stands as a word of its own: all that ASCII has besides letters and digits, and Unicode's punctuation (P).
pub(super) fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation();
    }
    c.general_category_group() == GeneralCategoryGroup::Punctuation
}

/// A Chinese character, which stands as a word of its own. The ranges are the tokenizer's, gaps included: the fifth should
/// begin at 2B820, but a token that the model never saw would be worth nothing.
pub(super) fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2a6df}'
        | '\u{2a700}'..='\u{2b73f}' | '\u{2b740}'..='\u{2b81f}' | '\u{2b920}'..='\u{2ceaf}'
        | '\u{2f800}'..='\u{2fa1f}')
}
