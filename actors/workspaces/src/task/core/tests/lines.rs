//! Lines of tasks: a parent waits for its subtasks, is told how they ended, and pays for them.

use messages::TaskId;
use messages::step::{StepStatus, What};
use messages::task::{Budget, Msg, TaskState, Wait};

use super::ends::{Call, Ending};
use super::sim::Sim;
use super::tables::task;
use crate::run::tests::ground::by;

/// What the model of a task is told of its subtasks now.
fn told(sim: &Sim, id: &TaskId) -> String {
    let ask = sim.asks(id).unwrap_or_else(|| panic!("{id} asks nothing:\n{}", sim.brief()));
    ask.request.exchanges.last().unwrap().results.join("\n")
}

/// A task that waits for so many subtasks.
fn parent(sim: &mut Sim, calls: &[Call]) -> TaskId {
    let id = sim.started("k");
    sim.says(&id, calls);
    sim.says(&id, &[]);
    assert_eq!(sim.tables.row(&id).wait, Some(Wait::Child));
    id
}

#[test]
fn a_parent_waits_without_a_slot_and_is_told_what_came_of_each_subtask() {
    let mut sim = Sim::new(1);
    let id = parent(&mut sim, &[Call::Spawn, Call::Spawn, Call::Spawn]);
    let (at_work, queued): (Vec<TaskId>, Vec<TaskId>) =
        sim.tables.children(&id).map(|child| child.id.clone()).partition(|child| sim.asks(child).is_some());
    let ([good, bad], [given_up]) = (at_work.as_slice(), queued.as_slice()) else { panic!("{at_work:?} {queued:?}") };
    sim.says(good, &[]);
    sim.ask(given_up, Msg::Cancel(by("ann")));
    sim.run();
    assert_eq!(sim.tables.row(&id).state, TaskState::Waiting, "one is still open");
    sim.does(bad, &Ending::Fails(10, 0));
    sim.seconds(2);
    let told = told(&sim, &id);
    for (child, words) in
        [(good, "succeeded:\nanswer"), (bad, "failed:\nThe model gave no answer"), (given_up, "cancelled:\nby ann")]
    {
        assert!(told.contains(child.as_str()) && told.contains(words), "{told}");
    }
    sim.says(&id, &[]);
    assert_eq!(sim.tables.row(&id).state, TaskState::Succeeded);
    assert_eq!(
        sim.tables.posts.iter().filter(|post| post.step.is_none()).count(),
        1,
        "subtasks tell their parent alone"
    );
    sim.drain();
    sim.assert_promises();
}

#[test]
fn subtasks_that_ended_before_their_parent_asked_for_them_are_told_too() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.says(&id, &[Call::Spawn]);
    let child = sim.last_child(&id);
    sim.says(&child, &[]);
    assert!(sim.tables.row(&child).state.is_terminal());
    sim.says(&id, &[]);
    sim.seconds(2);
    assert!(told(&sim, &id).contains(child.as_str()));
    sim.drain();
    sim.assert_promises();
}

#[test]
fn a_parent_that_makes_more_subtasks_after_it_was_told_waits_again() {
    let mut sim = Sim::new(1);
    let id = parent(&mut sim, &[Call::Spawn]);
    for round in 1..=3 {
        let child = sim.last_child(&id);
        sim.says(&child, &[]);
        sim.seconds(1);
        assert!(told(&sim, &id).contains(child.as_str()));
        if round < 3 {
            sim.says(&id, &[Call::Spawn]);
            sim.says(&id, &[]);
        }
    }
    sim.says(&id, &[]);
    let joins = |status| {
        let of = |step: &&messages::store::StepRow| step.what == What::Children && step.status == status;
        sim.tables.ledger.steps(id.as_str()).iter().filter(of).count()
    };
    assert_eq!((joins(StepStatus::Done), joins(StepStatus::Started)), (3, 0));
    sim.drain();
    sim.assert_promises();
}

