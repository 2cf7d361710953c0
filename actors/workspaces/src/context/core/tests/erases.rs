//! Words that are erased without a delete: past their time, or of a person who is forgotten.

use messages::store::InboundKind::Message;
use messages::store::{OutboxState, Write};
use messages::turn::Outcome;
use rstest::rstest;

use super::sim::Sim;

#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    Waiting,
    Queued,
    Running,
    OnItsWay,
    Settled,
}

/// Bob's words, and ann's beside them.
fn said(when: When) -> (Sim, i64, i64) {
    let mut sim = Sim::new("");
    let ann = sim.say("ann", "kind words");
    if when != When::Queued {
        sim.finish(false);
        sim.deliver(OutboxState::Sent);
    }
    let bob = sim.put("bob", Message, "secret words", None);
    if when != When::Waiting {
        sim.wake();
    }
    if matches!(when, When::OnItsWay | When::Settled) {
        sim.finish(false);
    }
    if when == When::Settled {
        sim.deliver(OutboxState::Sent);
    }
    (sim, bob, ann)
}

#[rstest]
#[case(When::Waiting, Outcome::Cancelled)]
#[case(When::Queued, Outcome::Cancelled)]
#[case(When::Running, Outcome::Cancelled)]
#[case(When::OnItsWay, Outcome::Replied)]
#[case(When::Settled, Outcome::Replied)]
fn words_of_a_person_who_is_forgotten_are_gone_and_nobody_elses(#[case] when: When, #[case] outcome: Outcome) {
    let (mut sim, bob, ann) = said(when);
    sim.model.marks.insert(bob, false);
    sim.wake();
    assert!(sim.model.row(bob).redacted, "also an answer that nobody takes loses its words");
    sim.drain();
    sim.assert_promises();
    assert_eq!((sim.model.outcome(bob), sim.model.outcome(ann)), (Some(outcome), Some(Outcome::Replied)));
    let words = sim.all_words();
    assert!(!words.contains("secret words") && !words.contains(&format!("answer to {bob}")), "{words}");
    assert!(words.contains("kind words") && words.contains(&format!("answer to {ann}")), "{words}");
    assert!(sim.model.marks.is_empty());
}

#[test]
fn what_is_being_sent_arrives_before_it_is_erased() {
    let (mut sim, bob, _) = said(When::OnItsWay);
    sim.model.outbox.iter_mut().filter(|row| row.seq == bob).for_each(|row| row.state = OutboxState::Sending);
    sim.model.marks.insert(bob, false);
    sim.wake();
    assert!(!sim.model.row(bob).redacted);
    sim.deliver(OutboxState::Sent);
    sim.drain();
    sim.assert_promises();
    assert!(sim.model.row(bob).redacted && !sim.all_words().contains("secret"));
}

#[test]
fn a_hundred_events_past_their_time_are_erased_by_pages() {
    let mut sim = Sim::new("");
    for n in 0..100 {
        sim.say("ann", &format!("words number {n}"));
        sim.finish(false);
        sim.deliver(OutboxState::Sent);
    }
    sim.drain();
    sim.model.marks.extend((1..=99).map(|seq| (seq, true)));
    sim.wrote.clear();
    sim.wake();
    let erased = |write: &&Write| matches!(write, Write::Retention(_));
    assert_eq!(sim.wrote.iter().filter(erased).count(), 99);
    let told = |write: &&Write| matches!(write, Write::Audit { action, .. } if action == "words.erased");
    assert_eq!(sim.wrote.iter().filter(told).count(), 4, "one record a page");
    sim.drain();
    sim.assert_promises();
    let words = sim.all_words();
    assert!(words.contains("words number 99") && !words.contains("words number 98"), "{words}");
}

/// The process ends at each point in between, and the words are gone all the same.
#[test]
fn an_end_at_any_point_erases_the_same() {
    for (points, when) in
        (0..30).flat_map(|n| [When::Queued, When::Running, When::OnItsWay, When::Settled].map(|w| (n, w)))
    {
        let (mut sim, bob, _) = said(when);
        sim.model.marks.insert(bob, false);
        sim.fuse = Some(points);
        sim.wake();
        sim.drain();
        sim.assert_promises();
        assert!(sim.model.row(bob).redacted && sim.model.marks.is_empty(), "{when:?} {points}");
        let words = sim.all_words();
        assert!(!words.contains("secret words") && words.contains("kind words"), "{when:?} {points}: {words}");
    }
}
