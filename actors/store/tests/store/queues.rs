//! What a workspace decides on, and whom the sweep wakes for work.

use messages::store::{QUEUE_CONTEXTS_MAX, QueueRows};
use messages::task::{NewTask, TaskState};
use messages::{Address, Moment, TaskId};

use crate::queries::{addresses, context};
use crate::work::{START_BY, below, claimed, moved, put, recorded, task, to, tsk};
use crate::world::{World, put_as, slug};

/// A task of another context; its event is made when it is the first there.
fn of(world: &World, ctx: &str, key: &str) -> NewTask {
    let at = context(ctx);
    let seq = world.accept(put_as(&format!("of {ctx}"), messages::store::InboundKind::Message, at.clone(), None)).seq;
    NewTask { context: at, ..task(key, seq) }
}

fn ids(rows: &QueueRows) -> Vec<TaskId> {
    rows.queued.iter().map(|row| row.id.clone()).collect()
}

fn contexts(rows: &QueueRows) -> Vec<String> {
    let mut contexts: Vec<_> = rows.queued.iter().map(|row| row.context.as_str().to_owned()).collect();
    contexts.dedup();
    contexts
}

#[test]
fn two_of_each_priority_of_each_context_are_given_oldest_first() {
    let world = World::at_work();
    let made = |key: &str, priority, at| NewTask { priority, at: Moment(at), ..task(key, 1) };
    world.task(vec![put(made("late", 3, 3)), put(made("middle", 3, 2)), put(made("early", 3, 1))]).unwrap();
    world.task(vec![put(made("first", 0, 9)), put(of(&world, "b", "other"))]).unwrap();
    let rows = world.queue(None, 10);
    // `b` comes before `general`.
    assert_eq!(ids(&rows), [tsk("other"), tsk("first"), tsk("early"), tsk("middle")]);
    let row = &rows.queued[1];
    assert_eq!((row.priority, row.rev, row.queued_at, row.not_before), (0, 1, Moment(9), None));
    assert_eq!((rows.more, rows.unrecorded, &rows.running[..]), (false, 5, &[][..]));
}

#[test]
fn contexts_are_looked_at_from_the_one_after_the_last_on_and_all_in_the_end() {
    let world = World::at_work();
    let names: Vec<_> = (0..=QUEUE_CONTEXTS_MAX).map(|n| format!("c{n:03}")).collect();
    for name in &names {
        world.task(vec![put(of(&world, name, name))]).unwrap();
    }
    let rows = world.queue(None, 10);
    assert_eq!((rows.queued.len(), rows.more), (QUEUE_CONTEXTS_MAX, true));
    let rows = world.queue(Some(context("c062")), 10);
    assert_eq!(contexts(&rows)[..3], ["ws/home/context/c063", "ws/home/context/c064", "ws/home/context/c000"]);
    assert_eq!((rows.queued.len(), rows.more), (QUEUE_CONTEXTS_MAX, true));
    let one = names.first().unwrap();
    world.workspace(vec![claimed(one, 2)]).unwrap();
    let rows = world.queue(Some(context("c062")), 10);
    assert_eq!((rows.queued.len(), rows.more), (QUEUE_CONTEXTS_MAX, false));
    let mut found = contexts(&rows);
    found.sort();
    found.dedup();
    assert_eq!(found.len(), QUEUE_CONTEXTS_MAX);
    // The one asked for is looked at last, also when it is the only one.
    assert_eq!(contexts(&world.queue(Some(context("c064")), 10)).last().unwrap(), "ws/home/context/c064");
}

#[test]
fn what_may_not_be_run_yet_is_not_given_and_the_next_moment_is_told() {
    let world = World::at_work();
    world.task_in("k", TaskState::Running);
    assert_eq!(world.queue(None, 10).next, None);
    let back = messages::store::TaskMove { not_before: Some(Moment(8_000)), ..to("k", 3, TaskState::Queued) };
    world.task(vec![messages::store::Write::Task(messages::store::TaskWrite::Move(Box::new(back)))]).unwrap();
    let rows = world.queue(None, 7_999);
    assert_eq!((ids(&rows), rows.next), (Vec::new(), Some(Moment(8_000))));
    let rows = world.queue(None, 8_000);
    assert_eq!((ids(&rows), rows.next), (vec![tsk("k")], Some(Moment(63_000))));
    assert_eq!(rows.queued[0].not_before, Some(Moment(8_000)));
}

