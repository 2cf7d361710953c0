//! A workspace and a mounted folder on a real disk, for tests.

use std::fs;
use std::path::PathBuf;

use gate::Mount;
use messages::index::{Hit, Reach, Reply};
use messages::store::{Query, Rows};
use tempfile::TempDir;

use crate::changes::Changes;
use crate::config::IndexConfig;
use crate::database::Trouble;
use crate::engine::Engine as _;
use crate::library::{Brake, Library};
use crate::open::Wanted;
use crate::scan::{Progress, Report, Scanner};
use crate::search::Question;
use crate::watcher::FOLDERS_WATCHED_MAX;

/// Long after the files of a test were written.
pub(crate) const LATER_NS: i64 = i64::MAX;

pub(crate) struct Shelf {
    pub(crate) dir: TempDir,
}

pub(crate) struct Never;

/// Knowledge that these patterns admit, and no records.
pub(crate) fn knowledge(paths: &[&str]) -> Reach {
    Reach { paths: paths.iter().map(|path| (*path).to_owned()).collect(), records_of: None }
}

impl Progress for Never {
    fn looked_at(&self, _files: u64) -> bool {
        true
    }
}

impl Library {
    /// A scan of everything that remembers nothing.
    pub(crate) fn scan(&self, now_ns: i64, progress: &dyn Progress) -> Result<Report, Trouble> {
        let scanned = Scanner::default().scan(self.covered(), &Changes::Everything, now_ns, progress);
        scanned.map(|(report, _)| report)
    }
}

impl Shelf {
    pub(crate) fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// One that waits for no disk, where the system has a place for that.
    pub(crate) fn in_memory() -> Self {
        let memory = PathBuf::from("/dev/shm");
        Self::below(&if memory.is_dir() { memory } else { std::env::temp_dir() })
    }

    fn below(folder: &std::path::Path) -> Self {
        let dir = tempfile::tempdir_in(folder).unwrap();
        fs::create_dir_all(dir.path().join("home")).unwrap();
        fs::create_dir_all(dir.path().join("notes")).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a file, `home/…` in the workspace, `notes/…` in the mount.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn config(&self) -> IndexConfig {
        let mounts = vec![Mount { name: "notes".into(), folder: self.path("notes") }];
        IndexConfig { workspace_folder: self.path("home"), mounts, ..IndexConfig::default() }
    }

    pub(crate) fn library(&self) -> Library {
        Library::new(&self.config())
    }

    pub(crate) fn scan(&self) -> Report {
        self.library().scan(LATER_NS, &Never).unwrap()
    }

    pub(crate) fn try_search(&self, query: &str, paths: &[&str]) -> Result<Option<Vec<Hit>>, Trouble> {
        let question = Question { query, limit: 50, reach: &knowledge(paths) };
        Ok(self.library().search(question, &Brake::default())?.map(|found| found.hits))
    }

    /// The paths of the hits, best first.
    pub(crate) fn found(&self, query: &str) -> Vec<String> {
        self.hits(query).into_iter().map(|hit| hit.path).collect()
    }

    pub(crate) fn hits(&self, query: &str) -> Vec<Hit> {
        self.try_search(query, &["**"]).unwrap().unwrap()
    }

    pub(crate) fn open(&self, path: &str, page: u32, paths: &[&str]) -> Reply {
        self.library().open(Wanted { path, page, reach: &knowledge(paths) }).unwrap()
    }
}

/// A node with an index and, if asked for, a watcher.
pub(crate) struct Node {
    system: runtime::System,
}

const ASK: std::time::Duration = std::time::Duration::from_secs(60);
/// Many times what anything takes that is looked for until then.
const UNTIL: std::time::Duration = std::time::Duration::from_secs(60);
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(10);

impl Node {
    pub(crate) async fn start(config: IndexConfig, watches: bool) -> Self {
        Self::start_with(config, watches.then_some(FOLDERS_WATCHED_MAX)).await
    }

    /// With a watcher that watches at most so many folders, or with none.
    pub(crate) async fn start_with(config: IndexConfig, folders_max: Option<usize>) -> Self {
        Self::start_on(config, folders_max, |_| panic!("no rows are read")).await
    }

