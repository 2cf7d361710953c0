//! Words of the node itself: each is there once, with what has been told, or not at all.

use messages::store::{CommitError, Committed, Notice, Notices, Owner, Query, Rows, Write};
use messages::turn::Outcome;
use messages::{InboundId, Moment};

use crate::cas::conflict;
use crate::world::{World, chat, general, sending, sent};

/// The notice of this number.
pub(crate) fn notice(rev: u64) -> Write {
    Write::Notice(Box::new(Notice {
        rev,
        context: general(),
        chat: chat(),
        text: format!("words {rev}"),
        told: format!("told {rev}"),
        at: Moment(7),
    }))
}

fn tell(world: &World, rev: u64) -> Result<Committed, CommitError> {
    world.commit(Owner::Runtime, vec![notice(rev)])
}

fn notices(world: &World) -> Notices {
    match world.query(Query::Notices { chat: chat() }).unwrap() {
        Rows::Notices(notices) => notices,
        other => panic!("{other:?}"),
    }
}

fn told(rev: u64, waiting: u64) -> Notices {
    Notices { rev, told: format!("told {rev}"), waiting }
}

#[test]
fn a_notice_is_a_settled_event_and_a_pending_message_once_whatever_is_repeated_and_after_a_kill() {
    let world = World::new();
    assert_eq!(notices(&world), Notices::default());
    tell(&world, 1).unwrap();
    assert_eq!(notices(&world), told(1, 1));
    for rev in [0, 1, 3, u64::MAX] {
        assert!(tell(&world, rev).is_err(), "{rev}");
    }
    assert_eq!(conflict(tell(&world, 3)), "the last notice is 1; 3 does not follow");
    let world = world.killed_and_opened();
    assert_eq!(notices(&world), told(1, 1));
    tell(&world, 2).unwrap();
    let Rows::Outbox(rows) = world.query(Query::Lane { chat: chat() }).unwrap() else { panic!() };
    let words: Vec<_> = rows.iter().map(|row| (row.text.as_str(), row.event.as_str(), row.outcome)).collect();
    assert_eq!(words, [("words 1", "notice:1", None), ("words 2", "notice:2", None)]);
    let id = InboundId::of(&chat().connector, "notice:1");
    let Rows::Inbox(events) = world.query(Query::Inbound { ids: vec![id] }).unwrap() else { panic!() };
    assert_eq!(
        (events[0].outcome, events[0].user.as_str(), events[0].text.as_str()),
        (Some(Outcome::Noted), "node", "")
    );
    world.connector(vec![sending(1), sent(1)]).unwrap();
    assert_eq!(notices(&world), told(2, 1));
    world.store.close().unwrap();
    let report = store::verify(world.folder.path()).unwrap();
    assert!(report.is_clean(), "{:?}", report.faults);
}
