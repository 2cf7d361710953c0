//! Groups: what waits is written together, a refused request leaves nothing, fences hold inside a group.

use messages::Address;
use messages::store::{CommitError, EntryKind, Owner, Query, Rows};
use messages::turn::Outcome;

use crate::world::{World, audit, claim, context_put, entry, general, id, put, reply, settle, take, until, wait};

/// Another program that holds the file: what is committed meanwhile gathers.
struct Held(rusqlite::Connection);

impl Held {
    /// Held, with one commit of the world in the writer's hands.
    fn with_one_in_hand(world: &World) -> (Self, runtime::BoxFuture<Result<messages::store::Committed, CommitError>>) {
        let sql = world.sql();
        sql.execute_batch("BEGIN IMMEDIATE").unwrap();
        let first = world.start(Owner::Connector, vec![put("first")]);
        until("the writer has it in hand", || world.store.health().queue == 0);
        (Self(sql), first)
    }

    fn release(self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}

#[test]
fn commits_that_wait_are_written_in_one_transaction() {
    let world = World::new();
    let (held, first) = Held::with_one_in_hand(&world);
    let waiting: Vec<_> = (0..200).map(|n| world.start(Owner::Connector, vec![put(&format!("e{n}"))])).collect();
    held.release();
    assert_eq!(wait(first).unwrap().inbox[0].seq, 1);
    for (n, answer) in waiting.into_iter().enumerate() {
        assert_eq!(wait(answer).unwrap().inbox[0].seq, i64::try_from(n).unwrap() + 2);
    }
    let health = world.store.health();
    assert_eq!((health.commits, health.groups, health.writable), (201, 2, true));
    assert_eq!(world.number("SELECT value FROM meta WHERE key = 'group'"), 2);
}

#[test]
fn a_group_is_cut_at_its_limit() {
    let world = World::new();
    let (held, first) = Held::with_one_in_hand(&world);
    let waiting: Vec<_> = (0..257).map(|n| world.start(Owner::Connector, vec![put(&format!("e{n}"))])).collect();
    held.release();
    wait(first).unwrap();
    for answer in waiting {
        wait(answer).unwrap();
    }
    assert_eq!(world.store.health().groups, 3);
}

#[test]
fn a_refused_request_leaves_nothing_behind_and_its_neighbours_everything() {
    let world = World::new();
    let unit = Address::fixed("ws/home");
    let (held, first) = Held::with_one_in_hand(&world);
    let good = world.start(Owner::Connector, vec![put("a"), audit("x", &id("a"))]);
    let bad = world.start(
        Owner::Context,
        vec![
            audit("lost", &id("a")),
            take(2),
            entry(0, 5, EntryKind::Inbound, 2),
            context_put(1, 0),
            reply(2, 0),
            settle(99, Outcome::Noted),
        ],
    );
    let claimed = world.start(Owner::Runtime, vec![claim(&unit)]);
    let after = world.start(Owner::Context, vec![take(2), audit("y", &id("a"))]);
    held.release();
    wait(first).unwrap();
    wait(good).unwrap();
    assert!(matches!(wait(bad), Err(CommitError::Conflict(_))));
    assert_eq!(wait(claimed).unwrap().epochs, [1]);
    wait(after).unwrap();
    assert_eq!(world.store.health().groups, 2);
    let left = "SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM log) + (SELECT count(*) FROM context)
        + (SELECT count(*) FROM outbox)";
    assert_eq!(world.number(left), 0);
    let Rows::Audit(rows) = world.query(Query::Audit { after: 0, last: false, limit: 10 }).unwrap() else {
        panic!("other rows")
    };
    assert_eq!(rows.iter().map(|r| (r.seq, r.action.as_str())).collect::<Vec<_>>(), [(1, "x"), (2, "y")]);
    assert!(store::verify(world.folder.path()).unwrap().is_clean());
}

#[test]
fn a_refused_claim_is_forgotten_by_the_fences_too() {
    let world = World::new();
    let unit = Address::fixed("ws/home");
    world.commit(Owner::Runtime, vec![claim(&unit)]).unwrap();
    let over = rusqlite::params![i64::MAX];
    world.sql().execute("UPDATE unit SET epoch = ?1 WHERE unit = 'ws/other'", over).unwrap();
    // The second claim of the commit can't be written: the epoch would overflow.
    world.sql().execute("INSERT INTO unit VALUES ('ws/other', 'n', 'i', ?1)", over).unwrap();
    let refused = world.commit(Owner::Runtime, vec![claim(&unit), claim(&Address::fixed("ws/other"))]);
    assert!(matches!(refused, Err(CommitError::Refused(_) | CommitError::Conflict(_))), "{refused:?}");
    world.fenced(Owner::Context, (&unit, 1), vec![audit("x", &id("a"))]).unwrap();
}

#[test]
fn a_stale_holder_is_fenced_also_by_a_claim_in_the_same_group() {
    let world = World::new();
    let unit = Address::fixed("connector/console");
    assert_eq!(world.commit(Owner::Runtime, vec![claim(&unit)]).unwrap().epochs, [1]);
    world.fenced(Owner::Connector, (&unit, 1), vec![put("a")]).unwrap();
    let (held, first) = Held::with_one_in_hand(&world);
    let claimed = world.start(Owner::Runtime, vec![claim(&unit)]);
    let fences = vec![messages::store::Fence { unit: unit.clone(), epoch: 1 }];
    let commit = messages::store::Commit { by: Owner::Connector, fences, writes: vec![put("b")] };
    let stale = runtime::Store::commit(&world.store, commit);
    held.release();
    wait(first).unwrap();
    assert_eq!(wait(claimed).unwrap().epochs, [2]);
    assert_eq!(wait(stale), Err(CommitError::Fenced { unit: unit.clone(), current: 2, stale: 1 }));
    world.fenced(Owner::Connector, (&unit, 2), vec![put("b")]).unwrap();
}

#[test]
fn fences_outlive_a_kill_and_a_unit_nobody_claimed_is_at_zero() {
    let world = World::new();
    let unit = Address::fixed("connector/console");
    world.fenced(Owner::Connector, (&unit, 0), vec![put("a")]).unwrap();
    world.commit(Owner::Runtime, vec![claim(&unit)]).unwrap();
    let world = world.killed_and_opened();
    let stale = world.fenced(Owner::Connector, (&unit, 0), vec![put("b")]);
    assert!(matches!(stale, Err(CommitError::Fenced { current: 1, stale: 0, .. })));
    let ahead = world.fenced(Owner::Connector, (&unit, 2), vec![put("b")]);
    assert!(matches!(ahead, Err(CommitError::Fenced { current: 1, stale: 2, .. })));
    let Rows::Unit(Some(held)) = world.query(Query::Unit { unit }).unwrap() else { panic!("no unit") };
    assert_eq!((held.node.as_str(), held.incarnation.as_str(), held.epoch), ("n1", "i1", 1));
}

#[test]
fn what_was_answered_outlives_a_kill_and_the_chain_goes_on() {
    let world = World::new();
    let seq = world.put("a");
    world.context(vec![take(seq), audit("turn.taken", &id("a"))]).unwrap();
    let world = world.killed_and_opened();
    world.context(vec![settle(seq, Outcome::Noted), audit("turn.settled", &id("a"))]).unwrap();
    assert!(world.accept(put("a")).duplicate);
    world.store.close().unwrap();
    let report = store::verify(world.folder.path()).unwrap();
    assert!(report.is_clean(), "{:?}", report.faults);
    assert_eq!((report.inbox, report.audit.records, report.audit.checkpoints), (1, 2, 1));
}

#[test]
fn a_group_of_repeats_alone_writes_nothing() {
    let world = World::new();
    world.put("a");
    world.put("a");
    assert_eq!(world.number("SELECT value FROM meta WHERE key = 'group'"), 1);
    let query = Query::Inbound { ids: vec![id("a"), id("nobody")] };
    let Rows::Inbox(rows) = world.query(query).unwrap() else { panic!("other rows") };
    assert_eq!((rows.len(), rows[0].context.clone()), (1, general()));
}

#[test]
fn the_queue_refuses_the_commit_beyond_its_limit_and_says_the_limit() {
    let world = World::new();
    let (held, first) = Held::with_one_in_hand(&world);
    let waiting: Vec<_> =
        (0..store::QUEUE_COMMITS_MAX).map(|n| world.start(Owner::Connector, vec![put(&format!("e{n}"))])).collect();
    let over = world.commit(Owner::Connector, vec![put("over")]);
    assert_eq!(over, Err(CommitError::Busy { limit: store::QUEUE_COMMITS_MAX }));
    held.release();
    wait(first).unwrap();
    for answer in waiting {
        wait(answer).unwrap();
    }
    assert_eq!(world.number("SELECT count(*) FROM inbox"), 1 + 1_024);
    assert_eq!(world.store.health().queue, 0);
}
