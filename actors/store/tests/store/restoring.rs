//! A copy beside a store that goes on, and what becomes of its rows when it is a store of its own.

use std::path::Path;

use messages::step::StepStatus;
use messages::store::{CommitError, InboundKind, Owner, Query, Restored, Rows, Write};
use messages::task::{NewTask, TaskState, Wait};
use messages::turn::Outcome;
use messages::{Address, Moment};
use store::backup::{Facts, snapshot};
use store::restore::{Restore, fork};

use crate::work::{DEADLINE, claimed, of_task, of_turn, put as put_task, reserve, start, task};
use crate::world::{World, audit, claim, general, id, options, put, put_as, reply, sending, sent, settle, take};

/// 2026-11-27 22:15 UTC and the day after.
const OF: Moment = Moment(1_795_817_700_000);
const AT: Moment = Moment(1_795_904_100_000);

fn restore(facts: Facts) -> Restore {
    Restore { version: "0.0.0-test", at: AT, of: OF, manifest: "ab".repeat(32), facts }
}

/// The store as it is now, restored elsewhere while this one goes on.
fn restored(world: &World) -> (World, Restored) {
    let folder = tempfile::tempdir().unwrap();
    let facts = snapshot(world.folder.path(), folder.path()).unwrap();
    let restored = fork(folder.path(), &restore(facts)).unwrap();
    clean(folder.path());
    let store = store::open(folder.path(), &options()).unwrap();
    (World { folder, store }, restored)
}

fn clean(folder: &Path) {
    let report = store::verify(folder).unwrap();
    assert!(report.is_clean(), "{:?}", report.faults);
}

fn text(world: &World, sql: &str) -> String {
    world.sql().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_copy_is_as_the_store_was_and_the_store_goes_on_beside_it() {
    let world = World::new();
    world.turn("a", 0);
    let folder = tempfile::tempdir().unwrap();
    let facts = snapshot(world.folder.path(), folder.path()).unwrap();
    world.put("b");
    assert_eq!((facts.events, facts.replies, facts.audit_records, facts.generation), (1, 1, 1, 1));
    clean(folder.path());
    assert_eq!(store::backup::facts(folder.path()).unwrap(), facts);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "the file and the key, and no write-ahead log: {names:?}");
}

#[test]
fn what_waits_or_is_in_a_turn_may_have_been_answered_and_is_in_doubt_with_its_reason() {
    let world = World::new();
    let (waits, turn) = (world.put("a"), world.put("b"));
    world.context(vec![take(turn), start(&of_turn("b"), 0, Some(reserve(30, 1_000)))]).unwrap();
    let (other, told) = restored(&world);
    assert_eq!((told.events, told.replies, told.tasks), (2, 0, 0));
    let Rows::Inbox(rows) = other.query(Query::Inbound { ids: vec![id("a"), id("b")] }).unwrap() else { panic!() };
    for row in rows {
        assert_eq!(row.outcome, Some(Outcome::InDoubt), "{}", row.seq);
        assert!(row.reason.contains("restored from a backup of 2026-11-27 22:15 UTC"), "{}", row.reason);
    }
    let refused = other.context(vec![take(waits)]);
    assert!(matches!(refused, Err(CommitError::Conflict(_))), "it is never answered: {refused:?}");
    assert_eq!(other.number("SELECT status FROM step"), 4, "what had begun is unknown");
    assert_eq!(other.number("SELECT micro_usd FROM spending WHERE account = 'node'"), 30, "and may have been paid for");
    let Rows::Audit(records) = other.query(Query::Audit { after: 0, last: true, limit: 3 }).unwrap() else { panic!() };
    let actions: Vec<_> = records.iter().map(|r| r.action.as_str()).collect();
    assert_eq!(actions, ["turn.settled", "turn.settled", "store.restored"]);
}

#[test]
fn a_delete_that_waits_is_still_carried_out_for_it_sends_nothing() {
    let world = World::new();
    world.turn("a", 0);
    world.accept(put_as("d", InboundKind::Delete, general(), Some("a")));
    let (other, told) = restored(&world);
    assert_eq!(told.events, 0);
    assert_eq!(other.number("SELECT state FROM inbox WHERE event = 'd'"), 0);
}

