//! The times of a task: to begin, to end, between two signs of life, in all; and dates that no process takes with it.

use messages::Moment;
use messages::task::{LOST_MAX, NewTask, TaskState, Wait};
use rstest::rstest;

use super::super::moves::backoff_ms;
use super::ends::{Call, Ending};
use super::sim::Sim;
use super::tables::task;

#[test]
fn a_task_that_gets_no_slot_in_time_expires() {
    for (ms, state) in [(86_399_999, TaskState::Queued), (86_400_000, TaskState::Expired)] {
        let mut sim = Sim::new(1);
        sim.facts.limits.running_per_workspace = 0;
        let id = sim.make(&task("k", "ann", "k", sim.now));
        sim.run();
        sim.pass(ms);
        sim.sweep();
        sim.run();
        assert_eq!(sim.tables.row(&id).state, state, "{ms}");
    }
}

#[test]
fn a_task_that_gets_no_slot_expires_by_the_date_of_its_workspace_alone() {
    let mut sim = Sim::new(1);
    sim.facts.limits.running_per_workspace = 0;
    let id = sim.make(&task("k", "ann", "k", sim.now));
    sim.run();
    sim.crash(false);
    sim.pass(86_400_000);
    sim.run();
    assert_eq!(sim.tables.row(&id).reason, "it was not begun in time");
}

#[rstest]
#[case::while_it_asks(Vec::new(), 600_000, "gave no sign of life")]
#[case::while_it_uses_a_tool(vec![Call::Look], 600_000, "gave no sign of life")]
fn a_silent_step_ends_its_run_and_another_one_begins(#[case] calls: Vec<Call>, #[case] ms: i64, #[case] words: &str) {
    for (ms, failures) in [(ms - 1, 0), (ms, 1)] {
        let mut sim = Sim::new(1);
        let id = sim.started("k");
        if !calls.is_empty() {
            sim.says(&id, &calls);
        }
        sim.pass(ms);
        sim.sweep();
        sim.run();
        let task = sim.tables.row(&id);
        assert_eq!((task.failures, task.reason.contains(words)), (failures, failures == 1), "{task:?}");
        sim.drain();
        assert_eq!(sim.tables.row(&id).state, TaskState::Succeeded);
        sim.assert_promises();
    }
}

#[test]
fn a_run_that_takes_too_long_is_ended_although_its_steps_are_quick() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    for _ in 0..6 {
        sim.pass(590_000);
        sim.says(&id, &[Call::Look]);
        sim.does(&id, &Ending::Done);
    }
    assert_eq!(sim.tables.row(&id).failures, 0);
    sim.pass(60_000);
    sim.sweep();
    sim.run();
    assert!(sim.tables.row(&id).reason.contains("A run may take 3600 s"), "{}", sim.brief());
    sim.drain();
    sim.assert_promises();
}

#[test]
fn a_deadline_ends_whatever_has_not_ended() {
    let deadline = 5_000;
    let make = |sim: &mut Sim, key: &str| {
        let new = task(key, "ann", key, sim.now);
        sim.make(&NewTask { deadline: sim.now.plus_ms(deadline), ..new })
    };
    let mut sim = Sim::new(1);
    let [running, writing, parked, in_doubt] = ["a", "b", "c", "d"].map(|key| make(&mut sim, key));
    sim.run();
    let mut blocked = task("e", "ann", "e", sim.now);
    (blocked.state, blocked.spec.depends_on) = (TaskState::Blocked, vec![running.clone()]);
    let blocked = NewTask { deadline: sim.now.plus_ms(deadline), ..blocked };
    let mut writes = Vec::new();
    crate::run::put(blocked.clone(), &mut writes);
    sim.tables.commit(messages::store::Owner::Task, 1, &writes).unwrap();
    sim.says(&writing, &[Call::Write]);
    sim.does(&parked, &Ending::Fails(4, 0));
    sim.says(&in_doubt, &[Call::Mail]);
    sim.does(&in_doubt, &Ending::Unknown(true));
    let all = [&running, &writing, &parked, &in_doubt, &blocked.id];
    sim.pass(deadline - 1);
    sim.sweep();
    sim.run();
    assert!(all.iter().all(|id| !sim.tables.row(id).state.is_terminal()), "{}", sim.brief());
    sim.pass(1);
    sim.sweep();
    sim.run();
    for id in all {
        let task = sim.tables.row(id);
        assert_eq!((task.state, task.reason.as_str()), (TaskState::Expired, "its deadline has passed"));
    }
    sim.drain();
    sim.assert_promises();
}

