//! What `verify` proves, and that it finds each kind of damage.

use std::ops::ControlFlow;

use messages::step::StepStatus;
use messages::store::{EntryKind, EntryOf, Owner};
use messages::task::TaskState;
use rstest::rstest;
use store::verify::{Fault, VerifyError, for_each_log};

use crate::work;
use crate::world::{World, audit, entry, id, put, reply, take};

/// A store with tasks in many states, a subtask, and steps that ran and run; closed.
fn worked() -> World {
    let world = World::at_work();
    let root = work::task("r", 1);
    world.task_in("r", TaskState::Running);
    world.task_in("done", TaskState::Succeeded);
    world.task_in("no", TaskState::Rejected);
    world.task_in("dead", TaskState::Dead);
    world.task_in("q", TaskState::Queued);
    world.task(vec![work::put(work::below("c", &root)), work::post("r", Some(1))]).unwrap();
    world.task(vec![work::post("done", None), work::post("dead", None), work::discarded("dead")]).unwrap();
    let (r, c, turn) = (work::of_task("r"), work::of_task("c"), work::of_turn("a"));
    let reserve = || Some(work::reserve(7, 1_000));
    world.task(vec![work::start(&r, 0, reserve()), work::end(&r, 0, StepStatus::Done, Some(work::cost(3)))]).unwrap();
    world.task(vec![work::start(&r, 1, reserve()), work::start(&c, 0, reserve())]).unwrap();
    world.context(vec![work::end(&turn, 0, StepStatus::Refused, None)]).unwrap();
    let memory = crate::memory::work(1);
    let kept = vec![crate::memory::kept(1, 0, Some(1), 0), work::end(&memory, 0, StepStatus::Failed, None)];
    world.commit(Owner::Memory, kept).unwrap();
    world.workspace(vec![work::recorded("r", 2)]).unwrap();
    world.store.close().unwrap();
    world
}

#[test]
fn a_store_that_worked_is_clean_and_counted() {
    let world = worked();
    let report = store::verify(world.folder.path()).unwrap();
    assert!(report.is_clean(), "{:?}", report.faults);
    assert_eq!((report.tasks, report.steps, report.outbox), (6, 5, 3));
}

