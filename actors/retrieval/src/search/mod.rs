//! A search: candidates by words and by meaning, mixed into one order, then words around the hits.
//!
//! ```text
//!   query ──words──► FTS5, best first ────────┐
//!     │                                       ├─► only what the scope admits ──► mix ──► hits with snippets
//!     └──vector──► signatures, nearest first ─┘
//! ```

pub(crate) mod core;
mod mix;
pub(crate) mod near;
mod query;
mod rare;
pub(crate) mod scope;
mod stop;

use std::collections::HashMap;
use std::rc::Rc;

use gate::{Identity, Root};
use markdown::text::clean_line;
use messages::index::{Explained, Found, HITS_MAX, Hit, Origin, Reach, View};
use rusqlite::{Connection, OptionalExtension as _, params};

use self::mix::{Parts, Raw, WEIGHT, is_candidate, mix};
use self::near::Kept;
use self::query::Query;
pub(crate) use self::scope::covered;
use self::scope::{Scope, Seen};
use crate::database::Trouble;
use crate::vectors::{Vector, embed};

/// Passages that are weighed against each other, found by words and found by meaning, so many each.
const CANDIDATES: usize = 100;
/// Passages of one file that a search gives; a log is no file in this, as its entries have nothing to do with each other.
const OF_ONE_FILE_MAX: usize = 3;
/// Tokens of a snippet; FTS5 gives 64 at most.
const SNIPPET_TOKENS: i64 = 32;
const SNIPPET_CHARS_MAX: usize = 300;

/// What a person asks of an index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) query: &'a str,
    pub(crate) limit: u32,
    pub(crate) reach: &'a Reach,
}

/// What is searched: a database, what it is on disk, the folders that it covers, and what is kept of it in memory.
#[derive(Clone, Copy)]
pub(crate) struct Shelves<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) file: Identity,
    pub(crate) roots: &'a [Root],
    pub(crate) kept: &'a Kept,
    /// The weight of nearness, 0 to 1; 0 leaves vectors out.
    pub(crate) weight: f64,
}

/// The weight that is measured best.
pub(crate) const DEFAULT_WEIGHT: f64 = WEIGHT;

/// The passages that fit best, best first, of what the question's reach admits.
pub(crate) fn search(on: Shelves<'_>, question: Question<'_>) -> Result<Found, Trouble> {
    let query = Query::of(question.query);
    let found = Found { filters: query.describe(), problem: query.problem.clone(), ..Found::default() };
    if found.problem.is_some() || question.limit == 0 {
        return Ok(found);
    }
    let scope = Scope::new(on.connection, on.roots, question.reach, &query)?;
    let ranked = Search { on, query: &query, scope: &scope }.ranked(question.limit)?;
    let matching = query.matching();
    let hits = ranked.iter().map(|ranked| hit(on.connection, ranked, matching.as_deref(), &query));
    let hits: Vec<Hit> = hits.collect::<Result<_, Trouble>>()?;
    let files = if hits.is_empty() { scope.count()? } else { 0 };
    Ok(Found { hits, files, ..found })
}

/// The same with the parts of each score.
pub(crate) fn explain(on: Shelves<'_>, question: Question<'_>) -> Result<Vec<Explained>, Trouble> {
    let query = Query::of(question.query);
    let scope = Scope::new(on.connection, on.roots, question.reach, &query)?;
    let ranked = Search { on, query: &query, scope: &scope }.ranked(question.limit)?;
    let matching = query.matching();
    let explained = ranked.into_iter().map(|ranked| {
        let mut words = Vec::new();
        for asked in query.asked() {
            let shown = asked.trim_matches('"').to_owned();
            words.push((shown, holds(on.connection, &asked, ranked.passage)?));
        }
        Ok(Explained {
            hit: hit(on.connection, &ranked, matching.as_deref(), &query)?,
            bm25: ranked.raw.bm25,
            lexical: ranked.parts.lexical,
            cosine: ranked.raw.cosine,
            nearness: ranked.parts.nearness,
            weight: on.weight,
            words,
        })
    });
    explained.collect()
}

