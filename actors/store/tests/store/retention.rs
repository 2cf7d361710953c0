//! Erasing words by their age and of a person, and cutting the audit.

use messages::Moment;
use messages::store::{
    CommitError, FORGET_ROWS_MAX, ForgetRow, InboundKind, MARKS_MAX, Owner, Person, Query, RetentionRow, RetentionRows,
    RetentionWrite, Rows, Write,
};
use messages::task::TaskState;
use messages::turn::Outcome;

use crate::work::post;
use crate::world::{World, audit, general, id, put_as, reply, sending, settle, slug, take, until};

const NONE: [i64; 0] = [];

pub(crate) fn forget(user: &str, workspace: Option<&str>) -> Write {
    Write::Retention(RetentionWrite::Forget {
        person: Person { connector: "console".into(), user: user.into() },
        workspace: workspace.map(slug),
        by: "console:op".into(),
        at: Moment(50),
    })
}

fn by_retention(world: &World, write: RetentionWrite) -> Result<(), CommitError> {
    world.commit(Owner::Retention, vec![Write::Retention(write)]).map(drop)
}

fn conflict(result: Result<(), CommitError>, with: &str) {
    let words = crate::cas::conflict(result.map(|()| messages::store::Committed::default()));
    assert!(words.contains(with), "{words}");
}

fn addresses(world: &World) -> Vec<String> {
    crate::queries::addresses(world, None, 100)
}

fn expire(world: &World, seq: i64) {
    world.context(vec![Write::Retention(RetentionWrite::Expire { seq })]).unwrap();
}

fn rows(world: &World, events: i64, audit: i64) -> RetentionRows {
    let query = Query::Retention { events_before: Some(Moment(events)), audit_before: Some(Moment(audit)) };
    match world.query(query).unwrap() {
        Rows::Retention(rows) => *rows,
        other => panic!("{other:?}"),
    }
}

fn forgetting(world: &World, id: i64) -> ForgetRow {
    match world.query(Query::Forgetting { id }).unwrap() {
        Rows::Forgetting(Some(row), _) => *row,
        other => panic!("{other:?}"),
    }
}

fn clean(world: &World) {
    let report = store::verify(world.folder.path()).unwrap();
    assert!(report.is_clean(), "{:?}", report.faults);
}

fn words(world: &World, seq: i64) -> String {
    world.sql().query_row("SELECT text FROM inbox WHERE seq = ?1", [seq], |row| row.get(0)).unwrap()
}

/// Somebody else's event, in another workspace.
fn of(world: &World, event: &str, user: &str, context: &str) -> i64 {
    let Write::InboxPut { id, event, chat, kind, target, text, salt, trace, received_at, .. } =
        put_as(event, InboundKind::Message, general(), None)
    else {
        panic!("no event")
    };
    let (user, context) = (user.into(), messages::Address::parse(context).unwrap());
    world.accept(Write::InboxPut { id, event, context, chat, user, kind, target, text, salt, trace, received_at }).seq
}

#[test]
fn only_what_has_ended_with_all_that_came_of_it_is_past_its_time() {
    let world = World::new();
    let (ended, _) = world.turn("ended", 0);
    world.put("waiting");
    let taken = world.put("taken");
    world.context(vec![take(taken)]).unwrap();
    let doubt = world.put("doubt");
    world.context(vec![take(doubt), settle(doubt, Outcome::InDoubt)]).unwrap();
    let unsent = world.put("unsent");
    world.context(vec![take(unsent), reply(unsent, 0), settle(unsent, Outcome::Noted)]).unwrap();
    let works = world.put("works");
    let task = crate::work::put(crate::work::task("works", works));
    world.context(vec![take(works), task, settle(works, Outcome::Noted)]).unwrap();
    let delete = world.accept(put_as("gone", InboundKind::Delete, general(), None)).seq;
    world.context(vec![settle(delete, Outcome::Noted)]).unwrap();
    assert_eq!(rows(&world, 10, 0).past, [ended]);
    assert_eq!(rows(&world, 9, 0).past, NONE, "it ended at 9");
    let all: Vec<i64> = (1..=delete).collect();
    by_retention(&world, RetentionWrite::Mark { seqs: all, memory: false }).unwrap();
    assert_eq!(world.number("SELECT count(*) FROM erase"), 1, "a mark is decided on the row as it is");
    assert_eq!(rows(&world, 10, 0).past, NONE, "what is marked is not given again");
    clean(&world);
}

