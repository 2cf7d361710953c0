//! A store that an earlier version made is brought to this one with all its rows.

use messages::store::{Query, Rows};
use messages::task::TaskState;
use messages::turn::Outcome;

use crate::work::{end, of_turn, post};
use crate::world::{World, id, options, settle, take};

const FIRST: &str = include_str!("../../src/schema.sql");

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
    assert_eq!(world.number("PRAGMA user_version"), 2);
    let Rows::Inbox(rows) = world.query(Query::Inbound { ids: vec![id("a"), id("b")] }).unwrap() else {
        panic!("other rows")
    };
    assert_eq!(rows.iter().map(|row| row.outcome).collect::<Vec<_>>(), [Some(Outcome::Replied), None]);
    assert_eq!(world.number("SELECT count(*) FROM outbox WHERE task IS NULL AND step IS NULL"), 1);
    let copy = rusqlite::Connection::open(world.folder.path().join("meta.before-v2.sqlite")).unwrap();
    let of_before: i64 = copy.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap();
    assert_eq!((of_before, copy.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap()), (1, 1));
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
