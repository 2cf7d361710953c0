//! What is said for an event besides its answer: words of its tasks, and what became of a tool without an answer.

use messages::step::StepStatus;
use messages::store::{OutboxRow, OutboxState};
use messages::turn::Outcome;
use rstest::rstest;

use super::super::Event;
use super::sim::{Sim, Slow};
use crate::run::{StepEnd, Used};

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

#[test]
fn a_turn_whose_tool_gave_no_answer_ends_and_leaves_no_step_open() {
    let mut sim = Sim::new("tools: [\"*\"]");
    let seq = sim.say("ann", "write it down\ntool: write {}");
    sim.finish(false);
    let Some(Slow::Use(_, of)) = sim.slow.take() else { panic!("no tool is used") };
    let used = Used::Cut("the service is gone".into());
    sim.hear(Event::StepEnded(seq, Box::new(StepEnd::Used { of: *of, used })));
    sim.drain();
    sim.assert_promises();
    let id = &sim.model.row(seq).id;
    let steps: Vec<_> = sim.model.ledger.steps(id.as_str()).iter().map(|step| step.status).collect();
    assert_eq!(steps, [StepStatus::Done, StepStatus::Unknown]);
    assert_eq!(sim.model.outcome(seq), Some(Outcome::Failed));
}
