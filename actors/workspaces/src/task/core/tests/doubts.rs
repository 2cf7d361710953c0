//! What may have been done is never done again in silence, and what can be asked is.

use messages::TaskId;
use messages::step::StepStatus;
use messages::task::{Msg, TaskState, Wait};
use rstest::rstest;

use super::ends::{Call, Ending};
use super::sim::Sim;
use crate::run::tests::ground::by;

/// What becomes of a tool that has begun.
#[derive(Debug, Clone, Copy)]
enum Cut {
    ProcessEnds,
    ActorEnds,
    StepDies,
    NoAnswer,
    NobodyKnows,
    Silence,
    RunTooLong,
}

fn cut(sim: &mut Sim, id: &TaskId, how: Cut, did: bool) {
    match how {
        Cut::ProcessEnds => {
            let of = sim.uses(id).unwrap();
            if did {
                sim.world.act(&of);
            }
            sim.tasks.get_mut(id).unwrap().slow = None;
            sim.crash(false);
        }
        Cut::ActorEnds => {
            let of = sim.uses(id).unwrap();
            if did {
                sim.world.act(&of);
            }
            sim.tasks.remove(id);
        }
        Cut::StepDies => sim.does(id, &Ending::Dies(did)),
        Cut::NoAnswer => sim.does(id, &Ending::Cut(did)),
        Cut::NobodyKnows => sim.does(id, &Ending::Unknown(did)),
        // The tool is still there, and does it later.
        Cut::Silence | Cut::RunTooLong => {
            if did {
                let of = sim.uses(id).unwrap();
                sim.world.act(&of);
            }
            sim.tasks.get_mut(id).unwrap().slow.as_mut().unwrap().has_ended = true;
            sim.pass(if matches!(how, Cut::Silence) { 600_000 } else { 3_600_000 });
        }
    }
    for _ in 0..60 {
        sim.sweep();
        sim.run();
        sim.pass(1_000);
    }
}

#[rstest]
fn a_tool_that_can_not_be_repeated_is_in_doubt_wherever_it_is_cut_off(
    #[values(
        Cut::ProcessEnds,
        Cut::ActorEnds,
        Cut::StepDies,
        Cut::NoAnswer,
        Cut::NobodyKnows,
        Cut::Silence,
        Cut::RunTooLong
    )]
    how: Cut,
    #[values(true, false)] did: bool,
    #[values(0, 2)] failures: u32,
) {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    for _ in 0..failures {
        sim.does(&id, &Ending::Fails(2, 0));
        for _ in 0..10 {
            sim.pass(1_000);
            sim.sweep();
            sim.run();
        }
    }
    sim.says(&id, &[Call::Mail]);
    cut(&mut sim, &id, how, did);
    let task = sim.tables.row(&id);
    assert_eq!((task.state, task.wait), (TaskState::Waiting, Some(Wait::InDoubt)), "{}", sim.brief());
    assert_eq!(sim.world.count("mail"), u32::from(did));
    let told = &sim.tables.posts_of(&id)[0].text;
    assert!(told.contains("Whether it was done is not known") && !told.contains(".."), "{told}");
    assert!(told.contains("`mail`") || told.contains("The line broke"), "{told}");
    // Nothing goes on by itself, however long it takes.
    sim.seconds(20);
    sim.crash(false);
    sim.seconds(20);
    assert_eq!(sim.tables.row(&id).wait, Some(Wait::InDoubt));
    sim.drain();
    sim.assert_told();
    assert_eq!(sim.world.count("mail"), u32::from(did));
    // A person has looked, and says so.
    sim.ask(&id, Msg::Retry(by("ann")));
    sim.drain();
    assert_eq!(sim.tables.row(&id).state, TaskState::Succeeded);
    assert_eq!(sim.world.count("mail"), u32::from(did) + 1);
    sim.assert_promises();
}

#[rstest]
fn a_tool_whose_sink_can_be_asked_does_its_work_once_wherever_it_is_cut_off(
    #[values(
        Cut::ProcessEnds,
        Cut::ActorEnds,
        Cut::StepDies,
        Cut::NoAnswer,
        Cut::NobodyKnows,
        Cut::Silence,
        Cut::RunTooLong
    )]
    how: Cut,
    #[values(true, false)] did: bool,
) {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.says(&id, &[Call::Write]);
    cut(&mut sim, &id, how, did);
    sim.drain();
    assert_eq!((sim.tables.row(&id).state, sim.world.count("write")), (TaskState::Succeeded, 1), "{}", sim.brief());
    sim.assert_promises();
}

#[test]
fn a_task_in_doubt_that_is_cancelled_does_nothing_more() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.says(&id, &[Call::Mail]);
    sim.does(&id, &Ending::Unknown(false));
    sim.ask(&id, Msg::Cancel(by("ann")));
    sim.drain();
    assert_eq!((sim.tables.row(&id).state, sim.world.count("mail")), (TaskState::Cancelled, 0));
    sim.assert_promises();
}

#[test]
fn the_last_failure_leaves_no_step_open() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.says(&id, &[Call::Write]);
    for _ in 0..3 {
        sim.does(&id, &Ending::Cut(false));
        sim.seconds(10);
    }
    assert_eq!(sim.tables.row(&id).state, TaskState::Dead);
    let steps = sim.tables.ledger.steps(id.as_str());
    assert_eq!(steps.last().map(|step| step.status), Some(StepStatus::Unknown));
    sim.drain();
    sim.assert_promises();
}
