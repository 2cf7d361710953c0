//! Where a block ends that is longer than is parsed at once. It is looked for line by line: only the end of what stands
//! at the top level matters, not what is inside.

/// What a block is, as far as its end goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Code between fences.
    Fenced,
    /// HTML.
    Html,
    /// A heading.
    Heading,
    /// A line across.
    Rule,
    /// A paragraph.
    Paragraph,
    /// A list, a quote or indented code: what goes on below empty lines.
    Open,
}

/// A block at the top level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) kind: Kind,
    /// Where its line begins, in bytes.
    pub(super) start: usize,
    /// Where it ends as far as was seen, in bytes.
    pub(super) end: usize,
}

/// Where in `rest`, which begins with `block`, the next block may begin: at or after `seen`, the bytes that are known
/// to hold no other block.
pub(super) fn end(rest: &str, seen: usize, block: &Block) -> usize {
    let window = rest.get(..seen).unwrap_or(rest);
    let lines = window.strip_suffix("\r\n").or_else(|| window.strip_suffix(['\n', '\r'])).unwrap_or(window);
    // The last line that was seen may be the one that ends the block.
    let last = lines.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    if block.end <= last && block.kind != Kind::Open {
        return seen;
    }
    match block.kind {
        Kind::Heading | Kind::Rule => first(rest, last, |_| true),
        Kind::Fenced => {
            let fence = fence(rest);
            let opening = line_bytes(rest);
            first(rest, last.max(opening), |line| closes(line, fence))
        }
        Kind::Html => match html_end(rest) {
            Some(mark) => first(rest, last, |line| contains_folded(line, mark)),
            None => first(rest, last, is_blank),
        },
        Kind::Paragraph => top(rest, last, seen, |_| true),
        Kind::Open => top(rest, last, seen, stands_alone),
    }
    .max(seen)
}

/// The bytes of the first line with its end: LF, CR LF or CR.
pub(super) fn line_bytes(text: &str) -> usize {
    match text.find(['\n', '\r']) {
        None => text.len(),
        Some(at) if text.get(at..).is_some_and(|end| end.starts_with("\r\n")) => at + 2,
        Some(at) => at + 1,
    }
}

/// Where the first line at or after `from` ends that `is` so; else the end of the text.
fn first(text: &str, from: usize, is: impl Fn(&str) -> bool) -> usize {
    let mut at = from;
    while let Some((line, _)) = text.get(at..).filter(|rest| !rest.is_empty()).and_then(split_line) {
        at += line.len();
        if is(line) {
            break;
        }
    }
    at
}

/// Where the first line after `seen` begins that can't belong to what is above it; what does not after an empty line is
/// told by `anew`.
fn top(text: &str, last: usize, seen: usize, anew: impl Fn(&str) -> bool) -> usize {
    let (mut at, mut after_blank) = (last, false);
    while let Some((line, _)) = text.get(at..).filter(|rest| !rest.is_empty()).and_then(split_line) {
        let begins_anew = opens(line) || (after_blank && anew(line));
        if at >= seen && begins_anew {
            break;
        }
        after_blank = is_blank(line);
        at += line.len();
    }
    at
}

fn split_line(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(line_bytes(text))
}

fn is_blank(line: &str) -> bool {
    line.trim_matches([' ', '\t', '\r', '\n']).is_empty()
}

/// A heading, a fence or HTML at the left edge ends every list, quote and paragraph.
fn opens(line: &str) -> bool {
    let after = line.trim_start_matches('#');
    let marks = line.len() - after.len();
    let is_heading = (1..=6).contains(&marks) && (after.is_empty() || after.starts_with([' ', '\t', '\r', '\n']));
    is_heading || line.starts_with("```") || line.starts_with("~~~") || line.starts_with('<')
}

/// After an empty line, what stands at the left edge goes on with nothing, unless it is the next item or quote. What is
/// inside of an item stands two columns to the right at least.
fn stands_alone(line: &str) -> bool {
    let line = line.strip_prefix(' ').unwrap_or(line);
    let after = match line.trim_start_matches(|c: char| c.is_ascii_digit()) {
        same if same.len() == line.len() => line.strip_prefix(['-', '+', '*']),
        number => number.strip_prefix(['.', ')']),
    };
    let is_item = after.is_some_and(|after| after.is_empty() || after.starts_with([' ', '\t', '\r', '\n']));
    !(is_item || line.starts_with(['>', ' ', '\t', '\r', '\n']))
}

/// The mark of a fence and how often it stands there.
fn fence(line: &str) -> (char, usize) {
    let line = line.trim_start_matches(' ');
    let mark = if line.starts_with('~') { '~' } else { '`' };
    (mark, line.len() - line.trim_start_matches(mark).len())
}

fn closes(line: &str, (mark, times): (char, usize)) -> bool {
    let marks = line.trim_start_matches(' ');
    let after = marks.trim_start_matches(mark);
    line.len() - marks.len() < 4 && marks.len() - after.len() >= times && is_blank(after)
}

/// What ends HTML that may hold empty lines (CommonMark 0.31, 4.6, kinds 1 to 5), in lower case.
fn html_end(text: &str) -> Option<&'static str> {
    const ENDS: [(&str, &str); 8] = [
        ("<!--", "-->"),
        ("<?", "?>"),
        ("<![cdata[", "]]>"),
        ("<!", ">"),
        ("<script", "</script>"),
        ("<pre", "</pre>"),
        ("<style", "</style>"),
        ("<textarea", "</textarea>"),
    ];
    let text = text.trim_start_matches(' ');
    let begins = |start: &str| text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
    ENDS.iter().find(|(start, _)| begins(start)).map(|(_, end)| *end)
}

/// Whether a line holds a mark, given in lower case, in any case of ASCII.
fn contains_folded(line: &str, mark: &str) -> bool {
    line.as_bytes().windows(mark.len()).any(|part| part.eq_ignore_ascii_case(mark.as_bytes()))
}
