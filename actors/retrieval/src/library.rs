//! One workspace's knowledge as blocking calls: scanned, searched, opened. The services put it on threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use gate::Root;
use messages::index::{Explained, Found, Reply, View};
use messages::store::EntryRow;
use rusqlite::{Connection, InterruptHandle};

use crate::config::IndexConfig;
use crate::database::{Place, Trouble};
use crate::engine::Engine;
use crate::open::{self, Wanted};
use crate::pool::Pool;
use crate::records;
use crate::scan::Covered;
use crate::search::near::Kept;
use crate::search::{self, DEFAULT_WEIGHT, Question, Shelves};

/// What an index covers and where its database is.
#[derive(Debug)]
pub(crate) struct Library {
    place: Place,
    roots: Vec<Root>,
    pool: Pool,
    kept: Kept,
    /// The weight of meaning against words, 0 to 1.
    weight: f64,
}

/// By which a search that takes too long is ended from another thread.
#[derive(Default)]
pub(crate) struct Brake {
    handle: Mutex<Option<InterruptHandle>>,
    pulled: AtomicBool,
}

impl Brake {
    /// Ends the search soon.
    pub(crate) fn pull(&self) {
        self.pulled.store(true, Ordering::SeqCst);
        if let Some(handle) = &*self.handle.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            handle.interrupt();
        }
    }

    fn holds(&self, handle: Option<InterruptHandle>) {
        *self.handle.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = handle;
    }

    fn is_pulled(&self) -> bool {
        self.pulled.load(Ordering::SeqCst)
    }
}

impl Library {
    pub(crate) fn new(config: &IndexConfig) -> Self {
        Self::weighing(config, DEFAULT_WEIGHT)
    }

    /// With another weight of meaning against words; 0 leaves vectors out.
    pub(crate) fn weighing(config: &IndexConfig, weight: f64) -> Self {
        Self { place: config.place(), roots: config.roots(), pool: Pool::default(), kept: Kept::default(), weight }
    }

    pub(crate) fn roots(&self) -> &[Root] {
        &self.roots
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// What a scan covers.
    pub(crate) fn covered(&self) -> Covered<'_> {
        Covered { place: &self.place, roots: &self.roots }
    }

    /// Does a search's work on the database; `None` when there is none.
    fn ask<T>(
        &self,
        brake: &Brake,
        work: impl FnOnce(Shelves<'_>) -> Result<T, Trouble>,
    ) -> Result<Option<T>, Trouble> {
        self.pool.read(&self.place, |open| {
            let Some((connection, file)) = open else { return Ok(None) };
            brake.holds(Some(connection.get_interrupt_handle()));
            if brake.is_pulled() {
                return Err(Trouble::Ended);
            }
            let shelves = Shelves { connection, file, roots: &self.roots, kept: &self.kept, weight: self.weight };
            let done = work(shelves);
            // The connection may serve another search next, which this brake must not end.
            brake.holds(None);
            done.map(Some)
        })
    }

    /// Reads a page of a file.
    pub(crate) fn open(&self, wanted: Wanted<'_>) -> Result<Reply, Trouble> {
        let read =
            |open: Option<(&Connection, _)>| open::open(open.map(|(connection, _)| connection), &self.roots, wanted);
        // With an index that can't be read a whole path still opens.
        self.pool.read(&self.place, read).or_else(|_| open::open(None, &self.roots, wanted))
    }

    /// How much of what may be seen is indexed.
    pub(crate) fn count(&self, reach: &messages::index::Reach) -> Result<View, Trouble> {
        let counted = self.ask(&Brake::default(), |on| search::count(on, reach))?;
        Ok(counted.unwrap_or_default())
    }

    /// Bytes of each log of a context that are indexed, by its path.
    pub(crate) fn logs_known(&self, context: &str) -> Result<std::collections::HashMap<String, u64>, Trouble> {
        let known = self
            .pool
            .read(&self.place, |open| open.map(|(connection, _)| records::known(connection, context)).transpose())?;
        Ok(known.unwrap_or_default())
    }

    /// Takes further entries of a log in; `to` is where they end. Nothing of them is taken in twice.
    pub(crate) fn put_entries(
        &self,
        (context, log): (&str, &str),
        entries: &[EntryRow],
        to: u64,
    ) -> Result<(), Trouble> {
        records::put_entries(&self.place.write()?, (context, log), entries, to)
    }

    /// Brings what is indexed of a context's memory up to its file.
    pub(crate) fn put_memory(&self, context: &str) -> Result<(), Trouble> {
        records::put_memory(&self.pool, &self.place, &self.roots, context)
    }

    /// Takes a record, or some entries of a log, out; nothing of their words stays in the database's files.
    pub(crate) fn forget(&self, record: &str, entries: Option<&[u64]>) -> Result<(), Trouble> {
        // Most logs were never searched: they need not wait for a scan that writes.
        let is_known = self
            .pool
            .read(&self.place, |open| open.map_or(Ok(false), |(connection, _)| records::is_known(connection, record)));
        if matches!(is_known, Ok(false)) {
            return Ok(());
        }
        records::forget(&self.place.write()?, record, entries)
    }

    #[cfg(test)]
    pub(crate) fn resting(&self) -> usize {
        self.pool.len()
    }
}

impl Engine for Library {
    fn search(&self, question: Question<'_>, brake: &Brake) -> Result<Option<Found>, Trouble> {
        self.ask(brake, |on| search::search(on, question))
    }

    fn explain(&self, question: Question<'_>, brake: &Brake) -> Result<Option<Vec<Explained>>, Trouble> {
        self.ask(brake, |on| search::explain(on, question))
    }

    fn rest(&self) {
        self.pool.clear();
        self.kept.let_go();
    }
}