/// How many files and passages may be seen.
pub(crate) fn count(on: Shelves<'_>, reach: &Reach) -> Result<View, Trouble> {
    let query = Query::default();
    let scope = Scope::new(on.connection, on.roots, reach, &query)?;
    let sql = "SELECT file, count(*) FROM passage GROUP BY file";
    let mut statement = on.connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut view = View::default();
    while let Some(row) = rows.next()? {
        if scope.admits(row.get(0)?)?.is_some() {
            view.files += 1;
            view.passages += row.get::<_, i64>(1)?.cast_unsigned();
        }
    }
    Ok(view)
}

struct Search<'a> {
    on: Shelves<'a>,
    query: &'a Query,
    scope: &'a Scope<'a>,
}

/// A passage among the candidates.
struct Ranked {
    passage: i64,
    file: i64,
    seen: Rc<Seen>,
    heading: String,
    text: String,
    raw: Raw,
    parts: Parts,
}

impl Search<'_> {
    fn ranked(&self, limit: u32) -> Result<Vec<Ranked>, Trouble> {
        let limit = usize::try_from(limit.min(HITS_MAX)).unwrap_or(0);
        let vector = if self.on.weight > 0.0 { embed(self.query.plain()) } else { None };
        let mut candidates = match rare::matching(self.on.connection, self.query)? {
            Some(matching) => self.by_words(&matching, vector.as_ref(), limit)?,
            None if self.query.is_filter_only() => return self.by_filter(limit),
            None => HashMap::new(),
        };
        // What must hold a phrase is among those that were found by words.
        if let Some(vector) = vector.filter(|_| self.query.phrases.is_empty()) {
            self.by_meaning(&vector, &mut candidates)?;
        }
        Ok(best(candidates.into_values().collect(), self.on.weight, limit))
    }

    fn by_words(&self, matching: &str, vector: Option<&Vector>, limit: usize) -> Result<HashMap<i64, Ranked>, Trouble> {
        // `rank` sorts inside the engine, so that rows that are not taken cost no look-up.
        let mut ranked = self.on.connection.prepare_cached(
            "SELECT rowid, rank FROM words WHERE words MATCH ?1 AND rank MATCH 'bm25(1.5, 1.0)' ORDER BY rank",
        )?;
        let mut rows = ranked.query([matching])?;
        let mut found = HashMap::new();
        while found.len() < CANDIDATES.max(limit) {
            let Some(row) = rows.next()? else { break };
            let (passage, rank): (i64, f64) = (row.get(0)?, row.get(1)?);
            if let Some(ranked) = self.candidate(passage, -rank, vector)? {
                found.insert(passage, ranked);
            }
        }
        Ok(found)
    }

    fn by_meaning(&self, vector: &Vector, found: &mut HashMap<i64, Ranked>) -> Result<(), Trouble> {
        let signatures = self.on.kept.of(self.on.connection, self.on.file)?;
        let mut taken = 0;
        for (passage, file) in signatures.nearest(&vector.signature()) {
            if taken >= CANDIDATES {
                break;
            }
            if self.scope.admits(file)?.is_none() {
                continue;
            }
            taken += 1;
            if found.contains_key(&passage) {
                continue;
            }
            if let Some(ranked) = self.candidate(passage, 0.0, Some(vector))?.filter(|near| is_candidate(&near.raw)) {
                found.insert(passage, ranked);
            }
        }
        Ok(())
    }

    /// Files that fit a query without words, the newest first, each by its first passage; a log by what was said last.
    fn by_filter(&self, limit: usize) -> Result<Vec<Ranked>, Trouble> {
        let (first, last) = (
            "SELECT id FROM passage WHERE file = ?1 ORDER BY place LIMIT 1",
            "SELECT id FROM passage WHERE file = ?1 ORDER BY place DESC LIMIT 1",
        );
        let mut ranked = Vec::new();
        for file in self.scope.newest(limit)? {
            let is_log = self.scope.admits(file)?.is_some_and(|seen| seen.origin == Origin::Log);
            let mut statement = self.on.connection.prepare_cached(if is_log { last } else { first })?;
            let passage: Option<i64> = statement.query_row([file], |row| row.get(0)).optional()?;
            ranked.extend(passage.map(|passage| self.candidate(passage, 0.0, None)).transpose()?.flatten());
        }
        Ok(ranked)
    }

    /// The passage, if its file is admitted.
    fn candidate(&self, passage: i64, bm25: f64, vector: Option<&Vector>) -> Result<Option<Ranked>, Trouble> {
        let sql = "SELECT file, heading, text, vector, at_ms FROM passage WHERE id = ?1";
        let mut statement = self.on.connection.prepare_cached(sql)?;
        let mut rows = statement.query([passage])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let file = row.get(0)?;
        let Some(seen) = self.scope.admits(file)? else { return Ok(None) };
        if !self.scope.is_in_time(&seen, row.get(4)?) {
            return Ok(None);
        }
        let own = row.get_ref(3)?.as_blob_or_null().ok().flatten().and_then(Vector::from_bytes);
        let cosine = own.zip(vector).map(|(own, asked)| f64::from(own.cosine(asked)));
        let raw = Raw { bm25, cosine };
        let (heading, text) = (row.get(1)?, row.get(2)?);
        let ranked = Ranked { passage, file, seen, heading, text, raw, parts: Parts::default() };
        Ok(if self.is_left_out(&ranked)? { None } else { Some(ranked) })
    }

    /// An entry of a log that holds what is left out; of files that hold it the scope admits none.
    fn is_left_out(&self, ranked: &Ranked) -> Result<bool, Trouble> {
        match self.query.must_not() {
            Some(must_not) if ranked.seen.origin != Origin::Knowledge => {
                Ok(self.on.connection.prepare_cached(HOLDS)?.exists(params![must_not, ranked.passage])?)
            }
            _ => Ok(false),
        }
    }
}