#[test]
fn a_task_that_is_too_late_is_given_wherever_it_stands_and_once() {
    let world = World::at_work();
    let soon = |n: i64| NewTask { deadline: Moment(5_000 + n), at: Moment(n), ..task(&format!("t{n}"), 1) };
    world.task((0..4).map(|n| put(soon(n))).collect()).unwrap();
    let rows = world.queue(None, 4_999);
    assert_eq!((ids(&rows), rows.next), (vec![tsk("t0"), tsk("t1")], Some(Moment(5_000))));
    let rows = world.queue(None, 5_002);
    assert_eq!(ids(&rows), [tsk("t0"), tsk("t1"), tsk("t2")]);
    assert_eq!((rows.queued[2].start_by, rows.next), (Moment(5_002), Some(Moment(5_003))));
    assert!(START_BY > Moment(5_003));
}

#[test]
fn so_many_that_are_too_late_are_given_at_a_time() {
    let world = World::at_work();
    let many = |n| NewTask { deadline: Moment(1_001), priority: 3, ..task(&format!("t{n}"), 1) };
    world.task((0..64).map(|n| put(many(n))).collect()).unwrap();
    let rows = world.queue(None, 2_000);
    assert_eq!((rows.queued.len(), rows.more), (64, true));
    world.workspace(vec![moved("t0", 2, TaskState::Expired)]).unwrap();
    let rows = world.queue(None, 2_000);
    assert_eq!((rows.queued.len(), rows.more), (63, false));
}

#[test]
fn slots_are_counted_from_rows_of_the_own_workspace() {
    let world = World::at_work();
    world.task_in("running", TaskState::Running);
    world.task_in("cancelling", TaskState::Cancelling);
    world.task_in("waiting", TaskState::Waiting);
    let acme = Address::context(&slug("home-2"), &slug("general"));
    let seq = world.accept(put_as("x", messages::store::InboundKind::Message, acme.clone(), None)).seq;
    let id = TaskId::of("home-2", "k");
    let foreign =
        NewTask { id: id.clone(), root: id.clone(), workspace: slug("home-2"), context: acme, ..task("k", seq) };
    world.task(vec![put(foreign)]).unwrap();
    let claim = messages::store::TaskWrite::Claim { task: id, rev: 2, at: Moment(1) };
    let unit = Address::fixed("ws/home-2");
    world.fenced(messages::store::Owner::Workspace, (&unit, 0), vec![messages::store::Write::Task(claim)]).unwrap();
    let mut running: Vec<_> = world.queue(None, 0).running.into_iter().map(|row| row.id).collect();
    running.sort();
    let mut both = vec![tsk("running"), tsk("cancelling")];
    both.sort();
    assert_eq!(running, both);
    assert_eq!(
        addresses(&world, Some("ws/home-2/context/zzz"), 1)[0],
        format!("ws/home-2/task/{}", TaskId::of("home-2", "k"))
    );
}

fn woken(world: &World) -> Vec<String> {
    addresses(world, None, 100).into_iter().filter(|address| !address.contains("/context/")).collect()
}

fn at(key: &str) -> String {
    format!("ws/home/task/{}", tsk(key))
}

const KEEPER: &str = "ws/home/workspace";

/// No record is behind.
fn record_all(world: &World, rows: &[(&str, u64)]) {
    world.workspace(rows.iter().map(|(key, rev)| recorded(key, *rev)).collect()).unwrap();
}

#[test]
fn a_workspace_is_woken_for_queued_tasks_and_for_records_that_are_behind() {
    let world = World::at_work();
    world.task_in("k", TaskState::Queued);
    record_all(&world, &[("k", 1)]);
    assert_eq!(woken(&world), [KEEPER]);
    world.workspace(vec![claimed("k", 2), recorded("k", 2)]).unwrap();
    assert_eq!(woken(&world), [at("k")]);
    world.task(vec![moved("k", 3, TaskState::Succeeded)]).unwrap();
    assert_eq!(woken(&world), [KEEPER]);
    record_all(&world, &[("k", 3)]);
    assert!(woken(&world).is_empty());
}