#[test]
fn words_past_their_time_are_erased_once_and_their_rows_stay() {
    let world = World::new();
    let (seq, _) = world.turn("a", 0);
    let (other, _) = world.turn("b", 20);
    by_retention(&world, RetentionWrite::Mark { seqs: vec![seq], memory: false }).unwrap();
    assert_eq!(addresses(&world), [general().as_str()], "its context is woken");
    for _ in 0..2 {
        expire(&world, seq);
    }
    assert_eq!((words(&world, seq).as_str(), words(&world, other).is_empty()), ("", false));
    assert_eq!(world.number("SELECT count(*) FROM outbox WHERE text = '' AND redacted = 1"), 1);
    assert_eq!(world.number("SELECT redacted FROM inbox WHERE seq = 1"), 2);
    let erased = |world: &World| world.query(Query::Erased { ids: vec![id("a"), id("b")] }).unwrap();
    assert_eq!(erased(&world), Rows::Erased(Vec::new()), "memory keeps what it made of it");
    assert!(addresses(&world).is_empty());
    world.context(vec![Write::Redact { seq }]).unwrap();
    assert_eq!(erased(&world), Rows::Erased(vec![id("a")]), "until somebody deletes it");
    clean(&world);
}

#[test]
fn memory_goes_with_it_when_the_policy_says_so() {
    let world = World::new();
    let (seq, _) = world.turn("a", 0);
    world.commit(Owner::Memory, vec![crate::memory::kept(1, 0, None, 0)]).unwrap();
    by_retention(&world, RetentionWrite::Mark { seqs: vec![seq], memory: true }).unwrap();
    expire(&world, seq);
    assert_eq!(world.number("SELECT erasures - erased FROM memory"), 1);
    assert_eq!(world.query(Query::Erased { ids: vec![id("a")] }).unwrap(), Rows::Erased(vec![id("a")]));
    clean(&world);
}

#[test]
fn what_has_begun_anew_since_it_was_marked_keeps_its_words() {
    let world = World::new();
    let (seq, _) = world.turn("k", 0);
    by_retention(&world, RetentionWrite::Mark { seqs: vec![seq], memory: false }).unwrap();
    world.context(vec![crate::work::put(crate::work::task("k", seq))]).unwrap();
    expire(&world, seq);
    assert_eq!(words(&world, seq), "words of k");
    assert_eq!(world.number("SELECT count(*) FROM erase"), 0);
}

#[test]
fn more_than_the_limit_is_not_marked_at_once() {
    let world = World::new();
    let seqs = |n: u32| (1..=i64::from(n)).collect();
    by_retention(&world, RetentionWrite::Mark { seqs: seqs(MARKS_MAX), memory: false }).unwrap();
    let refused = by_retention(&world, RetentionWrite::Mark { seqs: seqs(MARKS_MAX + 1), memory: false });
    assert!(matches!(refused, Err(CommitError::Refused(_))));
}

