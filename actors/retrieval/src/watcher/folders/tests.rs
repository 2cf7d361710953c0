use std::fs;

use super::*;
use crate::testing::Shelf;

fn set(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    paths.iter().cloned().collect()
}

fn folders(shelf: &Shelf, folders_max: usize) -> Folders {
    Folders::new(shelf.config().roots(), folders_max, Gathered::default())
}

#[test]
fn the_number_of_watched_folders_is_limited_at_its_edge() {
    let shelf = Shelf::new();
    fs::create_dir_all(shelf.path("notes/a/b")).unwrap();
    let mut watched = folders(&shelf, 4);
    watched.watch_all();
    assert_eq!((watched.len(), watched.polled().len()), (4, 0));
    fs::create_dir(shelf.path("notes/c")).unwrap();
    watched.watch_new(&set(&[shelf.path("notes/c")]));
    assert_eq!(watched.len(), 0);
    assert!(watched.polled()[0].contains("there are more than 4 folders"), "{:?}", watched.polled());
    let mut too_few = folders(&shelf, 4);
    too_few.watch_all();
    assert_eq!((too_few.len(), too_few.polled().len()), (0, 1));
}

#[test]
fn a_folder_that_is_gone_frees_its_place() {
    let shelf = Shelf::new();
    fs::create_dir_all(shelf.path("notes/a/b")).unwrap();
    let mut watched = folders(&shelf, 4);
    watched.watch_all();
    fs::remove_dir_all(shelf.path("notes/a")).unwrap();
    watched.unwatch(&set(&[shelf.path("notes/a")]));
    assert_eq!(watched.len(), 2);
    fs::create_dir(shelf.path("notes/d")).unwrap();
    watched.watch_new(&set(&[shelf.path("notes/d"), shelf.path("notes/gone"), shelf.path("home/logs")]));
    assert_eq!((watched.len(), watched.polled().len()), (3, 0));
}

#[test]
fn a_root_that_goes_comes_back_or_is_another_is_noticed() {
    let shelf = Shelf::new();
    let mut watched = folders(&shelf, 8);
    watched.watch_all();
    assert!(!watched.have_moved() && !watched.has_missing());
    fs::rename(shelf.path("notes"), shelf.path("away")).unwrap();
    assert!(watched.have_moved());
    watched.watch_all();
    assert_eq!((watched.len(), watched.polled().len()), (1, 1));
    assert!(watched.has_missing() && !watched.have_moved());
    fs::create_dir(shelf.path("notes")).unwrap();
    assert!(watched.have_moved());
    watched.watch_all();
    assert_eq!((watched.len(), watched.polled().len()), (2, 0));
    fs::rename(shelf.path("notes"), shelf.path("other")).unwrap();
    fs::rename(shelf.path("away"), shelf.path("notes")).unwrap();
    assert!(watched.have_moved());
}

#[test]
fn a_folder_with_two_names_means_that_a_change_may_be_anywhere() {
    let shelf = Shelf::new();
    std::os::unix::fs::symlink(shelf.path("notes"), shelf.path("alias")).unwrap();
    let mut config = shelf.config();
    config.mounts.push(crate::Mount { name: "alias".into(), folder: shelf.path("alias") });
    let mut watched = Folders::new(config.roots(), 8, Gathered::default());
    watched.watch_all();
    assert!(watched.may_have_missed() && watched.may_have_missed());
    let mut plain = folders(&shelf, 8);
    plain.watch_all();
    assert!(plain.may_have_missed() && !plain.may_have_missed());
    // A folder that is renamed has one name all the while.
    fs::create_dir(shelf.path("notes/a")).unwrap();
    plain.watch_new(&set(&[shelf.path("notes/a")]));
    fs::rename(shelf.path("notes/a"), shelf.path("notes/b")).unwrap();
    plain.watch_new(&set(&[shelf.path("notes/b")]));
    assert!(!plain.may_have_missed());
}

#[test]
fn nothing_is_watched_where_the_configuration_says_so() {
    let shelf = Shelf::new();
    let mut polled = folders(&shelf, 8);
    polled.poll_as_told();
    assert!(polled.is_polling() && polled.may_have_missed() && !polled.have_moved());
    assert_eq!(polled.polled(), ["folders are looked at every 2 s, as `watch = \"poll\"` says"]);
}

#[test]
fn a_loop_of_links_is_not_followed() {
    let shelf = Shelf::new();
    std::os::unix::fs::symlink(".", shelf.path("notes/loop")).unwrap();
    let mut watched = folders(&shelf, 8);
    watched.watch_all();
    assert_eq!(watched.len(), 2);
}