    /// On a store that answers so.
    pub(crate) async fn start_on(
        config: IndexConfig,
        folders_max: Option<usize>,
        rows: impl FnMut(&Query) -> Rows + Send + 'static,
    ) -> Self {
        use runtime::testing::{ScriptedStore, system};
        use runtime::{Child, Children, Intensity, Restart, Strategy};
        let mut rows = rows;
        let store = ScriptedStore::new(|_| Ok(messages::store::Committed::default()), move |query| Ok(rows(query)));
        let system = system(store, Vec::new(), runtime::Options { force_wire_form: true, ..Default::default() });
        let (of_index, of_watcher) = (config.clone(), config);
        let mut list = vec![Child::service(index_address(), Restart::Permanent, move || {
            let config = of_index.clone();
            Box::pin(async move { crate::IndexService::open(config) })
        })];
        if let Some(folders_max) = folders_max {
            list.push(Child::service(index_address_of("watcher"), Restart::Permanent, move || {
                let config = of_watcher.clone();
                Box::pin(async move { Ok(crate::WatcherService::open(config)?.with_folders_max(folders_max)) })
            }));
        }
        let children = Children { strategy: Strategy::OneForOne, intensity: Intensity::STOP_CHILD, list };
        system.start(children).await.unwrap();
        Self { system }
    }

    pub(crate) async fn ask(&self, msg: messages::index::Msg) -> Result<Reply, messages::AskError> {
        self.system.to::<messages::index::Index>(&index_address()).ask(msg, ASK).await
    }

    pub(crate) fn wake_index(&self) {
        self.system.wake(&index_address());
    }

    pub(crate) async fn watcher(&self) -> (u64, Vec<String>) {
        let watcher = self.system.to::<crate::watch::Watch>(&index_address_of("watcher"));
        let crate::watch::Reply::Described { folders, polled } =
            watcher.ask(crate::watch::Msg::Describe, ASK).await.unwrap();
        (folders, polled)
    }

    /// The paths of files that hold a word, in order; what is only near to it is not among them.
    pub(crate) async fn found(&self, word: &str) -> Vec<String> {
        let (query, reach) = (format!("\"{word}\""), knowledge(&["**"]));
        match self.ask(messages::index::Msg::Search { query, limit: 50, reach }).await.unwrap() {
            Reply::Found(found) => {
                let mut paths: Vec<String> = found.hits.into_iter().map(|hit| hit.path).collect();
                paths.sort();
                paths
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn view(&self) -> messages::index::View {
        match self.ask(messages::index::Msg::Describe(None)).await.unwrap() {
            Reply::Described(view) => view,
            other => panic!("{other:?}"),
        }
    }

    /// Looks again and again until `query` is found in exactly these files.
    pub(crate) async fn until_found(&self, query: &str, paths: &[&str]) {
        let began = tokio::time::Instant::now();
        loop {
            let found = self.found(query).await;
            if found == paths {
                return;
            }
            assert!(began.elapsed() < UNTIL, "`{query}` was found in {found:?} and not in {paths:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Looks again and again until no scan runs and the index stands as `is` says.
    pub(crate) async fn until_view(&self, is: impl Fn(&messages::index::View) -> bool) -> messages::index::View {
        let began = tokio::time::Instant::now();
        loop {
            let view = self.view().await;
            if view.scanning.is_none() && is(&view) {
                return view;
            }
            assert!(began.elapsed() < UNTIL, "the index stands at {view:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Looks again and again until the watcher stands as `is` says.
    pub(crate) async fn until_watcher(&self, is: impl Fn(u64, &[String]) -> bool) {
        let began = tokio::time::Instant::now();
        loop {
            let (folders, polled) = self.watcher().await;
            if is(folders, &polled) {
                return;
            }
            assert!(began.elapsed() < UNTIL, "the watcher stands at {folders} folders, {polled:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(crate) async fn stop(self) {
        self.system.shutdown(UNTIL).await;
    }
}

fn index_address() -> messages::Address {
    index_address_of("index")
}

fn index_address_of(leaf: &str) -> messages::Address {
    messages::Address::workspace(&messages::Slug::parse("home").unwrap()).child(leaf)
}