#[test]
fn a_date_is_not_lost_with_the_process_that_was_told_of_it() {
    for fuse in 0..12 {
        let mut sim = Sim::new(1);
        let id = sim.started("k");
        sim.does(&id, &Ending::Fails(4, 0));
        assert!(sim.tasks.contains_key(&id), "it is in memory, and idle");
        sim.fuse = Some(fuse);
        sim.pass(3_600_000);
        sim.run();
        sim.crash(false);
        // No sweep finds what waits for a date: the date itself must still be there.
        sim.pass(10_000);
        sim.run();
        sim.seconds(3);
        assert!(sim.asks(&id).is_some(), "fuse {fuse}:\n{}", sim.brief());
    }
}

#[test]
fn a_date_that_comes_too_early_by_a_clock_that_was_set_back_is_not_lost() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.does(&id, &Ending::Fails(4, 0));
    sim.pass(3_600_000);
    sim.set_back(1_000_000);
    sim.run();
    assert_eq!(sim.tables.row(&id).wait, Some(Wait::Quota));
    sim.pass(1_000_000);
    sim.run();
    assert!(sim.asks(&id).is_some());
}

#[test]
fn a_task_that_loses_its_node_goes_on_where_it_was_until_it_is_held_to_be_the_cause() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.says(&id, &[Call::Write]);
    sim.does(&id, &Ending::Done);
    for lost in 1..LOST_MAX {
        sim.crash(false);
        sim.seconds(1);
        let task = sim.tables.row(&id);
        assert_eq!((task.lost, task.failures, task.state), (lost, 0, TaskState::Running), "a lost node is no failure");
        assert_eq!(sim.asks(&id).map(|ask| ask.seq), Some(2));
    }
    sim.crash(false);
    sim.seconds(1);
    let task = sim.tables.row(&id);
    assert_eq!((task.state, task.lost), (TaskState::Dead, LOST_MAX));
    assert!(task.reason.contains("held to be the cause"));
    sim.drain();
    sim.assert_promises();
}

#[test]
fn an_actor_that_fails_alone_goes_on_in_the_same_run() {
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    for _ in 0..LOST_MAX + 1 {
        sim.tasks.remove(&id);
        sim.seconds(1);
        let task = sim.tables.row(&id);
        assert_eq!((task.run, task.lost, task.state), (1, 0, TaskState::Running));
    }
}

#[test]
fn failures_wait_longer_each_time_and_never_longer_than_five_minutes() {
    let between =
        |failures: u32| (backoff_ms(failures, 0), backoff_ms(failures, u64::MAX), backoff_ms(failures, 1_000));
    assert_eq!(between(1).0, 1_000);
    assert_eq!(between(2).0, 2_000);
    for failures in [1, 2, 3, 10, 100, u32::MAX] {
        let step = (2_000_i64 << (failures - 1).min(8)).min(300_000);
        let (least, some, other) = between(failures);
        assert!([least, some, other].iter().all(|ms| (step / 2..=step).contains(ms)), "{failures}");
    }
    let mut sim = Sim::new(1);
    let id = sim.started("k");
    sim.does(&id, &Ending::Fails(2, 0));
    let from = sim.tables.row(&id).not_before.unwrap();
    assert!(from > sim.now && from <= sim.now.plus_ms(2_000));
    sim.now = Moment(from.0 - 1);
    sim.sweep();
    sim.run();
    assert_eq!(sim.tables.row(&id).state, TaskState::Queued);
    sim.pass(1);
    sim.run();
    assert!(sim.asks(&id).is_some(), "the workspace has a date for it");
}
