//! Slots: never more than there are, and each is free again whatever ends its task.

use messages::task::{Msg, NewTask, TaskState};
use rstest::rstest;

use super::ends::{Call, Ending};
use super::sim::Sim;
use super::tables::{Tables, task};
use crate::run::tests::ground::by;

/// When the task is too late that has the slot first.
const DEADLINE_MS: i64 = 50_000_000;

fn holds(tables: &Tables, context: Option<&str>) -> usize {
    let is_of = |name: &str| context.is_none_or(|context| context == name);
    tables.tasks.iter().filter(|task| task.state.holds_slot() && is_of(task.context.leaf())).count()
}

#[test]
fn five_run_in_a_workspace_and_two_for_one_context_and_the_rest_follows() {
    let mut sim = Sim::new(1);
    for n in 0..12 {
        sim.make(&task(&format!("flood{n}"), "ann", "flood", sim.now));
    }
    for n in 0..8 {
        sim.make(&task(&format!("k{n}"), "ann", &format!("c{n}"), sim.now));
    }
    sim.run();
    assert_eq!((holds(&sim.tables, None), holds(&sim.tables, Some("flood"))), (5, 1), "one each comes first");
    let (mut rounds, mut most) = (0, 0);
    while sim.finish_all() {
        sim.run();
        rounds += 1;
        most = most.max(holds(&sim.tables, Some("flood")));
        assert!(holds(&sim.tables, None) <= 5 && most <= 2);
    }
    assert!(rounds >= 6 && most == 2, "twelve in twos: {rounds}");
    assert!(sim.tables.tasks.iter().all(|task| task.state == TaskState::Succeeded));
}

/// What happens to a task that holds the only slot; it asks a model.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Succeeds,
    Fails,
    FailsForNow,
    IsParked,
    IsInDoubt,
    IsCancelled,
    IsTooLate,
    WaitsForSubtasks,
    LosesItsNode,
    Dies,
    HasItsWordsErased,
}

#[rstest]
#[case(Fate::Succeeds, TaskState::Succeeded)]
#[case(Fate::Fails, TaskState::Failed)]
#[case(Fate::FailsForNow, TaskState::Queued)]
#[case(Fate::IsParked, TaskState::Waiting)]
#[case(Fate::IsInDoubt, TaskState::Waiting)]
#[case(Fate::IsCancelled, TaskState::Cancelled)]
#[case(Fate::IsTooLate, TaskState::Expired)]
#[case(Fate::WaitsForSubtasks, TaskState::Waiting)]
#[case(Fate::LosesItsNode, TaskState::Queued)]
#[case(Fate::Dies, TaskState::Queued)]
#[case(Fate::HasItsWordsErased, TaskState::Cancelled)]
fn a_slot_is_free_again_whatever_becomes_of_its_task(#[case] fate: Fate, #[case] state: TaskState) {
    let mut sim = Sim::new(1);
    sim.tables.slots = (1, 1);
    (sim.facts.limits.running_per_workspace, sim.facts.limits.running_per_context) = (1, 1);
    let first = task("first", "ann", "first", sim.now);
    let id = sim.make(&NewTask { deadline: sim.now.plus_ms(DEADLINE_MS), ..first });
    sim.run();
    // Another waits that is more urgent: it is given the slot as soon as that is free.
    let other = sim.make(&NewTask { priority: 0, ..task("other", "ann", "other", sim.now) });
    sim.run();
    assert!(sim.asks(&other).is_none());
    match fate {
        Fate::Succeeds => sim.says(&id, &[]),
        Fate::Fails => sim.does(&id, &Ending::Fails(10, 0)),
        Fate::FailsForNow => sim.does(&id, &Ending::Fails(2, 0)),
        Fate::IsParked => sim.does(&id, &Ending::Fails(1, 0)),
        Fate::IsInDoubt => {
            sim.says(&id, &[Call::Mail]);
            sim.does(&id, &Ending::Unknown(true));
        }
        Fate::IsCancelled => sim.ask(&id, Msg::Cancel(by("ann"))),
        Fate::IsTooLate => sim.pass(DEADLINE_MS),
        Fate::WaitsForSubtasks => {
            sim.says(&id, &[Call::Spawn]);
            sim.says(&id, &[]);
        }
        Fate::LosesItsNode => sim.crash(false),
        Fate::Dies => sim.does(&id, &Ending::Dies(false)),
        Fate::HasItsWordsErased => sim.tables.erase(&id),
    }
    sim.sweep();
    sim.run();
    assert_eq!(sim.tables.row(&id).state, state);
    assert!(sim.asks(&other).is_some(), "{}", sim.brief());
    sim.drain();
    sim.assert_told();
}

#[test]
fn who_has_lost_the_workspace_gives_no_slot_and_moves_nothing() {
    let mut sim = Sim::new(1);
    let running = sim.started("a");
    let queued = sim.make(&task("b", "ann", "b", sim.now));
    // A process that does not know yet that another one holds the workspace now.
    sim.tables.epoch += 1;
    let before = format!("{:?} {:?}", sim.tables.tasks, sim.tables.ledger);
    let keeper = sim.keeper.as_ref().unwrap().epoch;
    sim.step_until_reopened();
    assert_eq!(before, format!("{:?} {:?}", sim.tables.tasks, sim.tables.ledger));
    assert!(sim.keeper.as_ref().unwrap().epoch > keeper);
    sim.finish(&running, &Ending::Says(Vec::new(), 10));
    sim.step_until_reopened();
    assert_eq!(before, format!("{:?} {:?}", sim.tables.tasks, sim.tables.ledger));
    sim.drain();
    assert!([running, queued].iter().all(|id| sim.tables.row(id).state == TaskState::Succeeded));
    sim.assert_promises();
}
