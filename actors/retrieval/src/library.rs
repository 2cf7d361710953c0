//! One workspace's knowledge as blocking calls: scanned, searched, opened. The services put it on threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use messages::index::{Hit, Reply};
use rusqlite::InterruptHandle;

use crate::config::IndexConfig;
use crate::database::{Place, Trouble};
use crate::gate::{Root, roots};
use crate::open::{self, Wanted};
use crate::scan::{self, Progress, Report};
use crate::search::{self, Question};

/// What an index covers and where its database is. It holds no connection and no file.
#[derive(Debug, Clone)]
pub(crate) struct Library {
    place: Place,
    roots: Vec<Root>,
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

    fn holds(&self, handle: InterruptHandle) {
        *self.handle.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(handle);
    }

    fn is_pulled(&self) -> bool {
        self.pulled.load(Ordering::SeqCst)
    }
}

impl Library {
    pub(crate) fn new(config: &IndexConfig) -> Self {
        Self { place: Place::of(&config.workspace_folder), roots: roots(config) }
    }

    pub(crate) fn roots(&self) -> &[Root] {
        &self.roots
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Brings the database up to what the folders hold now.
    pub(crate) fn scan(&self, now_ns: i64, progress: &dyn Progress) -> Result<Report, Trouble> {
        scan::scan(&self.place, &self.roots, now_ns, progress)
    }

    /// Searches what is there; `None` when there is no database, and a scan is due.
    pub(crate) fn search(&self, question: Question<'_>, brake: &Brake) -> Result<Option<Vec<Hit>>, Trouble> {
        let Some(connection) = self.place.read()? else { return Ok(None) };
        brake.holds(connection.get_interrupt_handle());
        if brake.is_pulled() {
            return Err(Trouble::TooSlow(Duration::ZERO));
        }
        search::search(&connection, &self.roots, question).map(Some)
    }

    /// Reads a page of a file.
    pub(crate) fn open(&self, wanted: Wanted<'_>) -> Result<Reply, Trouble> {
        // Without an index a whole path still opens.
        let connection = self.place.read().unwrap_or_default();
        open::open(connection.as_ref(), &self.roots, wanted)
    }
}
