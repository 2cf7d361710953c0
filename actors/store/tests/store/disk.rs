//! A disk that refuses: nothing is lost, everyone is told, and it goes on by itself.

use messages::store::{CommitError, Owner, Query, Rows};
use store::OpenOptions;

use crate::world::{World, audit, id, large, options, put, wait};

/// A store that may grow to so many pages of 4 KiB.
fn small() -> World {
    World::with(&OpenOptions { pages_max: Some(120), ..options() })
}

#[test]
fn a_full_disk_refuses_the_whole_commit_in_words_and_small_ones_go_on() {
    let world = small();
    let mut accepted = 0;
    let refused = loop {
        match world.connector(vec![large(&format!("e{accepted}")), audit("accepted", &id("e"))]) {
            Ok(_) => accepted += 1,
            Err(refused) => break refused,
        }
        assert!(accepted < 100, "the disk never filled");
    };
    let CommitError::Unavailable(words) = refused else { panic!("{refused}") };
    let folder = world.folder.path().display();
    assert_eq!(words, format!("the disk is full: free some space in {folder}; it goes on by itself"));
    let health = world.store.health();
    assert!(!health.writable && health.last_error == words);
    assert_eq!(world.number("SELECT count(*) FROM inbox"), accepted);
    assert_eq!(world.number("SELECT max(seq) FROM audit"), accepted);
    world.connector(vec![put("small"), audit("accepted", &id("small"))]).unwrap();
    assert!(world.store.health().writable);
    assert!(store::verify(world.folder.path()).unwrap().is_clean());
}

#[test]
fn one_that_does_not_fit_takes_its_group_with_it_and_nothing_stays() {
    let world = small();
    let held = world.sql();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let first = world.start(Owner::Connector, vec![put("first")]);
    crate::world::until("the writer has it in hand", || world.store.health().queue == 0);
    let mut group = vec![world.start(Owner::Connector, vec![put("beside"), audit("x", &id("beside"))])];
    for n in 0..12 {
        group.push(world.start(Owner::Connector, vec![large(&format!("e{n}"))]));
    }
    held.execute_batch("ROLLBACK").unwrap();
    wait(first).unwrap();
    for answer in group {
        let answer = wait(answer);
        assert!(matches!(&answer, Err(CommitError::Unavailable(w)) if w.contains("disk is full")), "{answer:?}");
    }
    assert_eq!(world.number("SELECT count(*) FROM inbox"), 1);
    world.connector(vec![put("beside"), audit("x", &id("beside"))]).unwrap();
    assert!(store::verify(world.folder.path()).unwrap().is_clean());
}

#[test]
fn another_program_that_holds_the_file_is_named_and_waited_for_but_not_for_ever() {
    let world = World::new();
    let held = world.sql();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = world.connector(vec![put("a")]).unwrap_err();
    assert!(matches!(&refused, CommitError::Unavailable(w) if w.contains("another program holds")), "{refused}");
    held.execute_batch("ROLLBACK").unwrap();
    world.connector(vec![put("a")]).unwrap();
}

#[test]
fn a_file_that_is_damaged_while_it_is_open_ends_no_thread() {
    let world = World::new();
    for n in 0..200 {
        world.connector(vec![large(&format!("e{n}"))]).unwrap();
    }
    let sql = world.sql();
    sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(world.file()).unwrap();
    let bytes = file.metadata().unwrap().len();
    for at in (4_096..bytes).step_by(4_096) {
        std::os::unix::fs::FileExt::write_all_at(&file, &[0xff; 64], at).unwrap();
    }
    // A program that has read before keeps what it read; both answer, be it with an error.
    drop(world.query(Query::Inbound { ids: (0..200).map(|n| id(&format!("e{n}"))).collect() }));
    let answers: Vec<_> = (0..5).map(|n| world.connector(vec![put(&format!("late{n}"))])).collect();
    assert!(answers.iter().any(Result::is_err), "{answers:?}");
    assert!(!world.store.health().writable);
    assert!(world.store.health().last_error.contains("restore a backup"));
    assert!(world.store.close().is_err());
}

#[test]
fn a_reader_that_failed_reads_again_once_the_file_is_back() {
    let world = World::new();
    world.put("a");
    let away = world.folder.path().join("away");
    std::fs::rename(world.file(), &away).unwrap();
    // No reader has the file open yet.
    let failed = world.query(Query::Counts);
    std::fs::rename(&away, world.file()).unwrap();
    assert!(failed.is_err(), "{failed:?}");
    let Rows::Counts(counts) = world.query(Query::Counts).unwrap() else { panic!("other rows") };
    assert_eq!(counts.accepted, 1);
}
