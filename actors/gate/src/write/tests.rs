//! Writes that are cut off at every mark, and people who write at the same time.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::marks::hook;
use super::{Draft, Expect, WriteError, Written, hash};
use crate::FILE_BYTES_MAX;
use crate::tests::Shelf;

const OLD: &str = "the old text\n";
const NEW: &str = "the new text\n";
const PERSONS: &str = "what a person wrote\n";

fn write(shelf: &Shelf, draft: &Draft<'_>) -> Result<Written, WriteError> {
    shelf.roots()[0].open()?.write(draft)
}

fn draft<'a>(path: &'a str, expect: Expect<'a>) -> Draft<'a> {
    Draft { path, text: NEW, expect, key: "tsk_1-7", again: false }
}

/// All files below a folder with what they hold, by their path.
fn files(folder: &Path) -> Vec<(String, String)> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            } else {
                let shown = entry.path().strip_prefix(folder).unwrap().display().to_string();
                found.push((shown, fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn is(files: &[(String, String)], wanted: &[(&str, &str)]) -> bool {
    let wanted: Vec<_> = wanted.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    files == wanted
}

#[test]
fn a_new_file_is_made_with_its_folders() {
    let shelf = Shelf::new();
    assert_eq!(write(&shelf, &draft("a/b/plan.md", Expect::Absent)).unwrap(), Written::Now);
    assert!(is(&files(&shelf.path("home")), &[("a/b/plan.md", NEW)]));
    let twice = write(&shelf, &draft("a/b/plan.md", Expect::Absent));
    assert!(matches!(twice, Err(WriteError::Exists)), "{twice:?}");
}

#[test]
fn what_is_replaced_is_kept_under_the_key_with_its_mode() {
    let shelf = Shelf::new();
    shelf.put("home/a/plan.md", OLD);
    fs::set_permissions(shelf.path("home/a/plan.md"), fs::Permissions::from_mode(0o640)).unwrap();
    let old = hash(OLD.as_bytes());
    assert_eq!(write(&shelf, &draft("a/plan.md", Expect::Hash(&old))).unwrap(), Written::Now);
    let after = files(&shelf.path("home"));
    assert!(is(&after, &[(".versions/a/plan.md/tsk_1-7.md", OLD), ("a/plan.md", NEW)]), "{after:?}");
    for path in ["home/a/plan.md", "home/.versions/a/plan.md/tsk_1-7.md"] {
        assert_eq!(fs::metadata(shelf.path(path)).unwrap().permissions().mode() & 0o777, 0o640, "{path}");
    }
}

#[test]
fn a_text_that_was_not_seen_is_never_replaced() {
    let shelf = Shelf::new();
    let old = hash(OLD.as_bytes());
    let gone = write(&shelf, &draft("plan.md", Expect::Hash(&old)));
    assert!(matches!(gone, Err(WriteError::NotThere)), "{gone:?}");
    let gone = write(&shelf, &draft("no/folder/plan.md", Expect::Hash(&old)));
    assert!(matches!(gone, Err(WriteError::NotThere)), "{gone:?}");
    shelf.put("home/plan.md", PERSONS);
    for again in [false, true] {
        let changed = write(&shelf, &Draft { again, ..draft("plan.md", Expect::Hash(&old)) });
        assert!(matches!(changed, Err(WriteError::Changed)), "{changed:?}");
        let exists = write(&shelf, &Draft { again, ..draft("plan.md", Expect::Absent) });
        assert!(matches!(exists, Err(WriteError::Exists)), "{exists:?}");
    }
    assert!(is(&files(&shelf.path("home")), &[("plan.md", PERSONS)]));
}

#[test]
fn the_same_text_is_written_by_leaving_it() {
    let shelf = Shelf::new();
    shelf.put("home/plan.md", NEW);
    let new = hash(NEW.as_bytes());
    assert_eq!(write(&shelf, &draft("plan.md", Expect::Hash(&new))).unwrap(), Written::Before);
    assert!(is(&files(&shelf.path("home")), &[("plan.md", NEW)]));
}

#[test]
fn reserved_places_mounts_and_other_files_are_refused_and_nothing_is_made() {
    let shelf = Shelf::new();
    for path in [
        "workspace.md",
        "contexts/general/context.md",
        "logs/a.md",
        "skills/a/SKILL.md",
        "notes/a.md",
        ".versions/a.md/k.md",
        "a/.b.md",
        "a/b.sh",
        "../a.md",
        "/a.md",
        "",
    ] {
        let refused = write(&shelf, &draft(path, Expect::Absent));
        assert!(matches!(refused, Err(WriteError::Reserved(_))), "{path}: {refused:?}");
    }
    let mounted = shelf.roots()[1].open().unwrap().write(&draft("a.md", Expect::Absent));
    assert!(matches!(mounted, Err(WriteError::Reserved(why)) if why.contains("mounted")), "{mounted:?}");
    assert!(files(&shelf.path("")).is_empty());
}

#[test]
fn texts_and_keys_are_limited_at_their_edges() {
    let shelf = Shelf::new();
    let edge = "x".repeat(usize::try_from(FILE_BYTES_MAX).unwrap());
    let over = edge.clone() + "x";
    let of = |path: &str, text: &str, key: &str| {
        write(&shelf, &Draft { path, text, key, expect: Expect::Absent, again: false })
    };
    assert_eq!(of("edge.md", &edge, "k").unwrap(), Written::Now);
    assert!(matches!(of("over.md", &over, "k"), Err(WriteError::TooLarge(_))));
    assert!(matches!(of("nul.md", "a\0b", "k"), Err(WriteError::Binary)));
    assert_eq!(of("key.md", NEW, &"k".repeat(128)).unwrap(), Written::Now);
    for key in ["", "a/b", "..", "a.b", "ä", &"k".repeat(129)] {
        assert!(matches!(of("bad.md", NEW, key), Err(WriteError::Io(_))), "{key}");
    }
    assert_eq!(files(&shelf.path("home")).len(), 2);
}

#[test]
fn a_link_or_a_file_in_the_way_is_no_folder() {
    let shelf = Shelf::new();
    shelf.put("outside/x.md", PERSONS);
    symlink(shelf.path("outside"), shelf.path("home/link")).unwrap();
    symlink(shelf.path("outside/x.md"), shelf.path("home/x.md")).unwrap();
    shelf.put("home/file.md", OLD);
    let of = |path, expect| write(&shelf, &draft(path, expect));
    let persons = hash(PERSONS.as_bytes());
    for path in ["link/new.md", "link/sub/new.md"] {
        let refused = of(path, Expect::Absent);
        assert!(matches!(refused, Err(WriteError::NoFolder | WriteError::Refused(_))), "{path}: {refused:?}");
    }
    for expect in [Expect::Absent, Expect::Hash(&persons)] {
        let refused = of("x.md", expect);
        assert!(matches!(refused, Err(WriteError::Refused(crate::Refused::Link))), "{refused:?}");
    }
    let refused = of("file.md/new.md", Expect::Absent);
    assert!(matches!(refused, Err(WriteError::NoFolder)), "{refused:?}");
    // The folder of versions itself leads elsewhere.
    symlink(shelf.path("outside"), shelf.path("home/.versions")).unwrap();
    let old = hash(OLD.as_bytes());
    let refused = of("file.md", Expect::Hash(&old));
    assert!(matches!(refused, Err(WriteError::NoFolder | WriteError::Refused(_))), "{refused:?}");
    assert!(is(&files(&shelf.path("outside")), &[("x.md", PERSONS)]));
    assert_eq!(fs::read_to_string(shelf.path("home/file.md")).unwrap(), OLD);
}

#[test]
fn a_folder_that_is_exchanged_for_a_link_while_it_is_written_leads_nowhere() {
    let shelf = Shelf::new();
    fs::create_dir(shelf.path("outside")).unwrap();
    fs::create_dir(shelf.path("home/real")).unwrap();
    symlink(shelf.path("outside"), shelf.path("home/link")).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let (one, other) = (shelf.path("home/real"), shelf.path("home/link"));
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(rustix::fs::CWD, one, rustix::fs::CWD, other, flags).unwrap();
            }
        });
        let mut seen = BTreeSet::new();
        for n in 0..3_000 {
            let path = format!("real/sub{}/{n}.md", n % 50);
            seen.insert(write(&shelf, &draft(&path, Expect::Absent)).is_ok());
            if seen.len() == 2 && n > 300 {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(seen.len(), 2, "the race was never met");
    });
    assert!(fs::read_dir(shelf.path("outside")).unwrap().next().is_none());
}