#[test]
fn a_lost_wake_of_a_subtask_is_made_up_for_by_the_sweep() {
    let mut sim = Sim::new(1);
    let id = parent(&mut sim, &[Call::Spawn]);
    let child = sim.last_child(&id);
    // The process of the parent ends before it is woken.
    sim.finish(&child, &Ending::Says(Vec::new(), 10));
    while !sim.tables.row(&child).state.is_terminal() {
        assert!(sim.step());
    }
    sim.crash(false);
    assert_eq!(sim.tables.row(&id).state, TaskState::Waiting);
    sim.seconds(1);
    assert!(told(&sim, &id).contains(child.as_str()));
}

#[test]
fn a_subtask_that_depends_on_another_waits_for_it() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.says(&id, &[Call::Spawn]);
    let first = sim.last_child(&id);
    // Which of its siblings it depends on is left to chance, and may be one that is not there.
    let mut after = Vec::new();
    for _ in 0..7 {
        sim.says(&id, &[Call::SpawnAfter]);
        after.push(sim.last_child(&id));
    }
    let needs = |sim: &Sim, child: &TaskId| sim.tables.row(child).spec.depends_on[0].clone();
    let (real, nobody): (Vec<TaskId>, Vec<TaskId>) =
        after.into_iter().partition(|child| needs(&sim, child).as_str() != "tsk_of_nobody");
    assert!(!real.is_empty() && !nobody.is_empty());
    sim.seconds(1);
    assert!(real.iter().all(|child| sim.tables.row(child).state == TaskState::Blocked || needs(&sim, child) != first));
    for child in &nobody {
        let task = sim.tables.row(child);
        assert!(task.state == TaskState::Cancelled && task.reason.contains("tsk_of_nobody"), "{task:?}");
    }
    sim.says(&first, &[]);
    sim.drain();
    for child in &real {
        let succeeded = sim.tables.row(&needs(&sim, child)).state == TaskState::Succeeded;
        assert_eq!(sim.tables.row(child).state == TaskState::Succeeded, succeeded);
        assert!(!succeeded || sim.tables.row(child).started_at >= sim.tables.row(&needs(&sim, child)).ended_at);
    }
    sim.assert_promises();
}

#[test]
fn subtasks_are_four_deep_and_no_deeper() {
    let mut sim = Sim::new(1);
    let mut new = task("k", "ann", "k", sim.now);
    // A quarter of a quarter: the usual budget would not reach so deep.
    let far = Budget { micro_usd: 40_000_000, input_tokens: 4_000_000, output_tokens: 4_000_000, tool_calls: 4_000 };
    new.budget = far;
    let mut id = sim.make(&new);
    sim.run();
    for depth in 1..=4 {
        sim.says(&id, &[Call::Spawn]);
        sim.says(&id, &[]);
        id = sim.last_child(&id);
        assert_eq!(sim.tables.row(&id).depth, depth);
    }
    sim.says(&id, &[Call::Spawn]);
    assert!(told(&sim, &id).contains("4 deep"));
    assert_eq!(sim.tables.children(&id).count(), 0);
    sim.drain();
    sim.assert_promises();
}

#[test]
fn what_ended_subtasks_did_not_use_is_there_again_for_their_parent() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    // Two of twenty cents: with the half dollar only one question more can be asked beside them.
    sim.says(&id, &[Call::SpawnDear, Call::SpawnDear]);
    assert_eq!(sim.tables.children(&id).map(|child| child.budget.micro_usd).collect::<Vec<_>>(), [200_000; 2]);
    sim.says(&id, &[Call::SpawnDear]);
    assert!(told(&sim, &id).contains("$0.20 were asked for it"));
    sim.says(&id, &[]);
    sim.drain();
    assert_eq!(sim.tables.row(&id).state, TaskState::Succeeded);
    let spent = sim.tables.spent(&id).micro_usd;
    assert!(spent < 500_000 && spent > 0, "{spent}");
    sim.assert_promises();
}
