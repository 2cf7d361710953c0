//! What waits too long is told so, whatever the clock does.

use messages::store::InboundKind::Message;
use messages::turn::Outcome;
use rstest::rstest;

use super::super::EXPIRE;
use super::sim::Sim;

const WAIT_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// A turn that runs and one that waits for it.
fn waiting() -> (Sim, i64, i64) {
    let mut sim = Sim::new("limits: {wait_seconds: 60}");
    let (running, waits) = (sim.say("ann", "long work"), sim.say("ann", "waits"));
    (sim, running, waits)
}

#[rstest]
#[case::in_time(WAIT_MS, None)]
#[case::too_late(WAIT_MS + 1, Some(Outcome::Expired))]
fn a_turn_that_waits_longer_than_the_limit_expires_and_the_person_is_told(
    #[case] ms: i64,
    #[case] expired: Option<Outcome>,
) {
    let (mut sim, running, waits) = waiting();
    sim.pass(ms);
    let replies = sim.model.replies_to(waits);
    assert_eq!(replies.first().and_then(|reply| reply.outcome), expired);
    assert_eq!(sim.slow.as_ref().map(super::sim::Slow::seq), Some(running), "what runs is not touched");
    sim.drain();
    sim.assert_promises();
    assert_eq!(sim.model.outcome(waits), expired.or(Some(Outcome::Replied)));
}

#[test]
fn the_date_of_the_oldest_that_waits_is_a_row_and_survives_a_crash() {
    let (mut sim, _, waits) = waiting();
    let due = sim.model.row(waits).received_at.plus_ms(WAIT_MS + 1);
    assert_eq!(sim.model.timers.get(EXPIRE), Some(&due));
    sim.crash();
    sim.pass(WAIT_MS + 1);
    sim.drain();
    assert_eq!(sim.model.outcome(waits), Some(Outcome::Expired));
    sim.assert_promises();
}

#[test]
fn what_was_taken_late_because_the_node_was_down_expires_without_being_begun() {
    let mut sim = Sim::new("limits: {wait_seconds: 60}");
    let late = sim.put("ann", Message, "said while it was down", None);
    sim.now = sim.now.plus_ms(DAY_MS);
    sim.wake();
    assert!(sim.slow.is_none());
    sim.drain();
    assert_eq!(sim.model.outcome(late), Some(Outcome::Expired));
    sim.assert_promises();
}

#[test]
fn a_turn_that_had_begun_before_a_crash_goes_on_however_long_that_took() {
    let (mut sim, running, waits) = waiting();
    sim.crash();
    sim.now = sim.now.plus_ms(DAY_MS);
    sim.drain();
    assert_eq!([running, waits].map(|seq| sim.model.outcome(seq)), [Outcome::Replied, Outcome::Expired].map(Some));
}

#[test]
fn a_clock_set_back_makes_nothing_expire_early_and_strands_nothing() {
    let (mut sim, _, waits) = waiting();
    sim.now = sim.now.plus_ms(-DAY_MS);
    let young = sim.say("ann", "said after the clock was set back");
    sim.pass(WAIT_MS / 2);
    assert!(sim.model.replies_to(waits).is_empty() && sim.model.replies_to(young).is_empty());
    sim.finish(false);
    assert_eq!(sim.slow.as_ref().map(super::sim::Slow::seq), Some(waits));
    sim.drain();
    sim.assert_promises();
    assert_eq!([waits, young].map(|seq| sim.model.outcome(seq)), [Some(Outcome::Replied); 2]);
}

#[test]
fn one_that_is_older_by_the_clock_expires_at_its_own_time_behind_a_younger_one() {
    let mut sim = Sim::new("limits: {wait_seconds: 60}");
    sim.say("ann", "long work");
    let front = sim.put("ann", Message, "in front", None);
    sim.now = sim.now.plus_ms(-WAIT_MS / 2);
    let behind = sim.put("ann", Message, "behind, older by the clock", None);
    sim.wake();
    sim.pass(WAIT_MS + 1);
    let expired = |seq| sim.model.replies_to(seq).first().and_then(|reply| reply.outcome);
    assert_eq!((expired(front), expired(behind)), (None, Some(Outcome::Expired)));
    sim.drain();
    sim.assert_promises();
}

#[test]
fn a_clock_set_forward_expires_what_waits_by_its_clock() {
    let (mut sim, running, waits) = waiting();
    sim.pass(DAY_MS);
    sim.drain();
    assert_eq!([running, waits].map(|seq| sim.model.outcome(seq)), [Outcome::Replied, Outcome::Expired].map(Some));
    sim.assert_promises();
}