/// `R` and `C` stand for the ids of the task and its subtask.
#[rstest]
#[case("task.state", "UPDATE task SET ended_at = NULL WHERE key = 'done'")]
#[case("task.state", "UPDATE task SET wait = 1 WHERE key = 'r'")]
#[case("task.state", "UPDATE task SET start_by = NULL WHERE key = 'q'")]
#[case("task.state", "UPDATE task SET state = 12 WHERE key = 'done'")]
#[case("task.state", "UPDATE task SET discarded_by = 'x' WHERE key = 'done'")]
#[case("task.run", "UPDATE task SET run = 0 WHERE key = 'r'")]
#[case("task.run", "UPDATE task SET started_at = NULL WHERE key = 'r'")]
#[case("task.inbox", "UPDATE task SET seq = 77 WHERE key = 'q'")]
#[case("task.inbox", "UPDATE task SET ctx = 'ws/home/context/other' WHERE key = 'q'")]
#[case("task.spec", "DELETE FROM task_spec WHERE place = 1")]
#[case("task.workspace", "UPDATE task SET ws = 'ho' WHERE key = 'q'")]
#[case("task.parent", "UPDATE task SET depth = 2 WHERE key = 'c'")]
#[case("task.parent", "UPDATE task SET parent = 'tsk_none' WHERE key = 'c'")]
#[case("task.parent", "UPDATE task SET root = id WHERE key = 'c'")]
#[case("task.parent", "UPDATE task SET root = 'C' WHERE key = 'r'")]
#[case("task.recorded", "UPDATE task SET recorded = 3 WHERE key = 'r'")]
#[case("task.depends", "INSERT INTO depends VALUES ('tsk_none', 'R')")]
#[case("task.post", "UPDATE outbox SET task = 'tsk_none' WHERE step = 1")]
#[case("task.post", "UPDATE task SET seq = 77 WHERE key = 'r'")]
#[case("task.end", "UPDATE outbox SET step = 9 WHERE step IS NULL")]
#[case("step.work", "UPDATE step SET work = 'tsk_none' WHERE work = 'C'")]
#[case("step.open", "UPDATE task SET state = 6, ended_at = 1 WHERE key = 'r'")]
#[case("step.open", "UPDATE step SET status = 0, ended_at = NULL WHERE work LIKE 'in_%'; UPDATE inbox SET state = 2")]
#[case("step.status", "UPDATE step SET ended_at = NULL WHERE work = 'R' AND seq = 0")]
#[case("step.status", "UPDATE step SET attempt = 0 WHERE work = 'R' AND seq = 0")]
#[case("step.status", "UPDATE step SET reserve = '{}' WHERE work = 'R' AND seq = 0")]
#[case("step.order", "DELETE FROM step WHERE work = 'R' AND seq = 0")]
#[case("step.order", "UPDATE step SET seq = 2 WHERE work = 'R' AND seq = 1")]
#[case("step.order", "UPDATE step SET status = 0 WHERE work = 'R' AND seq = 0")]
#[case("spending.spent", "UPDATE step SET micro_usd = 4 WHERE work = 'R' AND seq = 0")]
#[case("spending.spent", "DELETE FROM spending WHERE account = 'node'")]
#[case("spending.reserved", "UPDATE spending SET reserved_tokens = 27 WHERE account = 'ws/home'")]
#[case("spending.reserved", "UPDATE step SET reserve = NULL WHERE work = 'C'")]
#[case("step.work", "DELETE FROM compaction")]
#[case("step.open", "UPDATE compaction SET ended = 1; UPDATE step SET status = 0 WHERE work LIKE 'mem_%'")]
#[case("memory.work", "UPDATE compaction SET ended = 1")]
#[case("memory.work", "UPDATE memory SET work = NULL, work_to = NULL")]
#[case("memory.work", "UPDATE compaction SET ctx = 'ws/home/context/other'")]
#[case("memory.upto", "UPDATE memory SET upto = '[{\"log\":\"home/logs/console/general.md\",\"offset\":1}]'")]
#[case("memory.erased", "UPDATE memory SET erased = 1")]
#[case("memory.words", "UPDATE compaction SET ended = 1; UPDATE step SET gave = 'words' WHERE work LIKE 'mem_%'")]
#[case("audit.inbox", "INSERT INTO audit VALUES (1, 1, 'a', '', 'x', 'R', '[]', '{}', zeroblob(32), 2)")]
fn each_kind_of_damage_to_tasks_and_steps_is_found(#[case] code: &str, #[case] sql: &str) {
    let world = worked();
    tamper(
        &world,
        &sql.replace("'R'", &format!("'{}'", work::tsk("r"))).replace("'C'", &format!("'{}'", work::tsk("c"))),
    );
    let faults = faults(&world);
    assert!(faults.iter().any(|fault| fault.code == code), "{faults:?}");
}

/// A store with two whole turns, one that runs, and a little audit; closed.
fn lived() -> World {
    let world = World::new();
    world.turn("a", 0);
    world.turn("b", 20);
    let seq = world.put("c");
    world.context(vec![take(seq), entry(40, 7, EntryKind::Inbound, seq), reply(seq, 0)]).unwrap();
    world.store.close().unwrap();
    world
}

fn faults(world: &World) -> Vec<Fault> {
    store::verify(world.folder.path()).unwrap().faults
}

