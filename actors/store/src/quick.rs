//! Short reads, done where they are asked for: the few rows that an actor needs when it wakes are in memory, and handing
//! them to another thread and back costs more than reading them.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use messages::store::Query;
use rusqlite::Connection;

use crate::reader::{self, Answer};

/// Connections; a short read that finds all of them taken goes to the reader threads.
const CONNECTIONS: usize = 2;

/// The connections for short reads.
pub(crate) struct Quick {
    folder: PathBuf,
    slots: [Mutex<Slot>; CONNECTIONS],
}

#[derive(Default)]
struct Slot {
    open: Option<Connection>,
    is_closed: bool,
}

impl Quick {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), slots: Default::default() }
    }

    /// Whether a query reads only a few rows by an index.
    fn is_short(query: &Query) -> bool {
        matches!(query, Query::Work { .. } | Query::Lane { .. } | Query::Task { .. } | Query::Queue { .. })
    }

    /// The answer, if the query is short and a connection is free.
    pub(crate) fn read(&self, query: &Query) -> Option<Answer> {
        if !Self::is_short(query) {
            return None;
        }
        let mut slot = self.slots.iter().find_map(free)?;
        (!slot.is_closed).then(|| reader::read(&self.folder, &mut slot.open, query))
    }

    /// Lets all connections go; nothing is read any more.
    pub(crate) fn close(&self) {
        for slot in &self.slots {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Slot { open: None, is_closed: true };
        }
    }
}

fn free(slot: &Mutex<Slot>) -> Option<MutexGuard<'_, Slot>> {
    match slot.try_lock() {
        Ok(slot) => Some(slot),
        Err(TryLockError::Poisoned(slot)) => Some(slot.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
