//! Connections that read, kept while searches come one after another and let go when they rest.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gate::Identity;
use rusqlite::Connection;

use crate::database::{Place, Trouble};

/// The most connections that are kept.
const KEPT_MAX: usize = 4;

/// The connections of one workspace's index that rest between two searches.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    connection: Connection,
    /// The file it reads: one that was made again under the same name is another.
    file: Identity,
}

impl Pool {
    /// Does a piece of work on the database as it is at one moment: a scan may commit between two statements. `None`
    /// is given to it when there is no database, else a connection and what the database is on disk. After an error the connection is not used again.
    pub(crate) fn read<T>(
        &self,
        place: &Place,
        work: impl FnOnce(Option<(&Connection, Identity)>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let Some(file) = identity(&place.file()) else { return work(None) };
        let connection = match self.take(file) {
            Some(connection) => connection,
            None => match place.read()? {
                Some(connection) => connection,
                None => return work(None),
            },
        };
        connection.execute_batch("BEGIN")?;
        let done = work(Some((&connection, file)))?;
        connection.execute_batch("COMMIT")?;
        let mut kept = self.lock();
        if kept.len() < KEPT_MAX {
            kept.push(Kept { connection, file });
        }
        Ok(done)
    }

    /// Lets all connections go.
    pub(crate) fn clear(&self) {
        let gone = std::mem::take(&mut *self.lock());
        drop(gone);
    }

    fn take(&self, file: Identity) -> Option<Connection> {
        let mut kept = self.lock();
        kept.retain(|kept| kept.file == file);
        kept.pop().map(|kept| kept.connection)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}

fn identity(file: &Path) -> Option<Identity> {
    let metadata = std::fs::symlink_metadata(file).ok()?;
    Some((metadata.dev(), metadata.ino()))
}
