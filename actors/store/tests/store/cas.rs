//! Which write is refused in which state, row by row; and what a repeat does.

use messages::Moment;
use messages::store::{CommitError, EntryKind, FileStamp, Query, Rows, Write};
use messages::turn::Outcome;
use rstest::rstest;

use crate::world::{LOG, World, context_put, entry, general, put, reply, sending, sent, settle, take};

pub(crate) fn conflict(result: Result<messages::store::Committed, CommitError>) -> String {
    match result {
        Err(CommitError::Conflict(words)) => words,
        other => panic!("{other:?} is no conflict"),
    }
}

/// An inbox row that has come to the state with this name.
fn inbox_in(world: &World, state: &str) -> i64 {
    let seq = world.put("e");
    match state {
        "waiting" => {}
        "taken" => drop(world.context(vec![take(seq)]).unwrap()),
        _ => drop(world.context(vec![settle(seq, Outcome::Noted)]).unwrap()),
    }
    seq
}

#[rstest]
#[case("waiting", [true, true, true])]
#[case("taken", [false, true, true])]
#[case("settled", [false, false, false])]
fn an_inbox_row_moves_only_forward(#[case] state: &str, #[case] allowed: [bool; 3]) {
    let kinds: [fn(i64) -> Write; 3] =
        [take, |seq| Write::InboxText { seq, text: "new".into() }, |seq| settle(seq, Outcome::Failed)];
    for (kind, allowed) in kinds.iter().zip(allowed) {
        let world = World::new();
        let seq = inbox_in(&world, state);
        let result = world.context(vec![kind(seq)]);
        if allowed {
            result.unwrap();
        } else {
            let words = conflict(result);
            assert!(words.contains(&format!("inbox row {seq} is {state}")), "{words}");
        }
    }
}

fn outbox_in(world: &World, state: &str) -> i64 {
    let seq = world.put("e");
    world.context(vec![reply(seq, 0)]).unwrap();
    let id = 1;
    let error = String::new;
    let ended = match state {
        "pending" => return id,
        "sending" => None,
        "sent" => Some(sent(id)),
        "failed" => Some(Write::OutboxFailed { id, error: error(), at: Moment(6) }),
        _ => Some(Write::OutboxDoubt { id, error: error(), at: Moment(6) }),
    };
    world.connector(vec![sending(id)]).unwrap();
    if let Some(ended) = ended {
        world.connector(vec![ended]).unwrap();
    }
    id
}

#[rstest]
#[case("pending", [true, false, false, true, false, false])]
#[case("sending", [false, true, true, true, true, false])]
#[case("sent", [false, false, false, false, false, true])]
#[case("failed", [false, false, false, false, false, true])]
#[case("in doubt", [false, false, false, false, false, true])]
fn an_outbox_row_is_sent_at_most_once_an_attempt(#[case] state: &str, #[case] allowed: [bool; 6]) {
    let error = || "e".to_owned();
    let at = Moment(7);
    let id = 1;
    let writes = [
        sending(id),
        sent(id),
        Write::OutboxRetry { id, not_before: at, error: error() },
        Write::OutboxFailed { id, error: error(), at },
        Write::OutboxDoubt { id, error: error(), at },
        Write::OutboxLogged { id },
    ];
    for (write, allowed) in writes.into_iter().zip(allowed) {
        let world = World::new();
        outbox_in(&world, state);
        let name = write.name();
        let result = world.commit(write.owners()[0], vec![write]);
        if allowed {
            result.unwrap();
        } else {
            let words = conflict(result);
            assert!(words.contains(&format!("outbox row 1 is {state}")), "{name}: {words}");
        }
    }
}

#[test]
fn a_reply_that_was_tried_again_keeps_its_attempts_and_its_date() {
    let world = World::new();
    let id = outbox_in(&world, "sending");
    let retry = Write::OutboxRetry { id, not_before: Moment(50), error: "429".into() };
    world.connector(vec![retry]).unwrap();
    let Rows::Outbox(rows) = world.query(Query::Lane { chat: crate::world::chat() }).unwrap() else {
        panic!("other rows")
    };
    assert_eq!((rows[0].attempt, rows[0].not_before), (1, Some(Moment(50))));
    assert_eq!(rows[0].error, "429");
    world.connector(vec![sending(id)]).unwrap();
    assert_eq!(world.number("SELECT attempt FROM outbox"), 2);
}

