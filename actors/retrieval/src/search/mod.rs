//! A search: one query for the best passages, then words around the hits.

pub(crate) mod core;
#[cfg_attr(not(test), expect(dead_code, reason = "the search takes it up in its next change"))]
mod query;
mod stop;

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt as _;

use gate::Root;
use markdown::text::{clean_line, cut};
use messages::index::{HITS_MAX, Hit, QUERY_BYTES_MAX};
use rusqlite::{Connection, params};

use self::core::{Terms, quoted};
use crate::database::Trouble;

/// Tokens of a snippet; FTS5 gives 64 at most.
const SNIPPET_TOKENS: i64 = 32;
const SNIPPET_CHARS_MAX: usize = 300;

/// What a person asks of an index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) query: &'a str,
    pub(crate) limit: u32,
    pub(crate) paths: &'a [String],
}

/// The passages that fit best, best first, of files that the question's patterns admit.
pub(crate) fn search(connection: &Connection, roots: &[Root], question: Question<'_>) -> Result<Vec<Hit>, Trouble> {
    let terms = Terms::of(cut(question.query, QUERY_BYTES_MAX));
    let limit = usize::try_from(question.limit.min(HITS_MAX)).unwrap_or(0);
    if terms.0.is_empty() || limit == 0 || question.paths.is_empty() {
        return Ok(Vec::new());
    }
    let any_of = terms.any_of();
    let best = best(connection, &covered(connection, roots)?, (&any_of, limit), question.paths)?;
    best.into_iter().map(|ranked| hit(connection, ranked, &any_of, &terms)).collect()
}

struct Ranked {
    id: i64,
    score: f64,
    path: String,
    heading: String,
    passage: String,
}

/// The roots that are covered now, by their row. A row of another folder is as good as gone.
pub(crate) fn covered<'r>(connection: &Connection, roots: &'r [Root]) -> Result<HashMap<i64, &'r Root>, Trouble> {
    let mut statement = connection.prepare_cached("SELECT id, name, folder FROM root")?;
    let mut rows = statement.query([])?;
    let mut covered = HashMap::new();
    while let Some(row) = rows.next()? {
        let (id, name, folder): (i64, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let same = |root: &&Root| root.name == name && root.folder.as_os_str().as_bytes() == folder;
        if let Some(root) = roots.iter().find(same) {
            covered.insert(id, root);
        }
    }
    Ok(covered)
}

fn best(
    connection: &Connection,
    covered: &HashMap<i64, &Root>,
    (any_of, limit): (&str, usize),
    paths: &[String],
) -> Result<Vec<Ranked>, Trouble> {
    // `rank` sorts inside the engine, so that rows that are not taken cost no look-up.
    let mut ranked = connection.prepare_cached(
        "SELECT rowid, rank FROM words WHERE words MATCH ?1 AND rank MATCH 'bm25(1.5, 1.0)' ORDER BY rank",
    )?;
    let sql = "SELECT f.root, f.path, p.heading, p.text FROM passage p JOIN file f ON f.id = p.file WHERE p.id = ?1";
    let mut passage = connection.prepare_cached(sql)?;
    let mut rows = ranked.query([any_of])?;
    let mut best = Vec::with_capacity(limit);
    while best.len() < limit {
        let Some(row) = rows.next()? else { break };
        let (id, rank): (i64, f64) = (row.get(0)?, row.get(1)?);
        let found = passage
            .query_row([id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?)))?;
        let (root, path, heading, passage) = found;
        let Some(path) = covered.get(&root).map(|root| root.shown(&path)) else { continue };
        if markdown::paths::any(paths, &path) {
            best.push(Ranked { id, score: -rank, path, heading, passage });
        }
    }
    Ok(best)
}

fn hit(connection: &Connection, ranked: Ranked, any_of: &str, terms: &Terms) -> Result<Hit, Trouble> {
    let sql = "SELECT snippet(words, 1, '', '', '…', ?3) FROM words WHERE words MATCH ?1 AND rowid = ?2";
    let mut snippet = connection.prepare_cached(sql)?;
    let snippet: String = snippet.query_row(params![any_of, ranked.id, SNIPPET_TOKENS], |row| row.get(0))?;
    let mut holds = connection.prepare_cached("SELECT 1 FROM words WHERE words MATCH ?1 AND rowid = ?2")?;
    let mut words_found = 0;
    for term in &terms.0 {
        words_found += u32::from(holds.exists(params![quoted(term), ranked.id])?);
    }
    Ok(Hit {
        path: ranked.path,
        heading: ranked.heading,
        passage: ranked.passage,
        snippet: clean_line(&snippet, SNIPPET_CHARS_MAX),
        score: ranked.score,
        words_found,
        words_asked: u32::try_from(terms.0.len()).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests;