#[test]
fn replies_that_were_on_their_way_are_in_doubt_and_never_sent_again() {
    let world = World::new();
    for event in ["a", "b"] {
        let seq = world.put(event);
        world.context(vec![take(seq), reply(seq, 0)]).unwrap();
    }
    world.connector(vec![sending(2)]).unwrap();
    let (other, told) = restored(&world);
    assert_eq!((told.events, told.replies), (0, 2));
    assert_eq!(other.number("SELECT count(*) FROM outbox WHERE state = 4 AND attempt = 1"), 2);
    assert!(text(&other, "SELECT error FROM outbox WHERE id = 1").contains("restored from a backup"));
    assert!(matches!(other.connector(vec![sending(1)]), Err(CommitError::Conflict(_))));
    let Rows::Outbox(lane) = other.query(Query::Lane { chat: crate::world::chat() }).unwrap() else { panic!() };
    assert!(lane.is_empty(), "the lane has nothing to send");
    let Rows::Addresses(woken) = other.query(Query::Unfinished { after: None, limit: 9 }).unwrap() else { panic!() };
    assert_eq!(woken, [general()], "the context settles their events as in doubt");
}

#[test]
fn a_reply_that_was_delivered_before_the_backup_settles_its_event_as_replied() {
    let world = World::new();
    let seq = world.put("a");
    world.context(vec![take(seq), reply(seq, 0)]).unwrap();
    world.connector(vec![sending(1)]).unwrap();
    world.connector(vec![sent(1)]).unwrap();
    let (other, told) = restored(&world);
    assert_eq!((told.events, told.replies), (0, 0));
    other.context(vec![settle(seq, Outcome::Replied), Write::OutboxLogged { id: 1 }]).unwrap();
}

#[test]
fn every_task_that_had_not_ended_waits_for_a_person_and_none_is_claimed() {
    let world = World::at_work();
    for (key, state) in [
        ("queued", TaskState::Queued),
        ("blocked", TaskState::Blocked),
        ("running", TaskState::Running),
        ("waiting", TaskState::Waiting),
        ("draft", TaskState::Draft),
    ] {
        world.task_in(key, state);
    }
    world.task(vec![start(&of_task("running"), 0, Some(reserve(30, 1_000)))]).unwrap();
    world.task(vec![Write::TimerPut { entity: general(), name: "expire".into(), due: Moment(1) }]).unwrap();
    let (other, told) = restored(&world);
    assert_eq!(told.tasks, 4);
    for key in ["queued", "blocked", "running", "waiting"] {
        let row = other.rows(key).task;
        assert_eq!((row.state, row.wait), (TaskState::Waiting, Some(Wait::InDoubt)), "{key}");
        assert!(row.reason.contains("restored from a backup of 2026-11-27"), "{key}: {}", row.reason);
        assert!(row.state.waits_for_a_person(row.wait, row.not_before));
    }
    assert_eq!(other.rows("draft").task.state, TaskState::Draft, "it waited for a person before");
    assert_eq!(other.number("SELECT count(*) FROM timer WHERE name = 'expire'"), 0);
    let deadlines = format!("SELECT count(*) FROM timer WHERE name = 'deadline' AND due = {}", DEADLINE.0);
    assert_eq!(other.number(&deadlines), 4);
    let Rows::Counts(counts) = other.query(Query::Counts).unwrap() else { panic!() };
    assert_eq!((counts.tasks_queued, counts.tasks_running, counts.tasks_in_doubt), (0, 0, 4));
    assert_eq!(counts.restored, Some(told));
    assert_eq!(other.rows("running").steps[0].status, StepStatus::Started, "a person lets it go on from its journal");
}

