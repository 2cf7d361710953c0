//! In a large workspace the most telling words of a query choose what is ranked; the others only rank. What holds none
//! of them is left to meaning.
//!
//! The idea is that of MaxScore (Turtle and Flood, Query evaluation: strategies and optimizations, 1995): words that nearly
//! everything holds add little, and need not be looked for on their own.

use rusqlite::Connection;

use super::query::Query;
use crate::database::Trouble;

/// With fewer passages all that hold any word are ranked.
const PASSAGES_MIN: i64 = 20_000;
/// Words are taken, the rarest first, until so many passages hold one.
const RANKED_MIN: i64 = 5_000;

/// What a passage has to match, in FTS5's words. As the query says; in a large workspace, one of its rarest words.
pub(super) fn matching(connection: &Connection, query: &Query) -> Result<Option<String>, Trouble> {
    let Some(all) = query.matching() else { return Ok(None) };
    let asked = query.asked();
    if asked.len() < 2 || !query.phrases.is_empty() || passages(connection)? < PASSAGES_MIN {
        return Ok(Some(all));
    }
    let mut counted = Vec::with_capacity(asked.len());
    for term in asked {
        counted.push((held_by(connection, &term)?, term));
    }
    Ok(Some(narrowed(counted, &all)))
}

/// `counted`: in how many passages each term is.
fn narrowed(mut counted: Vec<(i64, String)>, all: &str) -> String {
    counted.sort();
    let mut sum = 0;
    let mut rare = Vec::new();
    for (count, term) in counted.into_iter().filter(|(count, _)| *count > 0) {
        if sum >= RANKED_MIN {
            return format!("({}) AND ({all})", rare.join(" OR "));
        }
        sum += count;
        rare.push(term);
    }
    all.to_owned()
}

/// About as many as there are: rows that were deleted in between are counted, too.
fn passages(connection: &Connection) -> Result<i64, Trouble> {
    let mut statement = connection.prepare_cached("SELECT coalesce(max(id), 0) FROM passage")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

fn held_by(connection: &Connection, term: &str) -> Result<i64, Trouble> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM words WHERE words MATCH ?1")?;
    Ok(statement.query_row([term], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow(counts: &[(i64, &str)]) -> String {
        narrowed(counts.iter().map(|(count, term)| (*count, (*term).to_owned())).collect(), "ALL")
    }

    #[test]
    fn the_rarest_words_choose_until_there_is_enough_to_rank() {
        assert_eq!(narrow(&[(90_000, "a"), (10, "b"), (4_990, "c")]), "(b OR c) AND (ALL)");
        assert_eq!(narrow(&[(90_000, "a"), (10, "b"), (4_989, "c")]), "ALL");
        assert_eq!(narrow(&[(60_000, "a"), (50_000, "b")]), "(b) AND (ALL)");
    }

    #[test]
    fn words_that_nothing_holds_choose_nothing() {
        assert_eq!(narrow(&[(0, "a"), (6_000, "b"), (7_000, "c")]), "(b) AND (ALL)");
        assert_eq!(narrow(&[(0, "a"), (0, "b")]), "ALL");
        assert_eq!(narrow(&[(0, "a"), (6_000, "b")]), "ALL");
    }
}
