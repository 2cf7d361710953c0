//! Every limit at its edge.

use messages::store::{COMMIT_WRITES_MAX, CommitError, Owner, PAGE_ROWS_MAX, Query, Rows, Write};
use messages::turn::Chat;
use messages::{InboundId, Moment};
use rstest::rstest;

use crate::world::{World, audit, chat, general, id, put};

#[test]
fn a_commit_has_so_many_writes_and_not_one_more() {
    let world = World::new();
    let writes = |n: usize| (0..n).map(|n| put(&format!("e{n}"))).collect::<Vec<_>>();
    let refused = world.connector(writes(COMMIT_WRITES_MAX + 1)).unwrap_err();
    assert!(matches!(&refused, CommitError::Refused(w) if w.contains("larger than 1024")), "{refused}");
    let accepted = world.connector(writes(COMMIT_WRITES_MAX)).unwrap().inbox;
    assert_eq!(accepted.len(), COMMIT_WRITES_MAX);
}

/// Names of 1,024 bytes, texts of a mebibyte.
#[rstest]
#[case::name(1_024, |n: usize| Write::TimerPut { entity: general(), name: "x".repeat(n), due: Moment(1) })]
#[case::text(1 << 20, |n: usize| Write::Audit {
    at: Moment(1), actor: general(), principal: String::new(), action: "x".into(), subject: String::new(),
    rules: Vec::new(), detail: "x".repeat(n),
})]
fn a_value_may_be_so_long_and_not_a_byte_longer(#[case] bytes_max: usize, #[case] write: fn(usize) -> Write) {
    let world = World::new();
    world.context(vec![write(bytes_max)]).unwrap();
    let refused = world.context(vec![write(bytes_max + 1)]).unwrap_err();
    let words = format!("has {} bytes; at most {bytes_max}", bytes_max + 1);
    assert!(matches!(&refused, CommitError::Refused(w) if w.contains(&words)), "{refused}");
}

/// An event with this id from this chat.
fn event(id: InboundId, chat: Chat) -> Write {
    let Write::InboxPut { event, context, user, kind, target, text, salt, trace, received_at, .. } = put("a") else {
        panic!("no event")
    };
    Write::InboxPut { id, event, context, chat, user, kind, target, text, salt, trace, received_at }
}

#[test]
fn an_event_has_the_id_that_follows_from_it_and_a_chat_that_can_be_answered() {
    let world = World::new();
    let refused = |write| match world.connector(vec![write]) {
        Err(CommitError::Refused(words)) => words,
        other => panic!("{other:?}"),
    };
    let foreign = InboundId::of("telegram", "a");
    assert!(refused(event(foreign, chat())).contains("is not the id of event a at console"));
    let nowhere = Chat { chat: "two words".into(), ..chat() };
    assert!(refused(event(id("a"), nowhere)).contains("a reply could not go there"));
    world.connector(vec![event(id("a"), chat())]).unwrap();
}

#[test]
fn an_offset_beyond_all_numbers_is_refused() {
    let world = World::new();
    let seq = world.put("a");
    for offset in [u64::MAX, u64::MAX / 2] {
        let write = crate::world::entry(offset, 5, messages::store::EntryKind::Inbound, seq);
        assert!(matches!(world.context(vec![write]), Err(CommitError::Refused(_))));
    }
}

#[test]
fn a_page_has_so_many_rows_whatever_is_asked() {
    let world = World::new();
    let most = usize::try_from(PAGE_ROWS_MAX).unwrap();
    for _ in 0..=most / COMMIT_WRITES_MAX {
        world.context((0..COMMIT_WRITES_MAX).map(|_| audit("x", &id("a"))).collect()).unwrap();
    }
    for last in [false, true] {
        let query = Query::Audit { after: 0, last, limit: u32::MAX };
        let Rows::Audit(rows) = world.query(query).unwrap() else { panic!("other rows") };
        assert_eq!(rows.len(), most);
        assert_eq!(rows[0].seq, if last { 1_025 } else { 1 });
    }
}

#[test]
fn a_closed_store_refuses_in_words() {
    let world = World::new();
    world.store.close().unwrap();
    world.store.close().unwrap();
    let refused = world.commit(Owner::Connector, vec![put("a")]);
    assert_eq!(refused, Err(CommitError::Unavailable("it is closed".into())));
    assert!(world.query(Query::Counts).is_err());
    assert!(!world.store.health().writable);
}
