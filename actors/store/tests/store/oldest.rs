//! What has waited longest, what is in doubt, and how commits are counted.

use messages::Moment;
use messages::store::{Oldest, Query, Rows, TaskMove, TaskWrite, Write};
use messages::task::{TaskState, Wait};
use messages::turn::Outcome;

use crate::work::{claimed, put, task, to};
use crate::world::{World, reply, sending, settle, take};

fn oldest(world: &World, from: i64, to: i64) -> Oldest {
    let query = Query::Oldest { doubts_from: Moment(from), doubts_to: Moment(to) };
    match world.query(query).unwrap() {
        Rows::Oldest(oldest) => oldest,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_oldest_event_and_reply_are_those_that_nobody_has_begun_with() {
    let world = World::new();
    assert_eq!(oldest(&world, 0, 100), Oldest::default());
    let seq = world.put("a");
    assert_eq!(oldest(&world, 0, 100), Oldest { event_since: Some(Moment(1)), ..Oldest::default() });
    world.context(vec![take(seq), reply(seq, 0)]).unwrap();
    assert_eq!(oldest(&world, 0, 100), Oldest { reply_since: Some(Moment(3)), ..Oldest::default() });
    world.connector(vec![sending(1)]).unwrap();
    assert_eq!(oldest(&world, 0, 100), Oldest::default());
}

#[test]
fn doubts_are_counted_within_their_span() {
    let world = World::new();
    let seq = world.put("a");
    world.context(vec![take(seq), reply(seq, 0)]).unwrap();
    world.connector(vec![sending(1)]).unwrap();
    world.connector(vec![Write::OutboxDoubt { id: 1, error: "cut off".into(), at: Moment(50) }]).unwrap();
    world.context(vec![settle(seq, Outcome::InDoubt)]).unwrap();
    for (from, to, replies) in [(0, 50, 0), (0, 51, 1), (50, 51, 1), (51, 100, 0)] {
        assert_eq!(oldest(&world, from, to).replies_in_doubt, replies, "{from} to {to}");
    }
}

#[test]
fn tasks_in_doubt_are_counted_within_their_span() {
    let world = World::at_work();
    world.task(vec![put(task("i", 1))]).unwrap();
    world.workspace(vec![claimed("i", 2)]).unwrap();
    assert_eq!(oldest(&world, 0, i64::MAX).tasks_in_doubt, 0);
    let waits = TaskMove { wait: Some(Wait::InDoubt), ..to("i", 3, TaskState::Waiting) };
    world.task(vec![Write::Task(TaskWrite::Move(Box::new(waits)))]).unwrap();
    assert_eq!(oldest(&world, 0, i64::MAX).tasks_in_doubt, 1);
    assert_eq!(oldest(&world, i64::MAX - 1, i64::MAX).tasks_in_doubt, 0);
}

#[test]
fn each_commit_is_counted_with_its_time_and_each_transaction_with_its_size() {
    let world = World::new();
    let before = world.store.stats();
    world.put("a");
    // Refused is answered, too.
    world.context(vec![take(99)]).unwrap_err();
    let after = world.store.stats();
    assert_eq!(after.latency_us.count - before.latency_us.count, 2);
    assert_eq!(after.group.count - before.group.count, 2);
    assert_eq!(after.group.sum - before.group.sum, 2);
}
