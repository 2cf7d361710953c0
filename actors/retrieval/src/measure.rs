//! An index without a node, for `agent-runtime bench search`: the same calls that the service makes. All of it blocks.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gate::Mount;
use messages::index::{Found, Reach};

use crate::changes::Changes;
use crate::config::{IndexConfig, WatchReport};
use crate::engine::Engine as _;
use crate::library::{Brake, Library};
use crate::scan::{Progress, Scanner};
use crate::search::Question;

/// An index over one workspace's folder.
pub struct Desk {
    library: Library,
    scanner: Mutex<Scanner>,
}

struct Unwatched;

impl Progress for Unwatched {
    fn looked_at(&self, _files: u64) -> bool {
        true
    }
}

impl Desk {
    /// Over a folder and what is mounted into it; its database is in `.index` below it. `weight` is that of meaning against
    /// words, 0 to 1: 0 leaves vectors out, `None` is what the service uses.
    #[must_use]
    pub fn new(folder: &Path, mounts: &[Mount], weight: Option<f64>) -> Self {
        let config = IndexConfig {
            workspace_folder: folder.to_path_buf(),
            index_folder: PathBuf::new(),
            mounts: mounts.to_vec(),
            poll: false,
            watch: WatchReport::default(),
        };
        let weight = weight.unwrap_or(crate::search::DEFAULT_WEIGHT);
        Self { library: Library::weighing(&config, weight), scanner: Mutex::default() }
    }

    /// Brings it up to what the folder holds at `now_ns`, nanoseconds since the Unix epoch. Gives files and passages.
    ///
    /// # Errors
    /// One sentence, when the database can't be used.
    pub fn scan(&self, now_ns: i64) -> Result<(u64, u64), String> {
        self.look(&Changes::Everything, now_ns)
    }

    /// The same where something changed, as the watcher tells it: absolute paths.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub fn changed(&self, paths: &[PathBuf], now_ns: i64) -> Result<(u64, u64), String> {
        let mut changes = Changes::default();
        paths.iter().for_each(|path| changes.note(path.clone()));
        self.look(&changes, now_ns)
    }

    fn look(&self, changes: &Changes, now_ns: i64) -> Result<(u64, u64), String> {
        let mut scanner = self.scanner.lock().unwrap_or_else(PoisonError::into_inner);
        let scanned = scanner.scan(self.library.covered(), changes, now_ns, &Unwatched);
        let (report, _) = scanned.map_err(|trouble| trouble.to_string())?;
        Ok((report.files, report.passages))
    }

    /// Searches all knowledge.
    ///
    /// # Errors
    /// One sentence, when there is no database or it can't be used.
    pub fn search(&self, query: &str, limit: u32) -> Result<Found, String> {
        let reach = Reach::knowledge(vec!["**".to_owned()]);
        let found = self.library.search(Question { query, limit, reach: &reach }, &Brake::default());
        found.map_err(|trouble| trouble.to_string())?.ok_or_else(|| "there is no index yet".to_owned())
    }
}
