//! What an open compares of its logs, and what it leaves to their date.

use messages::store::InboundKind::{Delete, Message};
use messages::store::{LogRow, OutboxState, Write};

use super::super::Event;
use super::files::Hand;
use super::sim::Sim;

fn log(sim: &Sim) -> LogRow {
    sim.model.logs.values().next().unwrap().clone()
}

/// A conversation of which all but the last turn is synced, and no process.
fn killed() -> Sim {
    let mut sim = Sim::new("");
    for n in 0..20 {
        sim.say("ann", &format!("words number {n}"));
        sim.finish(false);
        sim.deliver(OutboxState::Sent);
    }
    sim.pass(5_000);
    assert_eq!(log(&sim).synced, log(&sim).size);
    sim.say("ann", "the last words");
    sim.finish(false);
    sim.crash();
    sim.disk.compared.clear();
    sim
}

fn told_aside(sim: &Sim) -> usize {
    let tells = |write: &&Write| matches!(write, Write::Audit { action, .. } if action == "log.set_aside");
    sim.wrote.iter().filter(tells).count()
}

#[test]
fn a_turn_goes_on_after_a_kill_when_what_is_behind_the_synced_mark_was_compared() {
    let mut sim = killed();
    let mark = log(&sim).synced;
    sim.say("ann", "new words");
    assert!(!sim.disk.compared.is_empty() && sim.disk.compared.iter().all(|at| *at >= mark), "{:?}", sim.disk.compared);
    assert_eq!(log(&sim).synced, mark, "nothing more counts as synced");
    assert!(sim.slow.is_some(), "the turn runs");
    sim.disk.compared.clear();
    sim.pass(5_000);
    let places: Vec<u64> = sim.model.entries_of(&log(&sim).log).iter().map(|entry| entry.offset).collect();
    let before: Vec<u64> = places.into_iter().filter(|at| *at < mark).collect();
    assert_eq!(sim.disk.compared, before, "each once, and then it is synced");
    assert_eq!(log(&sim).synced, log(&sim).size);
}

#[test]
fn an_edit_before_the_mark_is_told_at_the_date_also_by_who_opens_after_another_kill() {
    for kills in 0..3 {
        let mut sim = killed();
        sim.edit_by_hand(Hand::Over, 30);
        for _ in 0..kills {
            sim.wake();
            assert_eq!((sim.disk.aside.len(), log(&sim).synced < log(&sim).size), (0, true));
            sim.crash();
        }
        sim.say("ann", "new words");
        sim.pass(5_000);
        assert_eq!((sim.disk.aside.len(), told_aside(&sim)), (1, 1));
        assert!(String::from_utf8_lossy(&sim.disk.aside[0]).contains("new words"));
        sim.drain();
        sim.assert_promises();
    }
}

#[test]
fn a_proof_that_a_kill_cuts_off_begins_again() {
    for fuse in 0..40 {
        let mut sim = killed();
        sim.edit_by_hand(Hand::Over, usize::try_from(log(&sim).synced).unwrap() - 40);
        sim.wake();
        sim.fuse = Some(fuse);
        sim.pass(5_000);
        sim.drain();
        assert_eq!(sim.disk.aside.len(), 1, "fuse {fuse}");
        sim.assert_promises();
    }
}

#[test]
fn an_edit_that_is_still_to_be_found_is_set_aside_before_words_are_erased_over_it() {
    for by_delete in [true, false] {
        let mut sim = killed();
        sim.edit_by_hand(Hand::Over, 30);
        sim.wake();
        assert!(sim.disk.aside.is_empty());
        if by_delete {
            sim.control("ann", Delete, "", Some(9));
        } else {
            sim.model.marks.insert(9, true);
            sim.wake();
        }
        assert_eq!((sim.disk.aside.len(), told_aside(&sim)), (1, 1));
        sim.drain();
        sim.assert_promises();
        assert!(!sim.all_words().contains("words number 8\n"));
    }
}

#[test]
fn a_disk_that_fails_at_open_leaves_all_of_it_to_be_found() {
    let mut sim = killed();
    sim.edit_by_hand(Hand::Over, 30);
    sim.tear(0, true);
    sim.disk.fails = true;
    sim.put("ann", Message, "more words", None);
    sim.wake();
    sim.pass(5_000);
    assert!(sim.disk.aside.is_empty());
    sim.disk.fails = false;
    sim.drain();
    assert_eq!((sim.disk.aside.len(), told_aside(&sim)), (1, 1));
    sim.assert_promises();
}

#[test]
fn a_sync_that_was_asked_for_before_words_were_erased_does_not_count() {
    // The first sync of a log, and a later one.
    for is_first in [true, false] {
        let mut sim = Sim::new("");
        sim.say("ann", "words number 1");
        sim.finish(false);
        sim.deliver(OutboxState::Sent);
        if !is_first {
            sim.drain();
        }
        let asked = log(&sim);
        assert_eq!(asked.synced, if is_first { 0 } else { asked.size });
        sim.state.as_mut().unwrap().logs.values_mut().for_each(|log| log.is_syncing = true);
        sim.control("ann", Delete, "", Some(1));
        let stamp = sim.disk.stamp(&asked.log);
        sim.hear(Event::LogSynced { log: asked.log.clone(), synced: stamp.size, stamp });
        assert_eq!(log(&sim).synced, 0, "a kill before the words are erased in the file would leave them there");
        sim.drain();
        sim.assert_promises();
    }
}
