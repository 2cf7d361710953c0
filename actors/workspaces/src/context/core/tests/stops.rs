//! `/stop`, late results, slow work that died.

use messages::store::{InboundKind, OutboxState};
use messages::turn::Outcome;
use runtime::{AskId, SlowKey};

use super::super::super::Context;
use super::super::{Event, QUEUE_MAX};
use super::sim::Sim;

#[test]
fn a_stop_cancels_the_running_turn_alone_and_the_next_one_begins() {
    let mut sim = Sim::new("");
    let (first, second) = (sim.say("ann", "one"), sim.say("ann", "two"));
    let stop = sim.control("ann", InboundKind::Stop, "/stop", None);
    assert_eq!(sim.slow.as_ref().map(super::sim::Slow::seq), Some(second));
    sim.late_result(first);
    sim.drain();
    let outcomes = [first, stop, second].map(|seq| sim.model.outcome(seq));
    assert_eq!(outcomes, [Outcome::Cancelled, Outcome::Replied, Outcome::Replied].map(Some));
    assert_eq!(sim.model.replies_to(first)[0].text, "Stopped.");
    sim.assert_promises();
}

#[test]
fn a_stop_with_nothing_to_stop_says_so() {
    let mut sim = Sim::new("");
    let stop = sim.control("ann", InboundKind::Stop, "/stop", None);
    sim.drain();
    assert_eq!(sim.model.replies_to(stop)[0].text, "Nothing runs here now.");
    assert_eq!(sim.model.outcome(stop), Some(Outcome::Replied));
}

#[test]
fn a_stop_reaches_a_turn_that_had_begun_before_a_crash() {
    let mut sim = Sim::new("");
    let turn = sim.say("ann", "long work");
    sim.put("ann", InboundKind::Stop, "/stop", None);
    sim.crash();
    sim.drain();
    assert_eq!(sim.model.outcome(turn), Some(Outcome::Cancelled));
    sim.assert_promises();
}

#[test]
fn a_member_stops_no_turn_of_another() {
    let mut sim = Sim::new("");
    let turn = sim.say("ann", "one");
    let stop = sim.control("bob", InboundKind::Stop, "/stop", None);
    assert_eq!(sim.slow.as_ref().map(super::sim::Slow::seq), Some(turn));
    sim.drain();
    assert_eq!([turn, stop].map(|seq| sim.model.outcome(seq)), [Outcome::Replied, Outcome::Denied].map(Some));
}

#[test]
fn work_that_died_is_a_failure_that_the_person_is_told_of() {
    let mut sim = Sim::new("");
    let turn = sim.say("ann", "one");
    sim.slow = None;
    sim.hear(<Context as runtime::Entity>::slow_died(SlowKey(turn), "index out of bounds"));
    sim.drain();
    assert_eq!(sim.model.outcome(turn), Some(Outcome::Failed));
    assert!(sim.model.replies_to(turn)[0].text.contains("index out of bounds"));
    sim.assert_promises();
}

#[test]
fn more_messages_than_fit_into_memory_are_all_answered_in_order() {
    let mut sim = Sim::new("");
    let seqs: Vec<_> = (0..QUEUE_MAX * 3).map(|n| sim.put("ann", InboundKind::Message, &n.to_string(), None)).collect();
    sim.wake();
    assert!(sim.state.as_ref().unwrap().queue.len() <= QUEUE_MAX, "the rest waits in the store");
    // Only results from here on: nobody wakes it for what is left.
    while sim.slow.is_some() {
        sim.finish(false);
    }
    let answered: Vec<_> = sim.model.outbox.iter().map(|reply| reply.seq).collect();
    assert_eq!(answered, seqs);
    sim.drain();
    sim.assert_promises();
}

#[test]
fn commands_are_answered_at_once_and_also_a_store_full_of_them_ends() {
    let mut sim = Sim::new("");
    for _ in 0..QUEUE_MAX * 2 {
        sim.put("ann", InboundKind::Message, "/help", None);
    }
    sim.wake();
    assert_eq!(sim.model.outbox.len(), QUEUE_MAX * 2, "one wake is enough");
    sim.drain();
    sim.assert_promises();
}

#[test]
fn a_control_event_is_heard_while_the_queue_is_full() {
    let mut sim = Sim::new("");
    for n in 0..QUEUE_MAX * 2 {
        sim.put("ann", InboundKind::Message, &n.to_string(), None);
    }
    sim.wake();
    let stop = sim.control("ann", InboundKind::Stop, "/stop", None);
    assert_eq!(sim.model.replies_to(stop).len(), 1);
    sim.drain();
    sim.assert_promises();
}

#[test]
fn a_fresh_conversation_looks_at_nothing_that_was_said_before_also_after_a_crash() {
    let mut sim = Sim::new("");
    sim.say("ann", "old words");
    sim.finish(false);
    sim.say("ann", "/new");
    for crash in [false, true] {
        if crash {
            sim.drain();
            sim.crash();
        }
        sim.say("ann", "new words");
        let history = format!("{:?}", sim.slow.as_ref().unwrap().ask().history);
        assert!(!history.contains("old words") && !history.contains("answer to 1"), "{history}");
        sim.finish(false);
    }
}

#[test]
fn a_turn_begun_again_after_a_crash_has_its_own_words_once() {
    let mut sim = Sim::new("");
    sim.say("ann", "before");
    sim.finish(false);
    sim.say("ann", "the question");
    let asked =
        |sim: &Sim| sim.slow.as_ref().map(|slow| format!("{:?} {}", slow.ask().history, slow.ask().question)).unwrap();
    let first = asked(&sim);
    sim.crash();
    sim.wake();
    assert_eq!(first, asked(&sim));
    sim.drain();
    sim.assert_promises();
}

#[test]
fn a_reply_that_failed_or_is_in_doubt_is_the_outcome() {
    for (how, outcome) in [(OutboxState::Failed, Outcome::Failed), (OutboxState::InDoubt, Outcome::InDoubt)] {
        let mut sim = Sim::new("");
        let seq = sim.say("ann", "/help");
        sim.deliver(how);
        assert_eq!(sim.model.outcome(seq), Some(outcome));
        assert!(sim.model.row(seq).reason.contains("the line broke"));
        sim.drain();
        sim.assert_promises();
    }
}

#[test]
fn describing_looks_at_the_files_first() {
    let mut sim = Sim::new("");
    sim.hear(Event::Describe(AskId(1)));
    let before = sim.state.as_ref().unwrap().view().definition;
    sim.definition = "Other words altogether.".into();
    sim.hear(Event::Describe(AskId(2)));
    assert_ne!(before, sim.state.as_ref().unwrap().view().definition);
}