#[test]
fn a_person_is_forgotten_where_it_was_asked_for_and_nobody_else_is() {
    let world = World::new();
    let (seq, _) = world.turn("a", 0);
    let waits = world.put("waits");
    let bob = of(&world, "bob", "bob", general().as_str());
    let away = of(&world, "away", "ann", "ws/work/context/general");
    let later = |world: &World| world.put("later");
    world.commit(Owner::Retention, vec![forget("ann", Some("home"))]).unwrap();
    later(&world);
    assert_eq!(addresses(&world), ["retention", general().as_str(), "ws/work/context/general"]);
    by_retention(&world, RetentionWrite::ForgetNext { id: 1, from: 0 }).unwrap();
    conflict(by_retention(&world, RetentionWrite::ForgetNext { id: 1, from: 0 }), "stands at 4");
    let stands = forgetting(&world, 1);
    assert_eq!((stands.events, stands.left, stands.next, stands.last), (2, 2, 4, 4));
    conflict(by_retention(&world, RetentionWrite::ForgetDone { id: 1, at: Moment(60) }), "has words left");
    world
        .context(vec![settle(waits, Outcome::Cancelled), Write::Redact { seq: waits }, Write::Redact { seq }])
        .unwrap();
    by_retention(&world, RetentionWrite::ForgetDone { id: 1, at: Moment(60) }).unwrap();
    let stands = forgetting(&world, 1);
    assert_eq!((stands.left, stands.done_at, stands.person.user.as_str()), (0, Some(Moment(60)), ""));
    assert!([bob, away].into_iter().all(|seq| !words(&world, seq).is_empty()));
    assert_eq!(words(&world, 5), "words of later", "what was written after it was asked for stays");
    clean(&world);
}

#[test]
fn a_forgetting_goes_on_by_pages_and_twice_asked_is_once_done() {
    let world = World::new();
    let fill = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
        INSERT INTO inbox (id, connector, event, ctx, chat, user, kind, text, salt, trace, received_at)
        SELECT 'in_' || n, 'console', n, 'ws/home/context/general', 'home/general', 'ann', 0, 'w', zeroblob(16), 't', 1 FROM n";
    world.sql().execute(fill, [FORGET_ROWS_MAX + 1]).unwrap();
    for _ in 0..2 {
        world.commit(Owner::Retention, vec![forget("ann", None)]).unwrap();
    }
    assert_eq!(world.number("SELECT count(*) FROM forget"), 1);
    by_retention(&world, RetentionWrite::ForgetNext { id: 1, from: 0 }).unwrap();
    assert_eq!((forgetting(&world, 1).events, forgetting(&world, 1).next), (2_048, FORGET_ROWS_MAX));
    by_retention(&world, RetentionWrite::ForgetNext { id: 1, from: FORGET_ROWS_MAX }).unwrap();
    assert_eq!((forgetting(&world, 1).events, forgetting(&world, 1).next), (2_049, FORGET_ROWS_MAX + 1));
    clean(&world);
}

#[test]
fn a_person_without_a_name_is_nobody() {
    let world = World::new();
    let refused = world.commit(Owner::Retention, vec![forget("", None)]);
    assert!(matches!(refused, Err(CommitError::Refused(_))), "it would be everyone who is forgotten already");
}

#[test]
fn what_a_round_did_is_kept() {
    let world = World::new();
    let at = |n| Some(Moment(n));
    let row = RetentionRow {
        seen: at(1),
        doubted: at(7),
        began: at(2),
        ended: at(3),
        marked: 4,
        marked_ever: 5,
        cut_ever: 0,
    };
    by_retention(&world, RetentionWrite::Put(row.clone())).unwrap();
    let world = world.killed_and_opened();
    assert_eq!(rows(&world, 0, 0).row, row);
}

#[test]
fn while_it_runs_the_write_ahead_log_soon_holds_no_erased_words() {
    let world = World::new();
    let (seq, _) = world.turn("a", 0);
    let log = world.file().with_extension("sqlite-wal");
    let holds = |log: &std::path::Path| {
        std::fs::read(log).is_ok_and(|bytes| bytes.windows(10).any(|some| some == b"words of a"))
    };
    assert!(holds(&log));
    world.context(vec![Write::Redact { seq }]).unwrap();
    until("the log is emptied", || !holds(&log) && !holds(&world.file()));
}

