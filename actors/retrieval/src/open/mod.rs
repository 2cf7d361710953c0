//! Opening a file for a person, behind the gate.

pub(crate) mod core;

use gate::{PATH_BYTES_MAX, Refused, Root, find_file};
use messages::index::{OPEN_PAGE_BYTES, Page, Reply};
use rusqlite::Connection;

use self::core::{Meant, ends_with, meant, not_there, pages};
use crate::database::Trouble;
use crate::search::covered;

/// What a person wants to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) path: &'a str,
    pub(crate) page: u32,
    pub(crate) paths: &'a [String],
}

/// Reads a page of a file. A whole path is read from the disk even before it is indexed; an end of a path is looked up
/// in the index. `connection` is `None` while there is no index.
pub(crate) fn open(connection: Option<&Connection>, roots: &[Root], wanted: Wanted<'_>) -> Result<Reply, Trouble> {
    let typed = wanted.path.trim();
    if typed.is_empty() || typed.len() > PATH_BYTES_MAX {
        return Ok(Reply::NotOpened(not_there(typed)));
    }
    if let Some(opened) = read(roots, typed, wanted)
        && !matches!(opened, Err(Refused::NotThere))
    {
        return Ok(answer(typed, wanted, opened));
    }
    let candidates = match connection {
        Some(connection) => candidates(connection, roots, typed, wanted.paths)?,
        None => Vec::new(),
    };
    Ok(match meant(typed, candidates) {
        Meant::None(why) => Reply::NotOpened(why),
        Meant::One(path) => answer(&path, wanted, read(roots, &path, wanted).unwrap_or(Err(Refused::NotThere))),
    })
}

/// The file's text; `None` when no root could have it or it is out of scope.
fn read(roots: &[Root], path: &str, wanted: Wanted<'_>) -> Option<Result<String, Refused>> {
    if !markdown::paths::any(wanted.paths, path) {
        return None;
    }
    let (root, below) = find_file(roots, path)?;
    Some(root.open().and_then(|open| open.read(below)))
}

fn candidates(connection: &Connection, roots: &[Root], typed: &str, paths: &[String]) -> Result<Vec<String>, Trouble> {
    let covered = covered(connection, roots)?;
    let mut statement = connection.prepare("SELECT root, path FROM file")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(root) = covered.get(&row.get::<_, i64>(0)?) else { continue };
        let path = root.shown(row.get_ref(1)?.as_str().unwrap_or_default());
        if ends_with(&path, typed) && markdown::paths::any(paths, &path) {
            found.push(path);
        }
    }
    Ok(found)
}

fn answer(path: &str, wanted: Wanted<'_>, read: Result<String, Refused>) -> Reply {
    let text = match read {
        Ok(text) => text,
        Err(Refused::NotThere | Refused::Records) => return Reply::NotOpened(not_there(wanted.path.trim())),
        Err(why) => return Reply::NotOpened(format!("`{path}` can't be opened: {why}")),
    };
    let pages = pages(&text, OPEN_PAGE_BYTES);
    let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    let page =
        usize::try_from(wanted.page).ok().and_then(|page| pages.get(page)).and_then(|range| text.get(range.clone()));
    match page {
        Some(text) => {
            Reply::Page(Page { path: path.to_owned(), text: text.to_owned(), page: wanted.page, pages: count })
        }
        None => {
            Reply::NotOpened(format!("`{path}` has no more than {count} page{}", if count == 1 { "" } else { "s" }))
        }
    }
}

#[cfg(test)]
mod tests;
