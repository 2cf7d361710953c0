//! Deletes: the words are gone from the store, the log and memory, whenever they are deleted.

use messages::store::InboundKind::{Delete, Message};
use messages::store::{InboxState, OutboxState, Write};
use messages::turn::Outcome;
use rstest::rstest;

use super::sim::Sim;

#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    ReadTogether,
    Queued,
    Running,
    OnItsWay,
    Settled,
}

fn deleted(when: When) -> (Sim, i64, i64) {
    let mut sim = Sim::new("");
    if when == When::Queued {
        sim.say("ann", "first");
    }
    let target = sim.put("ann", Message, "secret words", None);
    if when != When::ReadTogether {
        sim.wake();
    }
    if matches!(when, When::OnItsWay | When::Settled) {
        sim.finish(false);
    }
    if when == When::Settled {
        sim.deliver(OutboxState::Sent);
    }
    let delete = sim.control("ann", Delete, "", Some(target));
    (sim, target, delete)
}

#[rstest]
#[case(When::ReadTogether, Outcome::Cancelled)]
#[case(When::Queued, Outcome::Cancelled)]
#[case(When::Running, Outcome::Cancelled)]
#[case(When::OnItsWay, Outcome::Replied)]
#[case(When::Settled, Outcome::Replied)]
fn deleted_words_are_gone_and_their_event_has_its_outcome(#[case] when: When, #[case] outcome: Outcome) {
    let (mut sim, target, delete) = deleted(when);
    sim.drain();
    sim.assert_promises();
    assert_eq!([target, delete].map(|seq| sim.model.outcome(seq)), [outcome, Outcome::Noted].map(Some));
    let words = sim.all_words();
    assert!(!words.contains("secret words") && !words.contains(&format!("answer to {target}")), "{words}");
    assert!(sim.model.row(target).redacted);
}

#[test]
fn while_the_answer_is_on_its_way_a_delete_waits_for_it() {
    let (mut sim, target, delete) = deleted(When::OnItsWay);
    assert_eq!(sim.model.row(delete).state, InboxState::Waiting);
    assert!(!sim.model.row(target).redacted, "what is being sent is not changed");
    sim.deliver(OutboxState::InDoubt);
    sim.wake();
    assert_eq!((sim.model.outcome(target), sim.model.row(target).redacted), (Some(Outcome::InDoubt), true));
}

#[rstest]
#[case(When::Running)]
#[case(When::Queued)]
fn a_result_that_comes_after_the_delete_is_dropped(#[case] when: When) {
    let (mut sim, target, _) = deleted(when);
    assert_ne!(sim.slow.as_ref().map(super::sim::Slow::seq), Some(target));
    sim.late_result(target);
    assert!(sim.model.replies_to(target).is_empty());
}

#[test]
fn what_is_deleted_twice_is_deleted_once_and_both_have_their_outcome() {
    for together in [true, false] {
        let mut sim = Sim::new("");
        let target = sim.put("ann", Message, "secret words", None);
        let deletes = [sim.put("ann", Delete, "", Some(target)), sim.put("ann", Delete, "", Some(target))];
        if !together {
            sim.wake();
        }
        let third = sim.control("ann", Delete, "", Some(target));
        sim.drain();
        sim.assert_promises();
        assert_eq!(deletes.map(|seq| sim.model.outcome(seq)), [Some(Outcome::Noted); 2]);
        assert_eq!(sim.model.outcome(third), Some(Outcome::Noted));
    }
}

#[test]
fn nobody_deletes_the_words_of_another() {
    let mut sim = Sim::new("");
    let target = sim.say("bob", "bob's words");
    let delete = sim.control("ann", Delete, "", Some(target));
    sim.drain();
    assert_eq!([target, delete].map(|seq| sim.model.outcome(seq)), [Outcome::Replied, Outcome::Noted].map(Some));
    assert_eq!(sim.model.row(target).text, "bob's words");
}

#[test]
fn deleted_words_are_not_remembered_by_the_next_turn_nor_after_a_crash() {
    let (mut sim, ..) = deleted(When::Settled);
    for crash in [false, true] {
        if crash {
            sim.crash();
        }
        sim.say("ann", "what did I say?");
        let history = format!("{:?}", sim.slow.as_ref().unwrap().ask().history);
        assert!(!history.contains("secret words") && !history.contains("answer to 1"), "{history}");
        sim.finish(false);
    }
}

#[test]
fn a_process_that_ends_before_the_log_is_erased_erases_it_at_its_next_start() {
    let (mut sim, target, _) = deleted(When::OnItsWay);
    sim.deliver(OutboxState::Sent);
    sim.pass(10_000);
    assert!(sim.all_words().contains("secret words"));
    // The delete's commit is the last thing that happens: one point for the read, one before the commit, one after it.
    let mut erased_later = false;
    for fuse in 0..12 {
        let mut sim = Sim::new("");
        let target = sim.say("ann", "secret words");
        sim.finish(false);
        sim.deliver(OutboxState::Sent);
        sim.pass(10_000);
        sim.fuse = Some(fuse);
        sim.control("ann", Delete, "", Some(target));
        let crashed = sim.state.is_none();
        let in_file = || sim.disk.has("secret words");
        erased_later |= crashed && sim.model.row(target).redacted && in_file();
        sim.drain();
        sim.assert_promises();
        assert!(!sim.all_words().contains("secret words"), "fuse {fuse}");
    }
    assert!(erased_later, "the case was met");
    assert!(target > 0);
}

#[test]
fn a_log_that_cannot_be_written_is_erased_when_it_can() {
    let mut sim = Sim::new("");
    let target = sim.say("ann", "secret words");
    sim.drain();
    sim.disk.fails = true;
    sim.control("ann", Delete, "", Some(target));
    sim.pass(60_000);
    assert!(sim.disk.has("secret words"));
    sim.disk.fails = false;
    sim.pass(60_000);
    assert!(!sim.all_words().contains("secret words"));
    sim.drain();
    sim.assert_promises();
}

#[test]
fn what_a_delete_writes_names_no_words() {
    let mut sim = Sim::new("");
    let target = sim.say("ann", "secret words");
    sim.wrote.clear();
    sim.control("ann", Delete, "", Some(target));
    let audit = sim.wrote.iter().filter(|write| matches!(write, Write::Audit { .. }));
    assert!(audit.clone().count() > 0 && audit.into_iter().all(|write| !format!("{write:?}").contains("secret")));
}