fn tamper(world: &World, sql: &str) {
    let connection = world.sql();
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn a_store_that_lived_is_clean_and_counted() {
    let world = lived();
    let report = store::verify(world.folder.path()).unwrap();
    assert!(report.is_clean(), "{:?}", report.faults);
    assert_eq!((report.inbox, report.settled, report.outbox), (3, 2, 3));
    assert_eq!((report.logs, report.entries), (1, 5));
    assert_eq!((report.audit.records, report.audit.checkpoints), (2, 1));
    assert_eq!((report.audit.head.len(), report.audit.public_key.len()), (64, 64));
}

#[rstest]
#[case("inbox.outcome", "UPDATE inbox SET outcome = NULL WHERE seq = 1")]
#[case("inbox.outcome", "UPDATE inbox SET settled_at = NULL WHERE seq = 1")]
#[case("inbox.outcome", "UPDATE inbox SET outcome = 'noted' WHERE seq = 3")]
#[case("inbox.outcome_name", "UPDATE inbox SET outcome = 'fine' WHERE seq = 1")]
#[case("inbox.turn", "UPDATE inbox SET turn = NULL WHERE seq = 3")]
#[case("inbox.redacted", "UPDATE inbox SET redacted = 1 WHERE seq = 1")]
#[case("inbox.replied", "UPDATE outbox SET state = 3, platform_id = NULL WHERE id = 1")]
#[case("outbox.inbox", "UPDATE outbox SET seq = 77 WHERE id = 3")]
#[case("outbox.inbox", "UPDATE outbox SET ctx = 'ws/home/context/other' WHERE id = 3")]
#[case("outbox.sent", "UPDATE outbox SET platform_id = NULL WHERE id = 1")]
#[case("outbox.attempt", "UPDATE outbox SET state = 1 WHERE id = 3")]
#[case("outbox.ended", "UPDATE outbox SET ended_at = NULL WHERE id = 1")]
#[case("outbox.logged", "UPDATE outbox SET logged = 1 WHERE id = 3")]
#[case("outbox.entry", "DELETE FROM entry WHERE offset = 10")]
#[case("log.place", "DELETE FROM entry WHERE offset = 0")]
#[case("log.place", "UPDATE entry SET length = 11 WHERE offset = 10")]
#[case("log.size", "UPDATE log SET size = 48")]
#[case("log.synced", "UPDATE log SET synced = 48")]
#[case("entry.shows", "UPDATE entry SET shows = 99 WHERE offset = 40")]
#[case("inbox.entry", "DROP INDEX entry_of; UPDATE entry SET shows = 1 WHERE offset = 40")]
#[case("audit.chain", "UPDATE audit SET principal = 'console:eve' WHERE seq = 1")]
#[case("audit.chain", "DELETE FROM audit WHERE seq = 1")]
#[case("audit.chain", "DELETE FROM audit WHERE seq = 2")]
#[case("audit.chain", "UPDATE checkpoint SET signature = zeroblob(64)")]
#[case("audit.inbox", "UPDATE audit SET inbox = 2 WHERE seq = 1")]
fn each_kind_of_damage_is_found(#[case] code: &str, #[case] sql: &str) {
    let world = lived();
    tamper(&world, sql);
    let faults = faults(&world);
    assert!(faults.iter().any(|fault| fault.code == code), "{faults:?}");
}

#[test]
fn the_first_bad_record_is_named() {
    let world = World::new();
    for n in 0..10 {
        world.context(vec![audit(&format!("a{n}"), &id("e"))]).unwrap();
    }
    world.store.close().unwrap();
    tamper(&world, "UPDATE audit SET detail = '{\"x\":1}' WHERE seq IN (4, 7)");
    let report = store::verify(world.folder.path()).unwrap();
    assert_eq!((report.audit.records, report.audit.first_bad.unwrap().seq), (3, 4));
    assert_eq!(report.faults[0].subject, "audit record 4");
}

#[test]
fn a_chain_that_was_made_again_without_the_key_is_found_by_its_checkpoint() {
    let world = lived();
    let forged = World::new();
    forged.turn("x", 0);
    forged.turn("y", 20);
    forged.store.close().unwrap();
    tamper(
        &world,
        &format!(
            "ATTACH '{}' AS forged; DELETE FROM audit; INSERT INTO audit SELECT * FROM forged.audit; DETACH forged",
            forged.file().display()
        ),
    );
    let report = store::verify(world.folder.path()).unwrap();
    assert!(report.audit.first_bad.unwrap().what.contains("signs another hash"));
    tamper(
        &world,
        &format!(
            "ATTACH '{}' AS forged; DELETE FROM checkpoint; INSERT INTO checkpoint SELECT * FROM forged.checkpoint; DETACH forged",
            forged.file().display()
        ),
    );
    let report = store::verify(world.folder.path()).unwrap();
    assert!(report.audit.first_bad.unwrap().what.contains("another key than audit.key"));
    std::fs::remove_file(world.folder.path().join("audit.key")).unwrap();
    assert!(faults(&world).iter().any(|fault| fault.code == "audit.key"));
}

#[test]
fn checkpoints_are_signed_every_thousand_records_and_at_the_end() {
    let world = World::new();
    for n in 0..3 {
        let writes = (0..if n < 2 { 999 } else { 3 }).map(|_| audit("x", &id("e"))).collect();
        world.context(writes).unwrap();
    }
    assert_eq!(world.number("SELECT group_concat(seq) = '1000,2000' FROM checkpoint"), 1);
    world.store.close().unwrap();
    assert_eq!(world.number("SELECT group_concat(seq) = '1000,2000,2001' FROM checkpoint"), 1);
    assert_eq!(store::verify(world.folder.path()).unwrap().audit.checkpoints, 3);
}

#[test]
fn many_faults_are_counted_and_the_first_thousand_listed() {
    let world = World::new();
    let edge = store::verify::FAULTS_MAX;
    for chunk in (0..=edge).collect::<Vec<_>>().chunks(1_000) {
        world.connector(chunk.iter().map(|n| put(&format!("e{n}"))).collect()).unwrap();
    }
    tamper(&world, "UPDATE inbox SET state = 1");
    let report = store::verify(world.folder.path()).unwrap();
    assert_eq!((report.faults.len(), report.faults_total), (edge, edge as u64 + 1));
}

#[test]
fn a_store_is_verified_beside_a_running_node_and_after_a_kill() {
    let world = World::new();
    world.turn("a", 0);
    assert!(store::verify(world.folder.path()).unwrap().is_clean());
    let copy = tempfile::tempdir().unwrap();
    // What a kill leaves: the write-ahead log not yet moved into the file.
    for name in ["meta.sqlite", "meta.sqlite-wal", "audit.key"] {
        std::fs::copy(world.folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let report = store::verify(copy.path()).unwrap();
    assert!(report.is_clean() && report.inbox == 1, "{report:?}");
}

#[test]
fn what_can_not_be_verified_says_why() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(store::verify(folder.path()), Err(VerifyError::Missing(_))));
    let world = lived();
    world.sql().pragma_update(None, "user_version", 9).unwrap();
    assert!(matches!(store::verify(world.folder.path()), Err(VerifyError::Version { found: 9, .. })));
}

#[test]
fn logs_are_shown_entry_by_entry_and_the_walk_can_be_ended() {
    let world = lived();
    let mut seen = Vec::new();
    for_each_log(world.folder.path(), &mut |log, entries| {
        let entries: Vec<_> = entries.map(Result::unwrap).collect();
        assert!(matches!(&entries[0].of, EntryOf::Inbound(row) if row.event == "a"));
        seen.push((log.size, entries.iter().map(|e| e.offset).collect::<Vec<_>>()));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, [(47, vec![0, 10, 20, 30, 40])]);
    let mut logs = 0;
    tamper(&world, "INSERT INTO log (log, ctx, size) VALUES ('z.md', 'ws/home/context/general', 0)");
    for_each_log(world.folder.path(), &mut |_, _| {
        logs += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(logs, 1);
}

#[test]
fn the_chain_alone_is_verified_and_its_end_read() {
    let world = World::new();
    for n in 0..5 {
        world.context(vec![audit(&format!("a{n}"), &id("e"))]).unwrap();
    }
    let folder = world.folder.path();
    let report = store::verify::audit(folder).unwrap();
    assert_eq!((report.records, report.first_bad), (5, None));
    let tail = store::verify::audit_tail(folder, 2).unwrap();
    assert_eq!(tail.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["a3", "a4"]);
    assert_eq!(tail.last().map(|row| row.hash.clone()), Some(report.head));
}