/// A chain of so many records, all before moment 100, closed and opened so that its end is signed, and one more after.
fn chain(records: usize) -> World {
    let world = World::new();
    let writes: Vec<Write> = (0..records).map(|_| audit("x", &id("a"))).collect();
    world.context(writes).unwrap();
    world.store.close().unwrap();
    let World { folder, .. } = world;
    let world = World { store: store::open(folder.path(), &crate::world::options()).unwrap(), folder };
    world.context(vec![audit("y", &id("a"))]).unwrap();
    world
}

fn cut(world: &World, upto: i64) -> Result<(), CommitError> {
    by_retention(world, RetentionWrite::AuditCut { upto, at: Moment(200), archive: "audit-1-5.jsonl".into() })
}

fn bad(world: &World) -> Option<String> {
    store::verify::audit(world.folder.path()).unwrap().first_bad.map(|bad| bad.what)
}

#[test]
fn the_chain_is_cut_at_a_checkpoint_only_and_proves_all_from_there_on() {
    let world = chain(5);
    assert_eq!(rows(&world, 0, 8).cut, None, "they were written at 8");
    assert_eq!(rows(&world, 0, 9).cut, Some(messages::store::AuditCut { from: 1, upto: 5 }));
    for upto in [0, 3, 6] {
        conflict(cut(&world, upto), "no checkpoint");
    }
    cut(&world, 5).unwrap();
    conflict(cut(&world, 5), "0 audit records");
    assert_eq!(rows(&world, 0, 9).cut, None);
    let report = store::verify::audit(world.folder.path()).unwrap();
    assert_eq!((report.begins, report.records, report.checkpoints, report.first_bad), (6, 2, 1, None));
    assert_eq!(store::verify::condition(world.folder.path()).unwrap().audit_bad, None);
    assert_eq!(rows(&world, 0, 0).row.cut_ever, 5);
    clean(&world);
    let world = world.killed_and_opened();
    world.context(vec![audit("z", &id("a"))]).unwrap();
    assert_eq!(bad(&world), None, "and it goes on");
}

#[test]
fn who_takes_out_records_by_hand_or_changes_where_the_chain_begins_is_found_out() {
    for (change, told) in [
        ("DELETE FROM audit WHERE seq = 6", "missing"),
        ("DELETE FROM checkpoint WHERE seq = 5", "no checkpoint signs"),
        ("UPDATE checkpoint SET hash = zeroblob(32) WHERE seq = 5", "signature"),
        ("UPDATE checkpoint SET signature = zeroblob(64) WHERE seq = 5", "signature"),
        ("UPDATE checkpoint SET seq = 4 WHERE seq = 5", "no checkpoint signs"),
        ("UPDATE audit SET detail = '{}' WHERE action = 'audit.cut'", "hash"),
    ] {
        let world = chain(5);
        cut(&world, 5).unwrap();
        world.sql().execute(change, []).unwrap();
        assert!(bad(&world).is_some_and(|what| what.contains(told)), "{change}: {:?}", bad(&world));
    }
    let world = chain(5);
    world.sql().execute("DELETE FROM audit WHERE seq <= 5", []).unwrap();
    assert!(bad(&world).unwrap().contains("no record says that they were taken out"));
}

#[test]
fn a_task_that_was_given_up_keeps_its_words_until_somebody_has_read_it() {
    let world = World::new();
    let seq = world.put("k");
    world.commit(Owner::Runtime, vec![crate::world::claim(&World::unit())]).unwrap();
    world.task_in("k", TaskState::Dead);
    world.task(vec![post("k", None)]).unwrap();
    let reply = world.number("SELECT id FROM outbox");
    world.connector(vec![sending(reply), crate::world::sent(reply)]).unwrap();
    world.context(vec![take(seq), settle(seq, Outcome::Noted), Write::OutboxLogged { id: reply }]).unwrap();
    assert_eq!(rows(&world, 10, 0).past, NONE);
    world.task(vec![crate::work::discarded("k")]).unwrap();
    assert_eq!(rows(&world, 10, 0).past, [seq]);
}
