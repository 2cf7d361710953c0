//! The check of an operator: does the index hold what the folders hold?

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;

use gate::{Mount, Root, Step, walk};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use crate::config::IndexConfig;
use crate::database::Trouble;
use crate::library::Library;
use crate::search::covered;

/// The most differences that are told.
const DIFFERENCES_MAX: usize = 1_000;

/// Compares the index of a workspace with its files, by hash, and the index with itself. Gives one line for each
/// difference, at most 1,000; none when all is well. Blocks; meant for the command line. A node that runs meanwhile may
/// be about to mend what is told.
#[must_use]
pub fn verify(workspace_folder: &Path, index_folder: &Path, mounts: &[Mount]) -> Vec<String> {
    let config = IndexConfig {
        workspace_folder: workspace_folder.to_path_buf(),
        index_folder: index_folder.to_path_buf(),
        mounts: mounts.to_vec(),
        ..IndexConfig::default()
    };
    if let Err(why) = config.check() {
        return vec![why];
    }
    let library = Library::new(&config);
    match differences(&library) {
        Ok(differences) => differences,
        Err(trouble) => vec![trouble.to_string()],
    }
}

fn differences(library: &Library) -> Result<Vec<String>, Trouble> {
    let Some(connection) = library.place().read()? else {
        let file = library.place().file();
        return Ok(vec![format!("there is no index at {}; it is made at the next start of the node", file.display())]);
    };
    let mut found = Vec::new();
    let covered = covered(&connection, library.roots())?;
    for root in library.roots() {
        let row = covered.iter().find(|(_, known)| **known == root).map(|(id, _)| *id);
        compare(root, hashes(&connection, row)?, &mut found);
    }
    connection.pragma_update(None, "query_only", false)?;
    // Compares each word of the index with the passages (FTS5 6.4).
    if let Err(error) = connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)", []) {
        found.push(format!(
            "the index does not fit its own passages ({error}); delete {}",
            library.place().file().display()
        ));
    }
    found.truncate(DIFFERENCES_MAX);
    Ok(found)
}

fn hashes(connection: &Connection, root: Option<i64>) -> Result<HashMap<String, Vec<u8>>, Trouble> {
    let mut statement = connection.prepare("SELECT path, hash FROM file WHERE root = ?1")?;
    let rows = statement.query_map([root], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn compare(root: &Root, mut hashes: HashMap<String, Vec<u8>>, found: &mut Vec<String>) {
    let open = match root.open() {
        Ok(open) => open,
        Err(why) => return found.push(format!("{}: {why}", root.title())),
    };
    let _ended = walk(&open, &mut |step| {
        let Step::File(file) = step else { return ControlFlow::Continue(()) };
        let shown = root.shown(&file.path);
        match (hashes.remove(&file.path), open.read(&file.path)) {
            (Some(hash), Ok(text)) if hash == Sha256::digest(text.as_bytes()).as_slice() => {}
            (Some(_), Ok(_)) => found.push(format!("{shown}: it was changed since it was indexed")),
            (None, Ok(_)) => found.push(format!("{shown}: it is not in the index")),
            (Some(_), Err(why)) => found.push(format!("{shown}: it is in the index, but {why}")),
            // What can't be read is rightly not in the index.
            (None, Err(_)) => {}
        }
        if found.len() < DIFFERENCES_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    if found.len() < DIFFERENCES_MAX {
        let mut gone: Vec<String> = hashes.into_keys().collect();
        gone.sort_unstable();
        found.extend(
            gone.into_iter().map(|path| format!("{}: it is in the index and not in its folder", root.shown(&path))),
        );
    }
}
