//! What policy says of people, and what a broken file changes: nothing.

use messages::store::InboundKind;
use messages::turn::Outcome;
use rstest::rstest;

use super::sim::Sim;

const PEOPLE: &str = "members: [ann, bob]\nignore: [spam]";

#[rstest]
#[case::a_member("bob", "hello", Outcome::Replied, 1)]
#[case::a_stranger("eve", "hello", Outcome::Denied, 1)]
#[case::a_stranger_with_a_command("eve", "/search plan", Outcome::Denied, 1)]
#[case::one_who_is_ignored("spam", "hello", Outcome::Ignored, 0)]
#[case::one_who_is_ignored_stops_nothing("spam", "/stop", Outcome::Ignored, 0)]
fn everyone_gets_what_policy_says(
    #[case] user: &str,
    #[case] text: &str,
    #[case] outcome: Outcome,
    #[case] replies: usize,
) {
    let mut sim = Sim::new(PEOPLE);
    let seq = sim.say(user, text);
    sim.drain();
    sim.assert_promises();
    assert_eq!((sim.model.outcome(seq), sim.model.replies_to(seq).len()), (Some(outcome), replies));
    let turn = sim.model.row(seq).turn.as_ref().unwrap();
    assert!(!turn.rules.is_empty() && turn.principal.user == user);
}

#[test]
fn where_talk_is_not_answered_it_is_noted_and_remembered_and_commands_are_answered() {
    let mut sim = Sim::new("answers: never");
    let (talk, command) = (sim.say("ann", "by the way"), sim.say("ann", "/search plan"));
    let remembered = format!("{:?}", sim.state.as_ref().unwrap().tail);
    assert!(remembered.contains("by the way"));
    sim.drain();
    sim.assert_promises();
    assert_eq!([talk, command].map(|seq| sim.model.outcome(seq)), [Outcome::Noted, Outcome::Replied].map(Some));
    assert!(sim.all_words().contains("by the way"));
}

#[test]
fn a_broken_file_leaves_the_last_good_version_in_force() {
    let mut sim = Sim::new(PEOPLE);
    sim.say("bob", "hello");
    sim.definition = "---\nmembers: [\n---\n".into();
    let stranger = sim.say("eve", "hello");
    sim.crash();
    let again = sim.say("eve", "hello again");
    sim.drain();
    assert_eq!([stranger, again].map(|seq| sim.model.outcome(seq)), [Outcome::Denied; 2].map(Some));
    assert!(sim.state.as_ref().unwrap().view().broken.is_some());
}

#[test]
fn a_turn_keeps_what_was_fixed_when_it_was_taken() {
    let mut sim = Sim::new("paths: ['notes/**']");
    sim.say("ann", "first");
    let queued = sim.say("ann", "second");
    sim.definition = "---\npaths: ['private/plans/**']\n---\n".into();
    let later = sim.say("ann", "third");
    sim.crash();
    sim.drain();
    let paths = |seq| sim.model.row(seq).turn.as_ref().unwrap().scope.paths.clone();
    assert_eq!((paths(queued), paths(later)), (vec!["notes/**".to_owned()], vec!["private/plans/**".to_owned()]));
}

#[test]
fn an_event_that_names_itself_or_nobody_is_dealt_with_like_one_that_names_the_unknown() {
    let mut sim = Sim::new("");
    let about_itself = i64::try_from(sim.model.inbox.len()).unwrap() + 1;
    let event = format!("s:{about_itself}");
    let at = sim.now;
    let seq = sim.model.put(&event, "ann", (InboundKind::Delete, Some(&event), ""), at);
    let edit = sim.model.put("s:9", "ann", (InboundKind::Edit, Some("s:9"), "myself"), at);
    sim.wake();
    sim.drain();
    sim.assert_promises();
    assert_eq!([seq, edit].map(|seq| sim.model.outcome(seq)), [Outcome::Noted, Outcome::Replied].map(Some));
}
