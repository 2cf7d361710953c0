//! Opening a file for a person, behind the gate.

pub(crate) mod core;

use gate::{PATH_BYTES_MAX, Refused, Root, find_file};
use markdown::chunk::{section, sections};
use messages::index::{OPEN_PAGE_BYTES, Page, Reach, Reply};
use rusqlite::Connection;

use self::core::{Meant, ends_with, meant, no_heading, not_there, pages, parted_at_heading};
use crate::database::Trouble;
use crate::records;
use crate::search::covered;

/// What a person wants to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// As it was typed: a path or an end of one, and perhaps `#heading`.
    pub(crate) path: &'a str,
    pub(crate) page: u32,
    pub(crate) reach: &'a Reach,
}

/// Reads a page of a file. A whole path is read from the disk even before it is indexed; an end of a path is looked up
/// in the index. What lies out of reach is never looked at, so that neither words nor time tell whether it is there.
/// `connection` is `None` while there is no index.
pub(crate) fn open(connection: Option<&Connection>, roots: &[Root], wanted: Wanted<'_>) -> Result<Reply, Trouble> {
    let typed = wanted.path.trim();
    let shelf = Shelf { roots, reach: wanted.reach, records: own_records(connection, wanted.reach)? };
    // A name may hold the sign that parts a heading from it.
    if let Some(text) = shelf.read(typed).filter(|read| !matches!(read, Err(Refused::NotThere))) {
        return Ok(answer((typed, None), wanted, text));
    }
    let (path, heading) = parted_at_heading(typed);
    if path.is_empty() || path.len() > PATH_BYTES_MAX {
        return Ok(Reply::NotOpened(not_there(typed)));
    }
    if heading.is_some()
        && let Some(text) = shelf.read(path).filter(|read| !matches!(read, Err(Refused::NotThere)))
    {
        return Ok(answer((path, heading), wanted, text));
    }
    Ok(match meant(path, shelf.candidates(connection, path)?) {
        Meant::None(why) => Reply::NotOpened(why),
        Meant::One(path) => {
            let text = shelf.read(&path).unwrap_or(Err(Refused::NotThere));
            answer((&path, heading), wanted, text)
        }
    })
}

/// The logs and the memory of the context that asks, as the index knows them.
fn own_records(connection: Option<&Connection>, reach: &Reach) -> Result<Vec<String>, Trouble> {
    let Some(context) = &reach.records_of else { return Ok(Vec::new()) };
    let memory = records::memory_path(context.as_str());
    let known = connection.map(|connection| records::known(connection, context.as_str())).transpose()?;
    let mut own: Vec<String> = known.unwrap_or_default().into_keys().filter(|path| *path != memory).collect();
    own.push(memory);
    Ok(own)
}

/// What may be opened.
struct Shelf<'a> {
    roots: &'a [Root],
    reach: &'a Reach,
    records: Vec<String>,
}

impl Shelf<'_> {
    /// The file's text; `None` when no root could have it or it is out of reach.
    fn read(&self, path: &str) -> Option<Result<String, Refused>> {
        let found = if self.records.iter().any(|record| record == path) {
            self.roots.iter().find(|root| root.is_own()).map(|root| (root, path))
        } else if markdown::paths::any(&self.reach.paths, path) && path.len() <= PATH_BYTES_MAX {
            find_file(self.roots, path)
        } else {
            None
        };
        let (root, below) = found?;
        Some(root.open().and_then(|open| open.read(below)))
    }

    fn candidates(&self, connection: Option<&Connection>, typed: &str) -> Result<Vec<String>, Trouble> {
        let mut found: Vec<String> = self.records.iter().filter(|path| ends_with(path, typed)).cloned().collect();
        let Some(connection) = connection else { return Ok(found) };
        let covered = covered(connection, self.roots)?;
        let mut statement = connection.prepare("SELECT root, path FROM file")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Some(root) = covered.get(&row.get::<_, i64>(0)?) else { continue };
            let path = root.shown(row.get_ref(1)?.as_str().unwrap_or_default());
            if markdown::paths::any(&self.reach.paths, &path) && ends_with(&path, typed) {
                found.push(path);
            }
        }
        Ok(found)
    }
}

fn answer((path, heading): (&str, Option<&str>), wanted: Wanted<'_>, read: Result<String, Refused>) -> Reply {
    let text = match read {
        Ok(text) => text,
        Err(Refused::NotThere | Refused::Records) => return Reply::NotOpened(not_there(wanted.path.trim())),
        Err(why) => return Reply::NotOpened(format!("`{path}` can't be opened: {why}")),
    };
    let Some(heading) = heading else { return page((path.to_owned(), &text), wanted.page) };
    match section(&text, heading).and_then(|range| text.get(range)) {
        Some(part) => page((format!("{path}#{heading}"), part), wanted.page),
        None => Reply::NotOpened(no_heading(path, heading, &sections(&text))),
    }
}

fn page((path, text): (String, &str), wanted: u32) -> Reply {
    let pages = pages(text, OPEN_PAGE_BYTES);
    let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    let page = usize::try_from(wanted).ok().and_then(|page| pages.get(page)).and_then(|range| text.get(range.clone()));
    match page {
        Some(text) => Reply::Page(Page { path, text: text.to_owned(), page: wanted, pages: count }),
        None => {
            Reply::NotOpened(format!("`{path}` has no more than {count} page{}", if count == 1 { "" } else { "s" }))
        }
    }
}

#[cfg(test)]
mod tests;
