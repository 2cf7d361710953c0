//! Edits: before the turn, during it, after it.

use messages::store::InboundKind::{Delete, Edit, Message};
use messages::store::OutboxState;
use messages::turn::Outcome;
use rstest::rstest;

use super::sim::Sim;

/// An edit's reason and its own outcome, and the outcome of what it was about.
fn ends(sim: &mut Sim, target: i64, edit: i64) -> (Option<Outcome>, Option<Outcome>) {
    sim.drain();
    sim.assert_promises();
    (sim.model.outcome(target), sim.model.outcome(edit))
}

fn asked(sim: &Sim) -> String {
    sim.slow.as_ref().map(|slow| slow.ask().question.clone()).unwrap_or_default()
}

const REPLIED_NOTED: (Option<Outcome>, Option<Outcome>) = (Some(Outcome::Replied), Some(Outcome::Noted));

#[rstest]
#[case::read_together(false)]
#[case::in_the_queue(true)]
fn before_its_turn_the_new_words_take_the_place_of_the_old(#[case] queued: bool) {
    let mut sim = Sim::new("");
    sim.say("ann", "first");
    let target = sim.put("ann", Message, "old words", None);
    if queued {
        sim.wake();
    }
    let edit = sim.control("ann", Edit, "new words", Some(target));
    sim.finish(false);
    assert_eq!(asked(&sim), "new words");
    assert_eq!(ends(&mut sim, target, edit), REPLIED_NOTED);
    assert!(!sim.all_words().contains("old words"));
}

#[test]
fn of_several_edits_before_the_turn_the_last_one_counts() {
    let mut sim = Sim::new("");
    let target = sim.put("ann", Message, "one", None);
    for text in ["two", "three", "four"] {
        sim.put("ann", Edit, text, Some(target));
    }
    sim.wake();
    assert_eq!(asked(&sim), "four");
    sim.drain();
    sim.assert_promises();
}

#[test]
fn new_words_that_policy_refuses_are_refused() {
    let mut sim = Sim::new("answers: never");
    sim.say("ann", "/search first");
    let target = sim.say("ann", "/search second");
    let edit = sim.control("ann", Edit, "just talk", Some(target));
    let (noted, _) = ends(&mut sim, target, edit);
    assert_eq!(noted, Some(Outcome::Noted), "in the way of its verdict, without a reply");
    assert!(sim.model.replies_to(target).is_empty());
}

#[test]
fn during_its_turn_an_edit_follows_as_a_turn_of_its_own() {
    let mut sim = Sim::new("edits: follow");
    let target = sim.say("ann", "old words");
    let edit = sim.control("ann", Edit, "new words", Some(target));
    assert_eq!(asked(&sim), "old words");
    sim.finish(false);
    assert_eq!(asked(&sim), "new words");
    assert_eq!(ends(&mut sim, target, edit), (Some(Outcome::Replied), Some(Outcome::Replied)));
}

#[test]
fn during_its_turn_an_edit_restarts_it_in_front_of_what_waits() {
    let mut sim = Sim::new("edits: restart");
    let target = sim.say("ann", "old words");
    let waits = sim.say("ann", "another");
    let edit = sim.control("ann", Edit, "new words", Some(target));
    assert_eq!(asked(&sim), "new words");
    sim.late_result(target);
    assert_eq!(ends(&mut sim, target, edit), (Some(Outcome::Cancelled), Some(Outcome::Replied)));
    assert_eq!(sim.model.outcome(waits), Some(Outcome::Replied));
    assert!(sim.model.replies_to(target).is_empty());
}

#[rstest]
#[case::follow("follow", Outcome::Replied)]
#[case::restart("restart", Outcome::Cancelled)]
fn a_turn_that_had_begun_before_a_crash_is_still_a_turn_that_runs(#[case] edits: &str, #[case] outcome: Outcome) {
    let mut sim = Sim::new(&format!("edits: {edits}"));
    let target = sim.say("ann", "old words");
    let edit = sim.put("ann", Edit, "new words, more of them", Some(target));
    sim.crash();
    assert_eq!(ends(&mut sim, target, edit), (Some(outcome), Some(Outcome::Replied)));
}

#[rstest]
#[case::on_its_way(false)]
#[case::delivered(true)]
fn after_the_answer_an_edit_is_noted_and_stands_in_the_log(#[case] delivered: bool) {
    let mut sim = Sim::new("");
    let target = sim.say("ann", "old words");
    sim.finish(false);
    if delivered {
        sim.deliver(OutboxState::Sent);
    }
    let edit = sim.control("ann", Edit, "new words", Some(target));
    assert_eq!(ends(&mut sim, target, edit), REPLIED_NOTED);
    assert!(sim.all_words().contains("new words") && sim.all_words().contains("old words"));
}

#[test]
fn an_edit_of_what_is_not_known_is_a_message() {
    let mut sim = Sim::new("");
    let others = sim.say("bob", "bob's words");
    sim.finish(false);
    let edit = sim.control("ann", Edit, "not mine", Some(others));
    assert_eq!(asked(&sim), "not mine");
    assert_eq!(ends(&mut sim, others, edit), (Some(Outcome::Replied), Some(Outcome::Replied)));
    assert_eq!(sim.model.row(others).text, "bob's words");
}

#[test]
fn an_edit_and_a_delete_that_are_read_together_leave_no_words() {
    let mut sim = Sim::new("");
    let target = sim.put("ann", Message, "old words", None);
    let edit = sim.put("ann", Edit, "new words", Some(target));
    let delete = sim.put("ann", Delete, "", Some(target));
    let late = sim.put("ann", Edit, "/help", Some(target));
    sim.wake();
    sim.drain();
    sim.assert_promises();
    let outcomes = [target, edit, delete, late].map(|seq| sim.model.outcome(seq));
    assert_eq!(outcomes, [Outcome::Cancelled, Outcome::Noted, Outcome::Noted, Outcome::Noted].map(Some));
    assert!(!sim.all_words().contains("old words") && !sim.all_words().contains("new words"));
}

#[test]
fn who_is_ignored_writes_nothing_into_the_log_by_an_edit() {
    let mut sim = Sim::new("ignore: [spam]");
    let target = sim.say("spam", "buy now");
    let edit = sim.control("spam", Edit, "buy two", Some(target));
    assert_eq!(ends(&mut sim, target, edit), (Some(Outcome::Ignored), Some(Outcome::Ignored)));
    assert!(sim.disk.is_empty());
}
