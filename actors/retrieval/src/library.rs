//! One workspace's knowledge as blocking calls: scanned, searched, opened. The services put it on threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use gate::Root;
use messages::index::{Hit, Reply};
use rusqlite::InterruptHandle;

use crate::config::IndexConfig;
use crate::database::{Place, Trouble};
use crate::open::{self, Wanted};
use crate::pool::Pool;
use crate::scan::Covered;
use crate::search::{self, Question};

/// What an index covers and where its database is.
#[derive(Debug)]
pub(crate) struct Library {
    place: Place,
    roots: Vec<Root>,
    pool: Pool,
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
        Self { place: Place::of(&config.workspace_folder), roots: config.roots(), pool: Pool::default() }
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

    /// Searches what is there; `None` when there is no database, and a scan is due.
    pub(crate) fn search(&self, question: Question<'_>, brake: &Brake) -> Result<Option<Vec<Hit>>, Trouble> {
        self.pool.read(&self.place, |connection| {
            let Some(connection) = connection else { return Ok(None) };
            brake.holds(Some(connection.get_interrupt_handle()));
            if brake.is_pulled() {
                return Err(Trouble::Ended);
            }
            let hits = search::search(connection, &self.roots, question);
            // The connection may serve another search next, which this brake must not end.
            brake.holds(None);
            hits.map(Some)
        })
    }

    /// Reads a page of a file.
    pub(crate) fn open(&self, wanted: Wanted<'_>) -> Result<Reply, Trouble> {
        let opened = self.pool.read(&self.place, |connection| open::open(connection, &self.roots, wanted));
        // With an index that can't be read a whole path still opens.
        opened.or_else(|_| open::open(None, &self.roots, wanted))
    }

    #[cfg(test)]
    pub(crate) fn resting(&self) -> usize {
        self.pool.len()
    }

    /// Gives back the memory that searches use between them.
    pub(crate) fn rest(&self) {
        self.pool.clear();
    }
}
