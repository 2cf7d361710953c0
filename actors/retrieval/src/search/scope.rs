//! Which files a search may see: those of who asks, and of those the ones that the query's filters leave.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;
use std::rc::Rc;

use gate::Root;
use messages::index::{Origin, Reach};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::query::Query;
use crate::database::{RECORDS, Trouble};

/// A file that may be seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// As people see it.
    pub(crate) path: String,
    pub(crate) origin: Origin,
    /// Milliseconds since the Unix epoch: what its head says, else when it was changed.
    date_ms: i64,
}

/// Decides file by file, each once: a passage is looked at only after its file was admitted.
pub(crate) struct Scope<'a> {
    connection: &'a Connection,
    roots: HashMap<i64, &'a Root>,
    reach: &'a Reach,
    query: &'a Query,
    left_out: HashSet<i64>,
    looked_at: RefCell<HashMap<i64, Option<Rc<Seen>>>>,
}

const FILE: &str = "SELECT root, path, tags, coalesce(date_ms, mtime_ns / 1000000), context, mtime_ns FROM file";

impl<'a> Scope<'a> {
    pub(crate) fn new(
        connection: &'a Connection,
        roots: &'a [Root],
        reach: &'a Reach,
        query: &'a Query,
    ) -> Result<Self, Trouble> {
        let roots = covered(connection, roots)?;
        let left_out = left_out(connection, query)?;
        Ok(Self { connection, roots, reach, query, left_out, looked_at: RefCell::default() })
    }

    /// The file, if it may be seen and the filters leave it.
    pub(crate) fn admits(&self, file: i64) -> Result<Option<Rc<Seen>>, Trouble> {
        if let Some(known) = self.looked_at.borrow().get(&file) {
            return Ok(known.clone());
        }
        let mut statement = self.connection.prepare_cached(&format!("{FILE} WHERE id = ?1"))?;
        let seen = statement.query_row([file], |row| self.look(row)).optional()?.flatten();
        let seen = seen.filter(|_| !self.left_out.contains(&file)).map(Rc::new);
        self.looked_at.borrow_mut().insert(file, seen.clone());
        Ok(seen)
    }

    /// Whether a passage lies between the query's dates. What was said in a log has a date of its own.
    pub(crate) fn is_in_time(&self, seen: &Seen, at_ms: Option<i64>) -> bool {
        let at = at_ms.unwrap_or(seen.date_ms);
        self.query.after.is_none_or(|after| at >= after) && self.query.before.is_none_or(|before| at < before)
    }

    /// Files that may be seen, whatever is asked for in them; all are looked at.
    pub(crate) fn count(&self) -> Result<u64, Trouble> {
        let mut statement = self.connection.prepare(FILE)?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += u64::from(self.in_reach(row)?.is_some());
        }
        Ok(count)
    }

    /// The newest files that the filters leave, by row, when a query has no words.
    pub(crate) fn newest(&self, limit: usize) -> Result<Vec<i64>, Trouble> {
        let sql = "SELECT id FROM file ORDER BY coalesce(date_ms, mtime_ns / 1000000) DESC, path";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut newest = Vec::new();
        while newest.len() < limit
            && let Some(row) = rows.next()?
        {
            let file = row.get(0)?;
            if self.admits(file)?.is_some_and(|seen| seen.origin != Origin::Knowledge || self.is_in_time(&seen, None)) {
                newest.push(file);
            }
        }
        Ok(newest)
    }

    fn look(&self, row: &Row<'_>) -> rusqlite::Result<Option<Seen>> {
        let Some((path, origin)) = self.in_reach(row)? else { return Ok(None) };
        let tags: String = row.get(2)?;
        let is_tagged = self.query.tags.iter().all(|tag| tags.contains(&format!("\n{tag}\n")));
        let is_there = self.query.paths.is_empty() || markdown::paths::any(&self.query.paths, &path);
        // A file whose time is not believed was changed just now.
        let unsettled = row.get::<_, i64>(5)? == i64::MIN;
        let date_ms = row.get::<_, i64>(3)?;
        let date_ms = if unsettled && date_ms < 0 { i64::MAX } else { date_ms };
        Ok((is_tagged && is_there).then_some(Seen { path, origin, date_ms }))
    }

    /// Where the file is and whence, if who asks may see it.
    fn in_reach(&self, row: &Row<'_>) -> rusqlite::Result<Option<(String, Origin)>> {
        let (root, below): (i64, String) = (row.get(0)?, row.get(1)?);
        if root == RECORDS {
            let context: Option<String> = row.get(4)?;
            let is_own = self.reach.records_of.as_ref().is_some_and(|own| context.as_deref() == Some(own.as_str()));
            let origin = if below.starts_with("logs/") { Origin::Log } else { Origin::Memory };
            return Ok(is_own.then_some((below, origin)));
        }
        let path = self.roots.get(&root).map(|root| root.shown(&below));
        Ok(path.filter(|path| markdown::paths::any(&self.reach.paths, path)).map(|path| (path, Origin::Knowledge)))
    }
}

/// Files of knowledge that hold what the query leaves out. Of a log only the entries that hold it are left out.
fn left_out(connection: &Connection, query: &Query) -> Result<HashSet<i64>, Trouble> {
    let Some(must_not) = query.must_not() else { return Ok(HashSet::new()) };
    let sql = "SELECT p.file FROM words w JOIN passage p ON p.id = w.rowid JOIN file f ON f.id = p.file
               WHERE words MATCH ?1 AND f.context IS NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let files = statement.query_map([must_not], |row| row.get(0))?;
    Ok(files.collect::<Result<_, _>>()?)
}

/// The roots that are covered now, by their row. A row of another folder is as good as gone.
pub(crate) fn covered<'r>(connection: &Connection, roots: &'r [Root]) -> Result<HashMap<i64, &'r Root>, Trouble> {
    let mut statement = connection.prepare_cached("SELECT id, name, folder FROM root WHERE id <> 0")?;
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
