//! Words of a task come after the outcome of their event, and change nothing of it.

use messages::store::{OutboxRow, OutboxState};
use messages::turn::Outcome;
use rstest::rstest;

use super::sim::Sim;

#[rstest]
#[case::delivered(OutboxState::Sent)]
#[case::refused(OutboxState::Failed)]
#[case::cut_off(OutboxState::InDoubt)]
fn however_words_of_a_task_were_delivered_their_event_has_the_outcome_of_its_reply(#[case] how: OutboxState) {
    let mut sim = Sim::new("");
    let seq = sim.say("ann", "/task compare the plans");
    sim.drain();
    let reply = (*sim.model.replies_to(seq).first().unwrap()).clone();
    let words = OutboxRow {
        id: reply.id + 1,
        n: 1,
        text: "half way".into(),
        outcome: None,
        state: OutboxState::Pending,
        ended_at: None,
        ..reply
    };
    sim.model.outbox.push(words);
    sim.deliver(how);
    sim.drain();
    assert_eq!(sim.model.outcome(seq), Some(Outcome::Replied));
    assert_eq!(sim.model.logged.len(), 2, "its words are logged");
}
