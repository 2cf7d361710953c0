//! A writer that fails at each marker: every commit is answered with what is true, and the store goes on.

use messages::store::{CommitError, Owner, Query};
use rstest::rstest;

use crate::world::{World, audit, id, put, until};

#[rstest]
#[case("store.group.begin", false)]
#[case("store.before_commit", false)]
#[case("store.after_commit", true)]
fn a_writer_that_fails_in_a_group_answers_what_the_file_says(#[case] marker: &str, #[case] written: bool) {
    let scenario = fail::FailScenario::setup();
    let world = World::new();
    world.connector(vec![put("a"), audit("x", &id("a"))]).unwrap();
    fail::cfg(marker, "1*panic(here)").unwrap();
    let answer = world.connector(vec![put("b"), audit("y", &id("b"))]);
    match answer {
        Ok(done) => assert!(written && done.inbox[0].seq == 2),
        Err(CommitError::Unavailable(words)) => {
            assert!(!written && words.contains("the writer failed"), "{words}");
        }
        Err(other) => panic!("{other}"),
    }
    assert_eq!(world.accept(put("b")).duplicate, written);
    world.connector(vec![audit("z", &id("b"))]).unwrap();
    assert!(world.store.health().writable);
    assert!(store::verify(world.folder.path()).unwrap().is_clean());
    scenario.teardown();
}

#[test]
fn a_writer_that_fails_between_commit_and_answer_says_that_it_is_not_known_and_is_started_again() {
    let scenario = fail::FailScenario::setup();
    let world = World::new();
    fail::cfg("store.before_answer", "1*panic(here)").unwrap();
    let answer = world.connector(vec![put("a")]);
    assert!(matches!(answer, Err(CommitError::Unknown(_))), "{answer:?}");
    assert!(world.accept(put("a")).duplicate);
    let health = world.store.health();
    assert_eq!((health.restarts, health.writable), (1, true));
    scenario.teardown();
}

#[test]
fn while_the_file_is_gone_commits_are_refused_and_it_goes_on_by_itself_when_it_is_back() {
    let scenario = fail::FailScenario::setup();
    let world = World::new();
    world.put("a");
    let (file, away) = (world.file(), world.folder.path().join("away"));
    let (from, to) = (file.clone(), away.clone());
    fail::cfg_callback("store.before_commit", move || {
        std::fs::rename(&from, &to).unwrap();
        panic!("the disk is gone");
    })
    .unwrap();
    let answer = world.commit(Owner::Connector, vec![put("b")]);
    assert!(matches!(&answer, Err(CommitError::Unknown(w)) if w.contains("the disk is gone")), "{answer:?}");
    fail::remove("store.before_commit");
    let refused = world.commit(Owner::Connector, vec![put("c")]);
    assert!(matches!(refused, Err(CommitError::Unavailable(_))), "{refused:?}");
    assert!(!world.store.health().writable);
    std::fs::rename(&away, &file).unwrap();
    until("it writes again", || world.commit(Owner::Connector, vec![put("c")]).is_ok());
    assert!(world.store.health().writable);
    // What was not known is known again: it had not been written.
    assert!(!world.accept(put("b")).duplicate);
    assert!(world.query(Query::Counts).is_ok());
    scenario.teardown();
}
