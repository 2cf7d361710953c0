//! What models read of files, folders and hits. All texts are within [`RESULT_BYTES_MAX`].

use gate::{Listed, Refused, WriteError};
use markdown::chunk::CHUNK_BYTES_MAX;
use markdown::text::{clean_line, cut};
use messages::index::{Hit, Origin};
use messages::tool::{Class, Failure, Output, RESULT_BYTES_MAX};

/// Room for the lines about a text.
const FRAME_BYTES_MAX: usize = 512;
/// The longest name in a line about a text, in characters: a longer path is cut there, and only there.
const SHOWN_CHARS_MAX: usize = 80;
/// The longest line of a hit, in bytes.
const HIT_LINE_BYTES_MAX: usize = 1_200;

/// A file of this path is not there, or not in scope.
pub(crate) fn no_file(path: &str) -> Failure {
    let message = format!("There is no file `{}` here; `search` and `md_list` show paths.", shown(path));
    Failure { class: Class::NotFound, message }
}

/// A folder of this path is not there, or not in scope.
pub(crate) fn no_folder(path: &str) -> Failure {
    let message = format!("There is no folder `{}` here; `md_list` without a folder shows the top.", shown(path));
    Failure { class: Class::NotFound, message }
}

/// Nothing may be written there, whatever is there.
pub(crate) fn no_place(path: &str) -> Failure {
    let message = format!("`{}` is not among the places that this work may write.", shown(path));
    Failure { class: Class::Reserved, message }
}

/// Why a file or folder in scope can't be read.
pub(crate) fn unreadable(path: &str, why: &Refused) -> Failure {
    let class = if let Refused::TooLarge(_) = why { Class::TooLarge } else { Class::Failed };
    Failure { class, message: format!("`{}` can't be opened: {why}.", shown(path)) }
}

/// Why a text was not written; `Err` when it may have been.
pub(crate) fn unwritten(path: &str, why: &WriteError) -> Result<Failure, String> {
    let shown = shown(path);
    let (class, message) = match why {
        WriteError::NotThere => return Ok(no_file(path)),
        WriteError::Reserved(why) => (Class::Reserved, format!("`{shown}` {why}.")),
        WriteError::Exists => {
            let why = format!("`{shown}` is there already; read it, and write with its sha256 as `replaces`.");
            (Class::Conflict, why)
        }
        WriteError::Changed => {
            let why = format!(
                "`{shown}` is not as you read it: it was changed meanwhile. Read it again and redo the change."
            );
            (Class::Conflict, why)
        }
        WriteError::TooLarge(_) => (Class::TooLarge, format!("`{shown}` was not written: {why}.")),
        WriteError::Binary => (Class::Arguments, format!("`{shown}` was not written: {why}.")),
        WriteError::NoFolder | WriteError::Refused(_) | WriteError::Io(_) => {
            (Class::Failed, format!("`{shown}` was not written: {why}."))
        }
        WriteError::Unsure(why) => return Err(format!("Whether `{shown}` was written is not known: {why}.")),
    };
    Ok(Failure { class, message })
}

/// A file's text from a byte on: the first line says what it is, the last one how to go on.
pub(crate) fn file_text(path: &str, text: &str, offset: u64) -> Result<Output, Failure> {
    let bytes = text.len();
    let shown = shown(path);
    let Some(begin) = usize::try_from(offset).ok().filter(|offset| *offset <= bytes) else {
        let message = format!("`{shown}` has {bytes} bytes; `offset` is {offset} and must be less.");
        return Err(Failure { class: Class::Arguments, message });
    };
    let begin = cut(text, begin).len();
    let rest = text.get(begin..).unwrap_or_default();
    let part = cut(rest, RESULT_BYTES_MAX - FRAME_BYTES_MAX);
    let end = begin + part.len();
    let from = if begin > 0 { format!(", from byte {begin}") } else { String::new() };
    let more = if end < bytes { format!("\n[cut; go on with offset {end}]") } else { String::new() };
    let text = format!("{shown}, {bytes} bytes, sha256 {}{from}\n{part}{more}", gate::hash(text.as_bytes()));
    Ok(Output { text, sources: vec![path.to_owned()] })
}

/// A folder's names, one a line, those after the last one that fits left for another page. `has_more`: there are more than
/// these.
pub(crate) fn listing(listed: &[Listed], has_more: bool) -> Output {
    let mut text = String::new();
    let mut last = None;
    for one in listed {
        let line = match one.bytes {
            Some(bytes) => format!("{} {bytes} bytes\n", one.name),
            None => format!("{}/\n", one.name),
        };
        if text.len() + line.len() > RESULT_BYTES_MAX - FRAME_BYTES_MAX {
            break;
        }
        text.push_str(&line);
        last = Some(&one.name);
    }
    let is_whole = !has_more && last == listed.last().map(|one| &one.name);
    match last {
        Some(last) if !is_whole => text.push_str(&format!("[more; go on with after \"{last}\"]")),
        Some(_) => {}
        None => text.push_str("[nothing]"),
    }
    Output { text, sources: Vec::new() }
}

/// Hits, best first, as many as fit.
pub(crate) fn hits(query: &str, hits: &[Hit]) -> Output {
    if hits.is_empty() {
        let text = format!("Nothing was found for `{}`; try other words.", clean_line(query, SHOWN_CHARS_MAX));
        return Output { text, sources: Vec::new() };
    }
    let (mut text, mut sources) = (String::new(), Vec::new());
    for hit in hits {
        let heading =
            if hit.heading.is_empty() { String::new() } else { format!(" ({})", clean_line(&hit.heading, 200)) };
        let head = format!("{}{heading}", hit.path);
        // A file can be read on; what was said is given whole.
        let words = match hit.origin {
            Origin::Knowledge => cut(&clean_line(&hit.snippet, 400), HIT_LINE_BYTES_MAX).to_owned(),
            Origin::Log | Origin::Memory => clean_line(&hit.passage, CHUNK_BYTES_MAX),
        };
        let line = format!("{head}\n  {words}\n");
        if text.len() + line.len() > RESULT_BYTES_MAX {
            break;
        }
        text.push_str(&line);
        if !sources.contains(&hit.path) {
            sources.push(hit.path.clone());
        }
    }
    Output { text, sources }
}

/// A file was written, now or before a crash: the same words.
pub(crate) fn written(path: &str, text: &str, is_new: bool) -> Output {
    let kept = if is_new { "" } else { " The text before is kept." };
    let (shown, bytes, hash) = (shown(path), text.len(), gate::hash(text.as_bytes()));
    let text = format!("`{shown}` is written: {bytes} bytes, sha256 {hash}.{kept}");
    Output { text, sources: vec![path.to_owned()] }
}

/// What `replaces` says: `None` for a new file, else a hash in lower case.
pub(crate) fn replaced(replaces: &str) -> Result<Option<String>, String> {
    let replaces = replaces.trim();
    if replaces.is_empty() {
        return Ok(None);
    }
    if replaces.len() == 64 && replaces.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Some(replaces.to_ascii_lowercase()));
    }
    Err("`replaces` is neither empty nor a sha256 of 64 hexadecimal characters as md_read shows it".to_owned())
}

fn shown(path: &str) -> String {
    clean_line(path, SHOWN_CHARS_MAX)
}

#[cfg(test)]
mod tests;