#[test]
fn a_task_that_waits_for_its_subtasks_is_woken_when_none_is_open() {
    let world = World::at_work();
    let root = task("root", 1);
    world.task_in("root", TaskState::Running);
    world.task(vec![put(below("a", &root)), put(below("b", &root)), moved("root", 3, TaskState::Waiting)]).unwrap();
    record_all(&world, &[("root", 3)]);
    world.workspace(vec![moved("a", 2, TaskState::Cancelled), recorded("a", 2), recorded("b", 1)]).unwrap();
    assert_eq!(woken(&world), [KEEPER]);
    world.workspace(vec![moved("b", 2, TaskState::Expired), recorded("b", 2)]).unwrap();
    assert_eq!(woken(&world), [at("root")]);
}

#[test]
fn a_blocked_task_is_woken_when_all_it_depends_on_have_ended_or_never_were() {
    let world = World::at_work();
    world.task_in("a", TaskState::Draft);
    let mut blocked = NewTask { state: TaskState::Blocked, ..task("k", 1) };
    blocked.spec.depends_on = vec![tsk("a"), tsk("nobody")];
    world.task(vec![put(blocked)]).unwrap();
    record_all(&world, &[("a", 1), ("k", 1)]);
    assert!(woken(&world).is_empty());
    assert_eq!(world.rows("k").depends_on, [(tsk("a"), TaskState::Draft)]);
    assert_eq!(world.rows("a").dependents, [tsk("k")]);
    world.task(vec![moved("a", 2, TaskState::Rejected)]).unwrap();
    record_all(&world, &[("a", 2)]);
    assert_eq!(woken(&world), [at("k")]);
    world.task(vec![moved("k", 2, TaskState::Cancelled)]).unwrap();
    assert!(world.rows("a").dependents.is_empty());
}

#[test]
fn subtasks_are_woken_to_follow_a_parent_that_has_ended() {
    let world = World::at_work();
    let root = task("root", 1);
    world.task_in("root", TaskState::Running);
    let child = NewTask { state: TaskState::Draft, ..below("c", &root) };
    world.task(vec![put(child)]).unwrap();
    record_all(&world, &[("root", 2), ("c", 1)]);
    assert_eq!(woken(&world), [at("root")]);
    world.task(vec![moved("root", 3, TaskState::Succeeded)]).unwrap();
    record_all(&world, &[("root", 3)]);
    assert_eq!(woken(&world), [at("c")]);
    assert_eq!(world.rows("c").parent, Some(TaskState::Succeeded));
}

#[test]
fn pages_of_tasks_and_workspaces_are_in_the_order_of_addresses() {
    let world = World::at_work();
    for n in 0..5 {
        world.task_in(&format!("t{n}"), TaskState::Running);
    }
    world.task_in("q", TaskState::Queued);
    let all = addresses(&world, None, 100);
    assert!(all.is_sorted() && all.len() == 7, "{all:?}");
    let mut paged = Vec::new();
    while let [address] = &addresses(&world, paged.last().map(String::as_str), 1)[..] {
        paged.push(address.clone());
    }
    assert_eq!(paged, all);
}

#[test]
fn where_all_slots_are_held_nobody_who_waits_is_given_but_those_that_are_too_late() {
    let world = World::at_work();
    world.task(vec![put(task("a", 1)), put(task("b", 1))]).unwrap();
    world.workspace(vec![claimed("a", 2)]).unwrap();
    for (slots, given) in [(0, 0), (1, 0), (2, 1)] {
        let rows = world.queue_of(None, 10, slots);
        assert_eq!((rows.running.len(), rows.queued.len(), rows.more), (1, given, false), "{slots}");
    }
    assert_eq!(ids(&world.queue_of(None, i64::MAX, 1)), [tsk("b")]);
}
