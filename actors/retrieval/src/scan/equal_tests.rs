//! However files come, change and go: looking where something changed ends in the same database as looking at everything.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::library::Library;
use crate::testing::{LATER_NS, Never, Shelf};

/// What happens in the tree. Paths are below the folder that holds both roots.
#[derive(Debug, Clone)]
enum Deed {
    Write(PathBuf),
    /// Words of the same length, and the time is put back.
    WriteUnseen(PathBuf),
    WriteNoText(PathBuf),
    MakeFolder(PathBuf),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
    Link(PathBuf),
    /// Everything has settled, and what was heard is looked at.
    Scan {
        much_later: bool,
    },
}

impl Deed {
    fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Write(path)
            | Self::WriteUnseen(path)
            | Self::WriteNoText(path)
            | Self::MakeFolder(path)
            | Self::Remove(path)
            | Self::Link(path) => vec![path],
            Self::Rename(from, to) => vec![from, to],
            Self::Scan { .. } => Vec::new(),
        }
    }
}

fn path() -> impl Strategy<Value = PathBuf> {
    let name =
        prop::sample::select(vec!["a", "b", "c.md", "d.md", "e.txt", "f.rs", ".h", "tasks", "a!", "x\u{202e}.md"]);
    let root = prop::sample::select(vec!["home", "notes"]);
    (root, prop::collection::vec(name, 1..4)).prop_map(|(root, names)| {
        let mut path = PathBuf::from(root);
        path.extend(names);
        path
    })
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => path().prop_map(Deed::Write),
        1 => path().prop_map(Deed::WriteUnseen),
        1 => path().prop_map(Deed::WriteNoText),
        1 => path().prop_map(Deed::MakeFolder),
        3 => path().prop_map(Deed::Remove),
        4 => (path(), path()).prop_map(|(from, to)| Deed::Rename(from, to)),
        1 => path().prop_map(Deed::Link),
        3 => any::<bool>().prop_map(|much_later| Deed::Scan { much_later }),
    ]
}

struct Tree {
    shelf: Shelf,
    library: Library,
    /// Keeps what it knows from scan to scan.
    scanner: Scanner,
    heard: Changes,
    written: usize,
}

impl Tree {
    fn new() -> Self {
        let shelf = Shelf::in_memory();
        let library = shelf.library();
        let mut tree = Self { shelf, library, scanner: Scanner::default(), heard: Changes::default(), written: 0 };
        tree.scan(LATER_NS);
        tree
    }

    fn scan(&mut self, now_ns: i64) -> Report {
        let mut heard = std::mem::take(&mut self.heard);
        heard.add(self.scanner.take_unsettled());
        self.scanner.scan(self.library.covered(), &heard, now_ns, &Never).unwrap().0
    }

    /// Does it as far as the disk lets us, and hears what the system would tell: of folders that are made on the way the
    /// first one, since nobody watches the others yet.
    fn apply(&mut self, deed: &Deed) {
        let at = |path: &Path| self.shelf.path(path.to_str().unwrap());
        // What is done by way of a link is told of the place that it leads to, which is another deed.
        if deed.paths().into_iter().any(|path| path.ancestors().skip(1).any(|above| at(above).is_symlink())) {
            return;
        }
        match deed {
            Deed::Write(path) => {
                self.written += 1;
                self.write(&at(path), format!("# Words\n{}", "w ".repeat(self.written)).as_bytes());
            }
            Deed::WriteUnseen(path) => self.write_unseen(&at(path)),
            Deed::WriteNoText(path) => self.write(&at(path), b"\0"),
            Deed::MakeFolder(path) => self.make_folders(&at(path)),
            Deed::Remove(path) => {
                let path = at(path);
                let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
                let gone = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                self.hear(gone.is_ok(), path);
            }
            Deed::Rename(from, to) => {
                let (from, to) = (at(from), at(to));
                let moved = fs::rename(&from, &to);
                if moved.is_ok() {
                    self.heard.note(from);
                }
                self.hear(moved.is_ok(), to);
            }
            Deed::Link(path) => self.hear(std::os::unix::fs::symlink("d.md", at(path)).is_ok(), at(path)),
            Deed::Scan { much_later } => drop(self.scan(if *much_later { LATER_NS } else { now_ns(&self.shelf) })),
        }
    }

    fn hear(&mut self, is_done: bool, name: PathBuf) {
        if is_done {
            self.heard.note(name);
        }
    }

    fn make_folders(&mut self, folder: &Path) {
        let first = folder.ancestors().take_while(|above| above.symlink_metadata().is_err()).last();
        if let Some(first) = first.map(Path::to_path_buf) {
            drop(fs::create_dir_all(folder));
            self.heard.note(first);
        }
    }

    fn write(&mut self, path: &Path, words: &[u8]) {
        self.make_folders(path.parent().unwrap());
        let is_link = path.symlink_metadata().is_ok_and(|found| found.is_symlink());
        if !is_link && path.parent().unwrap().is_dir() {
            self.hear(fs::write(path, words).is_ok(), path.to_path_buf());
        }
    }

    fn write_unseen(&mut self, path: &Path) {
        let Some(before) = path.symlink_metadata().ok().filter(fs::Metadata::is_file) else { return };
        let words = fs::read(path).unwrap();
        self.write(path, &words.iter().rev().copied().collect::<Vec<u8>>());
        fs::File::options().write(true).open(path).unwrap().set_modified(before.modified().unwrap()).unwrap();
    }
}

/// The disk's clock.
fn now_ns(shelf: &Shelf) -> i64 {
    shelf.write("clock", "");
    let now = fs::metadata(shelf.path("clock")).unwrap().modified().unwrap();
    i64::try_from(now.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

/// All that a search could tell apart.
fn content(place: &Place) -> Vec<String> {
    let connection = place.read().unwrap().unwrap();
    check_words(&connection);
    let sql = "SELECT r.name || ':' || f.path || ' ' || hex(f.hash) || ' ' || f.title || ' ' ||
                      (SELECT count(*) || coalesce(group_concat(p.heading || p.text), '') FROM passage p WHERE p.file = f.id)
               FROM file f JOIN root r ON r.id = f.root ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn check_words(connection: &Connection) {
    connection.pragma_update(None, "query_only", false).unwrap();
    connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)", []).unwrap();
}

fn is_as_from_nothing(tree: &mut Tree) {
    let report = tree.scan(LATER_NS);
    let elsewhere = tree.shelf.path("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    let place = Place::new(elsewhere.join(".index"));
    place.delete().unwrap_or_default();
    let covered = Covered { place: &place, ..tree.library.covered() };
    let (fresh, of_all) = Scanner::default().scan(covered, &Changes::default(), LATER_NS, &Never).unwrap();
    assert!(of_all);
    assert_eq!(content(tree.library.place()), content(&place));
    assert_eq!(report, fresh);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn looking_where_something_changed_is_looking_at_everything(deeds in prop::collection::vec(deed(), 1..40)) {
        let mut tree = Tree::new();
        for deed in &deeds {
            tree.apply(deed);
        }
        is_as_from_nothing(&mut tree);
    }
}
