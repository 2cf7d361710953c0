//! Cancelling: at once where nothing is lost by it, within ten seconds where a step must not be cut off.

use messages::TaskId;
use messages::task::{Msg, NewTask, OnDependencyFailure, Reply, TaskState, Wait};
use rstest::rstest;

use super::ends::{Call, Ending};
use super::sim::Sim;
use super::tables::task;
use crate::run::tests::ground::by;

fn cancel(sim: &mut Sim, id: &TaskId) -> String {
    sim.ask(id, Msg::Cancel(by("ann")));
    sim.run();
    match sim.answers.pop() {
        Some(Reply::Done(words)) => words,
        other => panic!("it is not cancelled: {other:?}"),
    }
}

type Put = fn(&mut Sim) -> TaskId;

fn queued(sim: &mut Sim) -> TaskId {
    sim.tables.slots = (0, 0);
    sim.facts.limits.running_per_workspace = 0;
    let id = sim.make(&task("k", "ann", "k", sim.now));
    sim.run();
    id
}
fn blocked(sim: &mut Sim) -> TaskId {
    let other = sim.started("other");
    let mut new = task("k", "ann", "k", sim.now);
    (new.state, new.spec.depends_on) = (TaskState::Blocked, vec![other]);
    sim.make(&new)
}
fn asking(sim: &mut Sim) -> TaskId {
    sim.started("k")
}
fn looking(sim: &mut Sim) -> TaskId {
    let id = sim.started("k");
    sim.says(&id, &[Call::Look]);
    id
}
fn parked(sim: &mut Sim) -> TaskId {
    let id = sim.started("k");
    sim.does(&id, &Ending::Fails(4, 0));
    id
}
fn in_doubt(sim: &mut Sim) -> TaskId {
    let id = sim.started("k");
    sim.says(&id, &[Call::Mail]);
    sim.does(&id, &Ending::Unknown(true));
    id
}
fn waiting_for_subtasks(sim: &mut Sim) -> TaskId {
    let id = sim.started("k");
    sim.says(&id, &[Call::Spawn]);
    sim.says(&id, &[]);
    id
}
fn writing(sim: &mut Sim) -> TaskId {
    let id = sim.started("k");
    sim.says(&id, &[Call::Write]);
    id
}
fn mailing(sim: &mut Sim) -> TaskId {
    let id = sim.started("k");
    sim.says(&id, &[Call::Mail]);
    id
}

#[rstest]
#[case(queued, TaskState::Queued, None)]
#[case(blocked, TaskState::Blocked, None)]
#[case(asking, TaskState::Running, None)]
#[case(looking, TaskState::Running, None)]
#[case(parked, TaskState::Waiting, Some(Wait::Quota))]
#[case(in_doubt, TaskState::Waiting, Some(Wait::InDoubt))]
#[case(waiting_for_subtasks, TaskState::Waiting, Some(Wait::Child))]
fn a_task_ends_at_once_where_nothing_is_lost_by_it(
    #[case] put: Put,
    #[case] from: TaskState,
    #[case] wait: Option<Wait>,
) {
    let mut sim = Sim::new(1);
    let id = put(&mut sim);
    let task = sim.tables.row(&id);
    assert_eq!((task.state, task.wait), (from, wait));
    let now = sim.now;
    let words = cancel(&mut sim, &id);
    assert!(words.ends_with("is cancelled."), "{words}");
    let task = sim.tables.row(&id);
    assert_eq!((task.state, task.reason.as_str(), task.ended_at), (TaskState::Cancelled, "by ann", Some(now)));
    assert!(sim.asks(&id).is_none() && sim.uses(&id).is_none(), "what ran is given up");
    assert_eq!(sim.tables.posts_of(&id).iter().filter(|post| post.step.is_none()).count(), 1);
    sim.drain();
    sim.assert_told();
}

#[rstest]
fn a_step_that_must_not_be_cut_off_has_its_while(
    #[values(writing, mailing)] put: Put,
    #[values(Ending::Done, Ending::No, Ending::Unknown(true), Ending::Cut(true), Ending::Dies(true))] ending: Ending,
) {
    let mut sim = Sim::new(1);
    let id = put(&mut sim);
    let words = cancel(&mut sim, &id);
    assert!(words.contains("within 10 s"), "{words}");
    assert_eq!(sim.tables.row(&id).state, TaskState::Cancelling);
    assert!(cancel(&mut sim, &id).contains("is being cancelled already"));
    sim.seconds(9);
    assert_eq!(sim.tables.row(&id).state, TaskState::Cancelling, "it keeps its slot, and its step");
    sim.does(&id, &ending);
    let task = sim.tables.row(&id);
    assert_eq!((task.state, task.reason.as_str()), (TaskState::Cancelled, "by ann"));
    sim.drain();
    sim.assert_promises();
}

#[rstest]
fn a_task_that_is_cancelled_ends_within_ten_seconds_wherever_the_process_ends(
    #[values(writing, mailing)] put: Put,
    #[values(None, Some(0), Some(3), Some(7), Some(12))] fuse: Option<u32>,
    #[values(false, true)] crashes: bool,
) {
    let mut sim = Sim::new(1);
    let id = put(&mut sim);
    let asked = sim.now;
    cancel(&mut sim, &id);
    sim.fuse = fuse;
    if crashes {
        sim.crash(false);
    }
    sim.seconds(10);
    let task = sim.tables.row(&id);
    assert_eq!(task.state, TaskState::Cancelled, "{}", sim.brief());
    assert!(task.ended_at.unwrap() <= asked.plus_ms(10_000));
    assert!(sim.world.count("mail") <= 1);
    sim.drain();
    sim.assert_promises();
}

#[test]
fn a_task_that_has_succeeded_before_it_was_cancelled_stays_so() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.finish(&id, &Ending::Says(Vec::new(), 10));
    sim.ask(&id, Msg::Cancel(by("ann")));
    sim.run();
    assert_eq!(sim.tables.row(&id).state, TaskState::Succeeded);
    assert!(matches!(sim.answers.pop(), Some(Reply::Refused(words)) if words.contains("has ended: it is succeeded")));
    sim.drain();
    sim.assert_promises();
}

#[test]
fn subtasks_end_with_their_parent_and_what_depends_on_them_follows() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.says(&id, &[Call::Spawn, Call::Spawn]);
    sim.says(&id, &[]);
    let child = sim.last_child(&id);
    sim.says(&child, &[Call::Spawn]);
    sim.says(&child, &[]);
    let mut after = task("after", "ann", "after", sim.now);
    (after.state, after.spec.depends_on) = (TaskState::Blocked, vec![id.clone()]);
    let stays = NewTask {
        spec: messages::task::TaskSpec { on_dependency_failure: OnDependencyFailure::Run, ..after.spec.clone() },
        ..task("stays", "ann", "stays", sim.now)
    };
    let stays = NewTask { state: TaskState::Blocked, ..stays };
    let (after, stays) = (sim.make(&after), sim.make(&stays));
    cancel(&mut sim, &id);
    sim.seconds(3);
    let below: Vec<_> = sim.tables.tasks.iter().filter(|task| task.root == id).map(|task| task.state).collect();
    assert_eq!(below, [TaskState::Cancelled; 4]);
    assert_eq!(sim.tables.row(&after).state, TaskState::Cancelled);
    assert!(sim.tables.row(&after).reason.contains("did not succeed"));
    assert!(sim.asks(&stays).is_some(), "it runs all the same");
    sim.drain();
    sim.assert_promises();
}