#[test]
fn no_holder_of_the_store_of_before_can_write_into_the_restored_one_nor_the_other_way_round() {
    let world = World::at_work();
    let (unit, never) = (World::unit(), Address::fixed("ws/later"));
    let (other, told) = restored(&world);
    // The store of before goes on giving epochs, which no longer meet those of the restored one.
    let before: Vec<u64> =
        (0..5).map(|_| world.commit(Owner::Runtime, vec![claim(&unit)]).unwrap().epochs[0]).collect();
    world.commit(Owner::Runtime, vec![claim(&never)]).unwrap();
    for epoch in [1].into_iter().chain(before) {
        let refused = other.fenced(Owner::Workspace, (&unit, epoch), vec![]);
        assert!(matches!(refused, Err(CommitError::Fenced { .. })), "{epoch}: {refused:?}");
    }
    let now = other.commit(Owner::Runtime, vec![claim(&unit), claim(&never)]).unwrap().epochs;
    assert!(now.iter().all(|epoch| *epoch > told.generation.unsigned_abs() << 20), "{now:?}");
    assert!(world.fenced(Owner::Workspace, (&unit, now[0]), vec![]).is_err());
    other.fenced(Owner::Workspace, (&unit, now[0]), vec![]).unwrap();
}

#[test]
fn a_restored_task_is_claimed_again_once_a_person_has_let_it_go_on() {
    let world = World::at_work();
    world.task(vec![put_task(NewTask { ..task("k", 1) })]).unwrap();
    let (other, _) = restored(&world);
    let epoch = other.commit(Owner::Runtime, vec![claim(&World::unit())]).unwrap().epochs[0];
    let refused = other.fenced(Owner::Workspace, (&World::unit(), epoch), vec![claimed("k", 3)]);
    assert!(matches!(refused, Err(CommitError::Conflict(_))), "{refused:?}");
    let row = other.rows("k").task;
    other.task(vec![crate::work::moved("k", row.rev + 1, TaskState::Queued)]).unwrap();
    other.fenced(Owner::Workspace, (&World::unit(), epoch), vec![claimed("k", row.rev + 2)]).unwrap();
}

#[test]
fn the_audit_chain_records_the_fork_is_signed_and_holds() {
    let world = World::new();
    world.turn("a", 0);
    let head = text(&world, "SELECT lower(hex(hash)) FROM audit ORDER BY seq DESC LIMIT 1");
    let (other, told) = restored(&world);
    let Rows::Audit(records) = other.query(Query::Audit { after: 0, last: true, limit: 1 }).unwrap() else { panic!() };
    let record = &records[0];
    assert_eq!((record.action.as_str(), record.subject.as_str()), ("store.restored", told.manifest.as_str()));
    let detail: serde_json::Value = serde_json::from_str(&record.detail).unwrap();
    assert_eq!((detail["last_audit"].as_i64(), detail["last_audit_hash"].as_str()), (Some(1), Some(head.as_str())));
    let report = store::verify::audit(other.folder.path()).unwrap();
    assert_eq!((report.first_bad, report.records, report.checkpoints), (None, 2, 1));
}

#[test]
fn a_store_can_be_restored_from_a_backup_of_a_restored_one_and_every_time_is_a_generation() {
    let world = World::new();
    world.put("a");
    let (second, told) = restored(&world);
    second.put("b");
    let (third, again) = restored(&second);
    assert_eq!((told.generation, again.generation), (AT.0 / 1_000, AT.0 / 1_000 + 1));
    assert_eq!((again.events, third.number("SELECT count(*) FROM inbox WHERE outcome = 'in_doubt'")), (1, 2));
}

#[test]
fn a_store_that_the_manifest_does_not_tell_of_is_refused_and_left_alone() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let facts = snapshot(world.folder.path(), folder.path()).unwrap();
    let other = Facts { events: 7, ..facts.clone() };
    let refused = fork(folder.path(), &restore(other)).unwrap_err().to_string();
    assert!(refused.contains("is not the one that the backup's manifest tells of"), "{refused}");
    assert_eq!(store::backup::facts(folder.path()).unwrap(), facts);
}

#[test]
fn a_copy_of_a_large_queue_settles_all_of_it() {
    let world = World::new();
    for page in 0..3 {
        world.connector((0..700).map(|n| put(&format!("{page}:{n}"))).collect()).unwrap();
    }
    world.context(vec![audit("x", &id("0:1"))]).unwrap();
    let (other, told) = restored(&world);
    assert_eq!(told.events, 2_100);
    assert_eq!(other.number("SELECT count(*) FROM inbox WHERE state < 2"), 0);
    assert!(store::verify::audit(other.folder.path()).unwrap().checkpoints >= 2, "signed on the way, too");
}
