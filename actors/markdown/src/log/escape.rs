//! How words of a person are written into a log: nothing is lost, and nothing can pose as the log itself.
//!
//! Hidden characters but newline and tab become `\u{7}`; backslashes that stand right before such an escape, or before
//! `u{`, are doubled. Then a line gets one backslash before its first visible character when it would begin a heading,
//! an HTML block, a rule or underline, a source line, or a code fence that is never closed (it would swallow the
//! entries below), or when it is such a line with backslashes already. The rules of blocks are CommonMark 0.31, 4.1 to
//! 4.6. A fence that is closed stays as it is.

use crate::text::is_hidden;

/// Writes a text so that it can stand in a log. [`unescape`] gives it back.
#[must_use]
pub fn escape(text: &str) -> String {
    let shown = show_hidden(text, |c| is_hidden(c) && !matches!(c, '\n' | '\t'));
    let lines: Vec<&str> = shown.split('\n').collect();
    let fenced = closed_fences(&lines);
    let mut out = String::with_capacity(shown.len() + 8);
    for (n, line) in lines.iter().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        let (indent, backslashes, rest) = shape(line);
        out.push_str(indent);
        let fence_stays = backslashes.is_empty() && fenced.get(n) == Some(&true);
        if is_dangerous(rest) && !fence_stays {
            out.push('\\');
        }
        out.push_str(backslashes);
        out.push_str(rest);
    }
    out
}

/// Gives back the text that [`escape`] was given. Of a text that `escape` never wrote it gives something, and never
/// fails.
#[must_use]
pub fn unescape(escaped: &str) -> String {
    let mut shown = String::with_capacity(escaped.len());
    for (n, line) in escaped.split('\n').enumerate() {
        if n > 0 {
            shown.push('\n');
        }
        let (indent, backslashes, rest) = shape(line);
        shown.push_str(indent);
        let kept = if is_dangerous(rest) { backslashes.strip_prefix('\\').unwrap_or("") } else { backslashes };
        shown.push_str(kept);
        shown.push_str(rest);
    }
    hide_shown(&shown)
}

/// A name, an id or a path within a line of ours: newlines and tabs are shown escaped too, and so are the marks that
/// part the fields of a heading.
pub(super) fn field(text: &str) -> String {
    show_hidden(text, |c| is_hidden(c) || matches!(c, '·' | '→'))
}

/// Gives back what [`field`] was given.
pub(super) fn unfield(escaped: &str) -> String {
    hide_shown(escaped)
}

fn show_hidden(text: &str, is_shown_escaped: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = 0;
    for (at, c) in text.char_indices() {
        let literal = c == 'u' && text.get(at + 1..).is_some_and(|rest| rest.starts_with('{'));
        let escaped = is_shown_escaped(c);
        if literal || escaped {
            out.extend(std::iter::repeat_n('\\', run));
        }
        if escaped {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            out.push(c);
        }
        run = if c == '\\' { run + 1 } else { 0 };
    }
    out
}

fn hide_shown(shown: &str) -> String {
    let mut out = String::with_capacity(shown.len());
    let mut rest = shown;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let after = from.trim_start_matches('\\');
        let run = from.len() - after.len();
        rest = after;
        if !after.starts_with("u{") {
            out.extend(std::iter::repeat_n('\\', run));
            continue;
        }
        out.extend(std::iter::repeat_n('\\', run / 2));
        if run % 2 == 1 {
            match code(after) {
                Some((c, more)) => {
                    out.push(c);
                    rest = more;
                }
                None => out.push('\\'),
            }
        }
    }
    out.push_str(rest);
    out
}

fn code(after_backslash: &str) -> Option<(char, &str)> {
    let (hex, more) = after_backslash.strip_prefix("u{")?.split_once('}')?;
    Some((char::from_u32(u32::from_str_radix(hex, 16).ok()?)?, more))
}

/// A line as its indentation, the backslashes after it, and the rest.
fn shape(line: &str) -> (&str, &str, &str) {
    let visible = line.trim_start_matches([' ', '\t']);
    let rest = visible.trim_start_matches('\\');
    let (indent, from) = line.split_at(line.len() - visible.len());
    let (backslashes, rest) = from.split_at(from.len() - rest.len());
    (indent, backslashes, rest)
}

fn is_dangerous(rest: &str) -> bool {
    let only = |mark: char| {
        let rest = rest.trim_end();
        !rest.is_empty() && rest.chars().all(|c| c == mark)
    };
    rest.starts_with(['#', '<'])
        || rest.starts_with("```")
        || rest.starts_with("~~~")
        || rest.starts_with(super::SOURCE.trim_end())
        || only('-')
        || only('=')
}

/// For each line whether it opens or closes a fenced code block that begins and ends at the left margin. A fence that
/// is indented counts as none: what it belongs to depends on lists and quotes around it.
fn closed_fences(lines: &[&str]) -> Vec<bool> {
    let mut fences = vec![false; lines.len()];
    let mut open: Option<(usize, Fence)> = None;
    for (n, line) in lines.iter().enumerate() {
        let Some(fence) = Fence::of(line) else {
            continue;
        };
        match &open {
            None if !(fence.mark == '`' && fence.info.contains('`')) => open = Some((n, fence)),
            Some((from, opened)) if opened.is_closed_by(&fence) => {
                for at in [*from, n] {
                    if let Some(slot) = fences.get_mut(at) {
                        *slot = true;
                    }
                }
                open = None;
            }
            // A fence of another kind inside a block is text of the block; it gets its backslash all the same.
            _ => {}
        }
    }
    fences
}

struct Fence<'a> {
    mark: char,
    length: usize,
    info: &'a str,
}

impl<'a> Fence<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let info = line.trim_start_matches(mark);
        let length = line.len() - info.len();
        (length >= 3).then_some(Self { mark, length, info })
    }

    fn is_closed_by(&self, later: &Self) -> bool {
        later.mark == self.mark && later.length >= self.length && later.info.trim().is_empty()
    }
}