/// The best, in order; at most so many of one file.
fn best(mut candidates: Vec<Ranked>, weight: f64, limit: usize) -> Vec<Ranked> {
    let raw: Vec<Raw> = candidates.iter().map(|ranked| ranked.raw).collect();
    for (ranked, parts) in candidates.iter_mut().zip(mix(&raw, weight)) {
        ranked.parts = parts;
    }
    candidates.sort_by(|a, b| b.parts.score.total_cmp(&a.parts.score).then(a.passage.cmp(&b.passage)));
    let mut of_file: HashMap<i64, usize> = HashMap::new();
    let mut is_one_of_few = |ranked: &Ranked| {
        let count = of_file.entry(ranked.file).or_default();
        *count += 1;
        *count <= OF_ONE_FILE_MAX || ranked.seen.origin == Origin::Log
    };
    candidates.retain(|ranked| is_one_of_few(ranked));
    candidates.truncate(limit);
    candidates
}

const HOLDS: &str = "SELECT 1 FROM words WHERE words MATCH ?1 AND rowid = ?2";

/// Whether a passage holds a term or a phrase, in FTS5's words.
fn holds(connection: &Connection, asked: &str, passage: i64) -> Result<bool, Trouble> {
    Ok(connection.prepare_cached(HOLDS)?.exists(params![asked, passage])?)
}

fn hit(connection: &Connection, ranked: &Ranked, matching: Option<&str>, query: &Query) -> Result<Hit, Trouble> {
    let sql = "SELECT snippet(words, 1, '', '', '…', ?3) FROM words WHERE words MATCH ?1 AND rowid = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let around = match matching {
        Some(matching) => statement
            .query_row(params![matching, ranked.passage, SNIPPET_TOKENS], |row| row.get::<_, String>(0))
            .optional()?,
        None => None,
    };
    let (asked, mut words_found) = (query.asked(), 0);
    for asked in &asked {
        words_found += u32::from(holds(connection, asked, ranked.passage)?);
    }
    Ok(Hit {
        path: ranked.seen.path.clone(),
        origin: ranked.seen.origin,
        heading: ranked.heading.clone(),
        snippet: clean_line(around.as_deref().unwrap_or(&ranked.text), SNIPPET_CHARS_MAX),
        passage: ranked.text.clone(),
        score: ranked.parts.score,
        words_found,
        words_asked: u32::try_from(asked.len()).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests;