#[test]
fn rows_that_do_not_exist_are_conflicts_in_words() {
    let world = World::new();
    for write in [take(9), settle(9, Outcome::Noted), Write::Redact { seq: 9 }, reply(9, 0)] {
        let words = conflict(world.context(vec![write]));
        assert!(words.contains("inbox row 9 does not exist"), "{words}");
    }
    let words = conflict(world.context(vec![entry(0, 5, EntryKind::Outbound, 9)]));
    assert!(words.contains("outbox row 9 does not exist"), "{words}");
    let words = conflict(world.connector(vec![sent(9)]));
    assert!(words.contains("outbox row 9 does not exist"), "{words}");
}

#[test]
fn an_entry_lies_at_the_end_of_its_log_and_a_row_has_one_entry() {
    let world = World::new();
    let (a, b) = (world.put("a"), world.put("b"));
    let words = conflict(world.context(vec![entry(5, 5, EntryKind::Inbound, a)]));
    assert!(words.contains("is new, the entry begins at 5"), "{words}");
    world.context(vec![entry(0, 5, EntryKind::Inbound, a)]).unwrap();
    for offset in [0, 4, 6] {
        let words = conflict(world.context(vec![entry(offset, 5, EntryKind::Inbound, b)]));
        assert!(words.contains("ends at 5, the entry begins at"), "{words}");
    }
    let words = conflict(world.context(vec![entry(5, 5, EntryKind::Inbound, a)]));
    assert!(words.contains("EntryPut"), "{words}");
    world.context(vec![entry(5, 5, EntryKind::Inbound, b)]).unwrap();
    assert_eq!(world.number("SELECT size FROM log"), 10);
}

#[test]
fn no_more_of_a_log_is_on_disk_than_there_is() {
    let world = World::new();
    let stamp = FileStamp { inode: u64::MAX, size: 5, mtime_ns: -1 };
    let synced = |synced| Write::LogSynced { log: LOG.into(), synced, stamp };
    let words = conflict(world.context(vec![synced(0)]));
    assert!(words.contains("there is no log"), "{words}");
    let seq = world.put("a");
    world.context(vec![entry(0, 5, EntryKind::Inbound, seq)]).unwrap();
    conflict(world.context(vec![synced(6)]));
    world.context(vec![synced(5)]).unwrap();
    let query = Query::Context { context: general(), tail: 0 };
    let Rows::Context(rows) = world.query(query).unwrap() else { panic!("other rows") };
    assert_eq!((rows.logs[0].synced, rows.logs[0].stamp), (5, stamp));
}

#[test]
fn a_contexts_revisions_follow_one_another() {
    let world = World::new();
    let words = conflict(world.context(vec![context_put(2, 0)]));
    assert!(words.contains("is at revision 0; 2 does not follow"), "{words}");
    world.context(vec![context_put(1, 0)]).unwrap();
    conflict(world.context(vec![context_put(1, 0)]));
    world.context(vec![context_put(2, 7)]).unwrap();
    conflict(world.context(vec![context_put(4, 7)]));
    conflict(world.context(vec![context_put(0, 7)]));
    assert_eq!(world.number("SELECT rev * 100 + fresh_after FROM context"), 207);
}

#[test]
fn an_event_that_comes_twice_is_one_row_also_in_one_batch() {
    let world = World::new();
    let first = world.connector(vec![put("a"), put("b"), put("a")]).unwrap().inbox;
    let seen: Vec<_> = first.iter().map(|a| (a.seq, a.duplicate)).collect();
    assert_eq!(seen, [(1, false), (2, false), (1, true)]);
    let again = world.connector(vec![put("b"), put("c")]).unwrap().inbox;
    let seen: Vec<_> = again.iter().map(|a| (a.seq, a.duplicate)).collect();
    assert_eq!(seen, [(2, true), (3, false)]);
    assert_eq!(again[0].id, crate::world::id("b"));
}