#[test]
fn writers_at_the_same_time_never_lose_each_other_s_text() {
    let shelf = Shelf::new();
    shelf.put("home/plan.md", "0\n");
    let done = std::thread::scope(|scope| {
        let one = |writer: usize| {
            let (shelf, mut done) = (&shelf, Vec::new());
            for n in 0..40 {
                let there = hash(fs::read_to_string(shelf.path("home/plan.md")).unwrap().as_bytes());
                let (text, key) = (format!("{writer} {n}\n"), format!("tsk_{writer}-{n}"));
                let expect = Expect::Hash(&there);
                match write(shelf, &Draft { path: "plan.md", text: &text, expect, key: &key, again: false }) {
                    Ok(written) => {
                        assert_eq!(written, Written::Now);
                        done.push(text);
                    }
                    Err(error) => assert!(matches!(error, WriteError::Changed), "{error}"),
                }
            }
            done
        };
        let all: Vec<_> = (0..4).map(|writer| scope.spawn(move || one(writer))).collect();
        all.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(done.len() >= 40, "{}", done.len());
    let left: BTreeSet<String> = files(&shelf.path("home")).into_iter().map(|(_, text)| text).collect();
    assert_eq!(left.len(), done.len() + 1, "one version for each write, and the last");
    assert!(done.iter().all(|text| left.contains(text)));
}

/// What was planned for a run: a file that is replaced or made.
#[derive(Debug, Clone, Copy)]
enum Case {
    New,
    Replaced,
}

impl Case {
    const PATH: &'static str = "a/b/plan.md";

    fn shelf(self) -> Shelf {
        let shelf = Shelf::new();
        if let Self::Replaced = self {
            shelf.put("home/a/b/plan.md", OLD);
        }
        shelf
    }

    fn run(self, shelf: &Shelf, again: bool) -> Result<Written, WriteError> {
        let old = hash(OLD.as_bytes());
        let expect = match self {
            Self::New => Expect::Absent,
            Self::Replaced => Expect::Hash(&old),
        };
        write(shelf, &Draft { again, ..draft(Self::PATH, expect) })
    }

    /// Cuts the write off at its mark `at`; false when it has no so many.
    fn cut_off(self, shelf: &Shelf, at: usize, mut before: impl FnMut(usize) + 'static) -> bool {
        hook::set(move |passed, mark| {
            before(passed);
            assert!(passed < at, "cut off at {mark}");
        });
        let ended = catch_unwind(AssertUnwindSafe(|| self.run(shelf, false)));
        hook::clear();
        ended.is_err()
    }

    fn there(shelf: &Shelf) -> Option<String> {
        fs::read_to_string(shelf.path("home").join(Self::PATH)).ok()
    }

    /// What is to be there in the end.
    fn is_over(self, shelf: &Shelf) -> bool {
        let after = files(&shelf.path("home"));
        match self {
            Self::New => is(&after, &[(Self::PATH, NEW)]),
            Self::Replaced => is(&after, &[(".versions/a/b/plan.md/tsk_1-7.md", OLD), (Self::PATH, NEW)]),
        }
    }
}

#[test]
fn a_write_that_is_cut_off_anywhere_leaves_one_whole_text_and_is_done_once_in_the_end() {
    for (case, marks) in [(Case::New, 4), (Case::Replaced, 8)] {
        let mut cut = 0;
        while let shelf = case.shelf()
            && case.cut_off(&shelf, cut, |_| {})
        {
            let there = Case::there(&shelf);
            let whole = match case {
                Case::New => there.is_none() || there.as_deref() == Some(NEW),
                Case::Replaced => there.as_deref() == Some(OLD) || there.as_deref() == Some(NEW),
            };
            assert!(whole, "{case:?} cut off at {cut}: {there:?}");
            let expected = if there.as_deref() == Some(NEW) { Written::Before } else { Written::Now };
            assert_eq!(case.run(&shelf, true).unwrap(), expected, "{case:?} cut off at {cut}");
            assert!(case.is_over(&shelf), "{case:?} cut off at {cut}: {:?}", files(&shelf.path("home")));
            assert_eq!(case.run(&shelf, true).unwrap(), Written::Before);
            assert!(case.is_over(&shelf), "{case:?} cut off at {cut}, a third time");
            cut += 1;
        }
        assert_eq!(cut, marks, "{case:?}");
    }
}

/// How a person saves a file.
#[derive(Debug, Clone, Copy)]
enum Save {
    InPlace,
    ByRename,
}

fn save(how: Save, file: &Path) {
    match how {
        Save::InPlace => fs::write(file, PERSONS).unwrap(),
        Save::ByRename => {
            let beside: PathBuf = file.with_extension("editor");
            fs::write(&beside, PERSONS).unwrap();
            fs::rename(beside, file).unwrap();
        }
    }
}

/// A person's text stands in its place or is kept.
fn is_kept(shelf: &Shelf) -> bool {
    files(&shelf.path("home")).iter().any(|(_, text)| text == PERSONS)
}

#[test]
fn what_a_person_saves_meanwhile_is_never_lost() {
    for case in [Case::New, Case::Replaced] {
        for (how, at) in [Save::InPlace, Save::ByRename].into_iter().flat_map(|how| (0..8).map(move |at| (how, at))) {
            let shelf = case.shelf();
            let file = shelf.path("home").join(Case::PATH);
            hook::set(move |passed, _| {
                if passed == at {
                    save(how, &file);
                }
            });
            let written = case.run(&shelf, false);
            if hook::clear() <= at {
                continue;
            }
            assert!(is_kept(&shelf), "{case:?} {how:?} at {at}: {written:?}");
            // Whoever is told that it was written, wrote over nothing: the person came after it.
            assert_eq!(Case::there(&shelf).as_deref(), Some(PERSONS), "{case:?} {how:?} at {at}: {written:?}");
            let left = files(&shelf.path("home"));
            assert!(left.iter().all(|(path, _)| !path.contains(".tmp")), "{case:?} {how:?} at {at}: {left:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_sequence_of_crashes_and_people_loses_a_text(
        replaced in any::<bool>(),
        rename in any::<bool>(),
        saved_at in 0usize..10,
        cuts in proptest::collection::vec(0usize..10, 0..4),
    ) {
        let case = if replaced { Case::Replaced } else { Case::New };
        let how = if rename { Save::ByRename } else { Save::InPlace };
        let shelf = case.shelf();
        let file = shelf.path("home").join(Case::PATH);
        let mut is_saved = false;
        for (n, cut) in cuts.into_iter().enumerate() {
            let (file, saves) = (file.clone(), !is_saved && n == 0);
            hook::set(move |passed, mark| {
                if saves && passed == saved_at && file.parent().unwrap().exists() {
                    save(how, &file);
                }
                assert!(passed < cut, "cut off at {mark}");
            });
            drop(catch_unwind(AssertUnwindSafe(|| case.run(&shelf, n > 0))));
            is_saved |= saves && hook::clear() > saved_at;
            hook::clear();
        }
        let written = case.run(&shelf, true);
        let there = Case::there(&shelf).unwrap();
        if is_saved {
            prop_assert!(is_kept(&shelf), "{:?}: {:?}", written, files(&shelf.path("home")));
        } else {
            prop_assert!(written.is_ok() && case.is_over(&shelf), "{:?}: {:?}", written, files(&shelf.path("home")));
        }
        if written.is_ok() {
            prop_assert_eq!(there, NEW);
        }
        let left = files(&shelf.path("home"));
        prop_assert!(left.iter().all(|(path, _)| !path.ends_with(".tmp")), "{:?}: {:?}", written, left);
    }
}
