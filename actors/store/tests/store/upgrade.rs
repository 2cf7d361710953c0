//! A store that an earlier version made is brought to this one with all its rows.

use messages::store::{Query, Rows};
use messages::task::TaskState;
use messages::turn::Outcome;

use crate::work::{end, of_turn, post};
use crate::world::{World, id, options, settle, take};

const FIRST: &str = include_str!("../../src/schema.sql");
const SECOND: &str = include_str!("../../src/schema_2.sql");

/// What a node of version 1 left: a turn that is over with its reply, and one that waits.
const ROWS: &str = r#"
INSERT INTO inbox (seq, id, connector, event, ctx, chat, user, kind, text, salt, trace, received_at, state, outcome,
  settled_at) VALUES (1, 'ID_A', 'console', 'a', 'ws/home/context/general', 'home/general', 'ann', 0, 'words of a',
  zeroblob(16), 't', 1, 2, 'replied', 9);
INSERT INTO inbox (seq, id, connector, event, ctx, chat, user, kind, text, salt, trace, received_at, state)
  VALUES (2, 'ID_B', 'console', 'b', 'ws/home/context/general', 'home/general', 'ann', 0, 'words of b',
  zeroblob(16), 't', 1, 0);
INSERT INTO outbox (seq, n, ctx, connector, chat, text, sources, outcome, state, attempt, attempted_at, platform_id,
  created_at, ended_at) VALUES (1, 0, 'ws/home/context/general', 'console', 'home/general', 'reply', '[]', 'replied', 2,
  1, 4, 'm1', 3, 6);
PRAGMA user_version = 1;
"#;

fn of_version_1() -> World {
    let folder = tempfile::tempdir().unwrap();
    let sql = rusqlite::Connection::open(folder.path().join("meta.sqlite")).unwrap();
    sql.pragma_update(None, "journal_mode", "WAL").unwrap();
    sql.execute_batch(FIRST).unwrap();
    sql.execute_batch(&ROWS.replace("ID_A", id("a").as_str()).replace("ID_B", id("b").as_str())).unwrap();
    drop(sql);
    let store = store::open(folder.path(), &options()).unwrap();
    World { folder, store }
}

#[test]
fn a_store_of_version_1_opens_with_its_rows_and_is_copied_before() {
    let world = of_version_1();
    assert_eq!(world.number("PRAGMA user_version"), 4);
    let Rows::Inbox(rows) = world.query(Query::Inbound { ids: vec![id("a"), id("b")] }).unwrap() else {
        panic!("other rows")
    };
    assert_eq!(rows.iter().map(|row| row.outcome).collect::<Vec<_>>(), [Some(Outcome::Replied), None]);
    assert_eq!(world.number("SELECT count(*) FROM outbox WHERE task IS NULL AND step IS NULL"), 1);
    let copy = rusqlite::Connection::open(world.folder.path().join("meta.before-v4.sqlite")).unwrap();
    let of_before: i64 = copy.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap();
    assert_eq!((of_before, copy.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap()), (1, 1));
}

/// What a node of version 2 left besides: a task that waits for a slot, made before tasks were told what is kept.
const TASKS: &str = r#"
INSERT INTO task (place, id, key, ws, ctx, seq, trace, root, depth, state, priority, rev, budget, start_ms, start_by,
  created_at, moved_at, deadline, title) VALUES (1, 'TASK', 'k', 'home', 'ws/home/context/general', 1, 't', 'TASK', 0, 1, 3,
  1, '{"micro_usd":1,"input_tokens":1,"output_tokens":1,"tool_calls":1}', 9, 9, 1, 1, 9, 'title');
INSERT INTO task_spec (place, spec) VALUES (1, 'SPEC');
PRAGMA user_version = 2;
"#;

#[test]
fn a_store_of_version_2_opens_and_its_tasks_know_of_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let sql = rusqlite::Connection::open(folder.path().join("meta.sqlite")).unwrap();
    sql.pragma_update(None, "journal_mode", "WAL").unwrap();
    sql.execute_batch(FIRST).unwrap();
    sql.execute_batch(SECOND).unwrap();
    sql.execute_batch(&ROWS.replace("ID_A", id("a").as_str()).replace("ID_B", id("b").as_str())).unwrap();
    let task = crate::work::task("k", 1);
    let mut spec = serde_json::to_value(&task.spec).unwrap();
    spec.as_object_mut().unwrap().remove("memory").unwrap();
    sql.execute_batch(&TASKS.replace("TASK", task.id.as_str()).replace("SPEC", &spec.to_string())).unwrap();
    drop(sql);
    let world = World { store: store::open(folder.path(), &options()).unwrap(), folder };
    assert_eq!(world.number("PRAGMA user_version"), 4);
    assert_eq!(world.rows("k").task.spec, task.spec);
    world.context(vec![messages::store::Write::Redact { seq: 1 }]).unwrap();
    world.task(vec![crate::work::moved("k", 2, TaskState::Cancelled), post("k", None)]).unwrap();
    world.store.close().unwrap();
    let report = store::verify(world.folder.path()).unwrap();
    assert!(report.is_clean(), "{:?}", report.faults);
}

#[test]
fn an_upgraded_store_goes_on_with_tasks_and_is_clean() {
    let world = of_version_1();
    let unit = World::unit();
    world.commit(messages::store::Owner::Runtime, vec![crate::world::claim(&unit)]).unwrap();
    world.task_in("k", TaskState::Succeeded);
    world.task(vec![post("k", None)]).unwrap();
    world.context(vec![take(2), end(&of_turn("b"), 0, messages::step::StepStatus::Done, None)]).unwrap();
    world.context(vec![settle(2, Outcome::Noted)]).unwrap();
    world.store.close().unwrap();
    let report = store::verify(world.folder.path()).unwrap();
    assert!(report.is_clean(), "{:?}", report.faults);
    assert_eq!((report.inbox, report.outbox, report.tasks, report.steps), (2, 2, 1, 1));
}

#[test]
fn a_backup_of_version_1_is_restored_into_this_version() {
    let folder = tempfile::tempdir().unwrap();
    let sql = rusqlite::Connection::open(folder.path().join("meta.sqlite")).unwrap();
    sql.pragma_update(None, "journal_mode", "WAL").unwrap();
    sql.execute_batch(FIRST).unwrap();
    sql.execute_batch(&ROWS.replace("ID_A", id("a").as_str()).replace("ID_B", id("b").as_str())).unwrap();
    let copy = tempfile::tempdir().unwrap();
    let facts = store::backup::snapshot(folder.path(), copy.path()).unwrap();
    assert_eq!((facts.schema, facts.events, facts.tasks), (1, 2, 0));
    let (at, of) = (messages::Moment(1_795_904_100_000), messages::Moment(1_795_817_700_000));
    let restore = store::restore::Restore { version: "0.0.0-test", at, of, manifest: "ab".into(), facts };
    assert_eq!(store::restore::fork(copy.path(), &restore).unwrap().events, 1);
    let report = store::verify(copy.path()).unwrap();
    assert!(report.is_clean(), "{:?}", report.faults);
}
