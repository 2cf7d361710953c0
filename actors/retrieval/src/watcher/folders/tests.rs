use std::fs;

use super::*;
use crate::testing::Shelf;

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
    watched.watch_new(&[shelf.path("notes/c")]);
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
    watched.unwatch(&[shelf.path("notes/a")]);
    assert_eq!(watched.len(), 2);
    fs::create_dir(shelf.path("notes/d")).unwrap();
    watched.watch_new(&[shelf.path("notes/d"), shelf.path("notes/gone"), shelf.path("home/logs")]);
    assert_eq!((watched.len(), watched.polled().len()), (3, 0));
}

#[test]
fn a_root_that_comes_back_is_watched_again() {
    let shelf = Shelf::new();
    let mut watched = folders(&shelf, 8);
    watched.watch_all();
    fs::remove_dir(shelf.path("notes")).unwrap();
    watched.unwatch(&[shelf.path("notes")]);
    assert_eq!((watched.len(), watched.polled().len()), (1, 1));
    watched.watch_missing();
    assert_eq!(watched.polled().len(), 1);
    fs::create_dir(shelf.path("notes")).unwrap();
    watched.watch_missing();
    assert_eq!((watched.len(), watched.polled().len()), (2, 0));
}

#[test]
fn a_loop_of_links_is_not_followed() {
    let shelf = Shelf::new();
    std::os::unix::fs::symlink(".", shelf.path("notes/loop")).unwrap();
    let mut watched = folders(&shelf, 8);
    watched.watch_all();
    assert_eq!(watched.len(), 2);
}
