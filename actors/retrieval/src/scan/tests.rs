use crate::engine::Engine as _;
use std::fs;

use super::*;
use crate::testing::{LATER_NS, Never, Shelf};

#[test]
fn a_scan_follows_new_changed_renamed_and_deleted_files() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "# Budget\nThe budget is 100.");
    shelf.write("home/b.md", "The budget was 90.");
    assert_eq!(shelf.scan(), Report { files: 2, passages: 2, ..Report::default() });
    assert_eq!(shelf.found("budget"), ["notes/a.md", "b.md"]);
    shelf.write("notes/a.md", "# Budget\nNothing of that, 1.");
    fs::rename(shelf.path("home/b.md"), shelf.path("home/c.md")).unwrap();
    shelf.scan();
    let mut found = shelf.found("100 90 nothing");
    found.sort();
    assert_eq!(found, ["c.md", "notes/a.md"]);
    fs::remove_file(shelf.path("notes/a.md")).unwrap();
    assert_eq!(shelf.scan().files, 1);
    assert_eq!(shelf.found("budget"), ["c.md"]);
    assert_eq!(
        crate::verify(&shelf.path("home"), &shelf.path("home/.index"), &shelf.config().mounts),
        Vec::<String>::new()
    );
}

#[test]
fn a_change_right_after_a_scan_is_found_though_size_and_time_are_the_same() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "old words");
    let time = fs::metadata(shelf.path("notes/a.md")).unwrap().modified().unwrap();
    let written = i64::try_from(time.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()).unwrap();
    shelf.library().scan(written + 1_000, &Never).unwrap();
    shelf.write("notes/a.md", "new words");
    fs::File::options().write(true).open(shelf.path("notes/a.md")).unwrap().set_modified(time).unwrap();
    shelf.scan();
    assert!(shelf.found("old").is_empty());
    assert_eq!(shelf.found("new"), ["notes/a.md"]);
}

#[test]
fn a_folder_that_is_away_keeps_its_part_of_the_index() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "needle");
    shelf.write("home/b.md", "needle");
    shelf.scan();
    fs::rename(shelf.path("notes"), shelf.path("away")).unwrap();
    let report = shelf.scan();
    assert_eq!(report.files, 2);
    assert!(report.skipped[0].contains("stays searchable"), "{:?}", report.skipped);
    assert_eq!(shelf.found("needle").len(), 2);
    // A disk that is not mounted: another folder, empty, in the same place.
    fs::create_dir(shelf.path("notes")).unwrap();
    let report = shelf.scan();
    assert!(report.skipped[0].contains("is its disk mounted?"), "{:?}", report.skipped);
    assert_eq!(shelf.found("needle").len(), 2);
    fs::remove_dir(shelf.path("notes")).unwrap();
    fs::rename(shelf.path("away"), shelf.path("notes")).unwrap();
    fs::remove_file(shelf.path("notes/a.md")).unwrap();
    assert_eq!(shelf.scan().files, 1);
}

#[test]
fn a_mount_that_is_no_longer_covered_is_gone_before_the_next_scan() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "needle");
    shelf.scan();
    let mut config = shelf.config();
    config.mounts.clear();
    let library = crate::library::Library::new(&config);
    let reach = crate::testing::knowledge(&["**"]);
    let question = crate::search::Question { query: "needle", limit: 5, reach: &reach };
    assert_eq!(library.search(question, &crate::library::Brake::default()).unwrap().unwrap().hits, []);
    assert_eq!(library.scan(LATER_NS, &Never).unwrap().files, 0);
}

#[test]
fn an_index_that_is_deleted_or_damaged_is_made_again() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "needle");
    shelf.scan();
    let file = shelf.path("home/.index/index.sqlite");
    for damage in [
        &b"this is no database at all, but long enough to be taken for one........................................."[..],
        b"",
    ] {
        fs::write(&file, damage).unwrap();
        shelf.scan();
        assert_eq!(shelf.found("needle"), ["notes/a.md"]);
    }
    fs::remove_dir_all(shelf.path("home/.index")).unwrap();
    assert!(shelf.try_search("needle", &["**"]).unwrap().is_none());
    shelf.scan();
    assert_eq!(shelf.found("needle"), ["notes/a.md"]);
    // Whole pages overwritten.
    let mut bytes = fs::read(&file).unwrap();
    bytes[4_096..].fill(0xa5);
    fs::write(&file, bytes).unwrap();
    shelf.scan();
    assert_eq!(shelf.found("needle"), ["notes/a.md"]);
}

#[test]
fn an_index_of_another_version_is_made_again() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "needle");
    shelf.scan();
    let connection = rusqlite::Connection::open(shelf.path("home/.index/index.sqlite")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(shelf.try_search("needle", &["**"]), Err(Trouble::Damaged(_))));
    shelf.scan();
    assert_eq!(shelf.found("needle"), ["notes/a.md"]);
}

#[test]
fn the_database_is_not_sent_elsewhere_by_a_link() {
    let shelf = Shelf::new();
    fs::create_dir(shelf.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(shelf.path("elsewhere"), shelf.path("home/.index")).unwrap();
    assert!(matches!(shelf.library().scan(LATER_NS, &Never), Err(Trouble::Unusable { .. })));
    fs::remove_file(shelf.path("home/.index")).unwrap();
    fs::create_dir(shelf.path("home/.index")).unwrap();
    std::os::unix::fs::symlink(shelf.path("elsewhere/x"), shelf.path("home/.index/index.sqlite")).unwrap();
    assert!(shelf.library().scan(LATER_NS, &Never).is_err());
    assert_eq!(fs::read_dir(shelf.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn a_scan_stops_when_its_index_stops() {
    struct After(u64);
    impl Progress for After {
        fn looked_at(&self, files: u64) -> bool {
            files <= self.0
        }
    }
    let shelf = Shelf::new();
    for n in 0..5 {
        shelf.write(&format!("notes/{n}.md"), "needle");
    }
    assert_eq!(shelf.library().scan(LATER_NS, &After(2)).unwrap().files, 2);
    assert_eq!(shelf.scan().files, 5);
    // What was not looked at is not taken for deleted.
    assert_eq!(shelf.library().scan(LATER_NS, &After(2)).unwrap().files, 5);
}

#[test]
fn what_was_left_out_is_told_up_to_a_limit_and_counted_beyond() {
    let shelf = Shelf::new();
    for n in 0..=SKIPPED_SHOWN_MAX {
        shelf.write(&format!("notes/{n}.md"), b"\0");
    }
    let report = shelf.scan();
    assert_eq!((report.skipped.len(), report.skipped_total), (SKIPPED_SHOWN_MAX, SKIPPED_SHOWN_MAX as u64 + 1));
}

#[test]
fn verify_tells_each_difference() {
    let shelf = Shelf::new();
    for name in ["changed", "gone", "same"] {
        shelf.write(&format!("notes/{name}.md"), "needle");
    }
    let verify = || crate::verify(&shelf.path("home"), &shelf.path("home/.index"), &shelf.config().mounts);
    assert!(verify()[0].contains("there is no index"));
    shelf.scan();
    assert_eq!(verify(), Vec::<String>::new());
    shelf.write("notes/changed.md", "thread");
    shelf.write("notes/new.md", "needle");
    fs::remove_file(shelf.path("notes/gone.md")).unwrap();
    let mut found = verify();
    found.sort();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("notes/changed.md: it was changed"));
    assert!(found[1].starts_with("notes/gone.md: it is in the index"));
    assert!(found[2].starts_with("notes/new.md: it is not in the index"));
}