#[test]
fn a_reply_that_is_put_twice_is_one_row_with_its_first_words() {
    let world = World::new();
    let seq = world.put("a");
    world.context(vec![reply(seq, 0), reply(seq, 0), reply(seq, 1)]).unwrap();
    let Write::OutboxPut { n, context, chat, sources, outcome, at, .. } = reply(seq, 0) else { panic!("no reply") };
    let other = "other".to_owned();
    let again = Write::OutboxPut { seq, n, context, chat, text: other, sources, outcome, at };
    world.context(vec![again]).unwrap();
    assert_eq!(world.number("SELECT count(*) FROM outbox WHERE text LIKE 'reply%'"), 2);
}

#[test]
fn timers_are_one_for_each_name_and_may_be_dropped_twice() {
    let world = World::new();
    let put = |name: &str, due| Write::TimerPut { entity: general(), name: name.into(), due: Moment(due) };
    let drop = |name: &str| Write::TimerDrop { entity: general(), name: name.into() };
    world.context(vec![put("a", 5), put("b", 3), put("a", 1)]).unwrap();
    world.connector(vec![drop("b"), drop("b")]).unwrap();
    assert_eq!(world.number("SELECT count(*) * 10 + max(due) FROM timer"), 11);
}

#[test]
fn a_redaction_erases_words_and_salt_from_the_file_and_keeps_the_places() {
    let world = World::new();
    let secret = "hunter2".repeat(4_000);
    let seq = world.put("a");
    world.context(vec![Write::InboxText { seq, text: secret.clone() }]).unwrap();
    let Write::OutboxPut { n, context, chat, sources, outcome, at, .. } = reply(seq, 0) else { panic!("no reply") };
    let put = Write::OutboxPut { seq, n, context, chat, text: secret, sources, outcome, at };
    world.context(vec![put, entry(0, 9, EntryKind::Inbound, seq)]).unwrap();
    world.context(vec![Write::Redact { seq }]).unwrap();
    world.context(vec![Write::Redact { seq }]).unwrap();
    conflict(world.context(vec![Write::InboxText { seq, text: "back".into() }]));
    let Rows::Entries(rows) = world.query(Query::EntriesOf { seq }).unwrap() else { panic!("other rows") };
    let messages::store::EntryOf::Inbound(row) = &rows[0].of else { panic!("other entry") };
    assert_eq!((row.text.as_str(), row.salt, row.redacted, rows[0].length), ("", [0; 16], true, 9));
    assert_eq!(world.number("SELECT count(*) FROM outbox WHERE text = '' AND redacted = 1"), 1);
    world.store.close().unwrap();
    let bytes = std::fs::read(world.file()).unwrap();
    assert!(!bytes.windows(7).any(|w| w == b"hunter2"));
}

#[test]
fn no_reply_and_no_entry_crosses_from_one_context_to_another() {
    let world = World::new();
    let other = messages::Address::context(&crate::world::slug("home"), &crate::world::slug("other"));
    let seq = world.accept(crate::world::put_as("a", messages::store::InboundKind::Message, other.clone(), None)).seq;
    for write in [reply(seq, 0), entry(0, 5, EntryKind::Inbound, seq)] {
        let refused = world.context(vec![write]).unwrap_err();
        assert!(
            matches!(&refused, CommitError::Refused(w) if w.contains("is not ws/home/context/general's")),
            "{refused}"
        );
    }
    let own = world.put("b");
    world.context(vec![entry(0, 5, EntryKind::Inbound, own)]).unwrap();
    let foreign =
        Write::EntryPut { log: LOG.into(), context: other, offset: 5, length: 5, what: EntryKind::Inbound, of: seq };
    let refused = world.context(vec![foreign]).unwrap_err();
    assert!(matches!(&refused, CommitError::Refused(w) if w.contains("is kept by")), "{refused}");
}
