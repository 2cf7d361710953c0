//! What each query gives.

use messages::store::{
    ContextRows, EntryKind, EntryOf, InboundKind, InboxState, OutboxState, Query, Rows, TimerRow, WhyRows, WorkRows,
    Write,
};
use messages::turn::{Chat, Outcome};
use messages::{Address, Moment};

use crate::world::{
    LOG, World, audit, chat, context_put, entry, general, id, put, put_as, reply, sending, sent, settle, slug, take,
    turn,
};

fn work(world: &World, limit: u32) -> WorkRows {
    match world.query(Query::Work { context: general(), limit }).unwrap() {
        Rows::Work(rows) => rows,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn opened(world: &World, tail: u32) -> ContextRows {
    match world.query(Query::Context { context: general(), tail }).unwrap() {
        Rows::Context(rows) => *rows,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn addresses(world: &World, after: Option<&str>, limit: u32) -> Vec<String> {
    let after = after.map(|text| Address::parse(text).unwrap());
    match world.query(Query::Unfinished { after, limit }).unwrap() {
        Rows::Addresses(found) => found.into_iter().map(String::from).collect(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn context(name: &str) -> Address {
    Address::context(&slug("home"), &slug(name))
}

#[test]
fn control_events_are_given_first_and_beyond_the_limit() {
    let world = World::new();
    for n in 0..5 {
        world.put(&format!("m{n}"));
    }
    let edit = put_as("edit", InboundKind::Edit, general(), Some("m3"));
    let delete = put_as("delete", InboundKind::Delete, general(), Some("unknown"));
    let other = put_as("other", InboundKind::Stop, context("other"), None);
    world.connector(vec![put_as("stop", InboundKind::Stop, general(), None), edit, delete, other]).unwrap();
    let rows = work(&world, 2);
    let events: Vec<_> = rows.waiting.iter().map(|r| r.event.as_str()).collect();
    assert_eq!(events, ["stop", "edit", "delete", "m0", "m1"]);
    assert!(rows.more);
    let targets: Vec<_> = rows.waiting.iter().map(|r| r.target).collect();
    assert_eq!(targets[..3], [None, Some((4, InboxState::Waiting)), None]);
    let rows = work(&world, 5);
    assert_eq!((rows.waiting.len(), rows.more), (8, false));
    world.context(vec![take(1)]).unwrap();
    assert_eq!(work(&world, 1).waiting[3].event, "m1");
}

#[test]
fn an_edit_or_delete_finds_no_target_of_another_user_or_context() {
    let world = World::new();
    world.put("mine");
    let by = |write: Write, name: &str| match write {
        Write::InboxPut { id, event, context, chat, kind, target, text, salt, trace, received_at, .. } => {
            let user = name.to_owned();
            Write::InboxPut { id, event, context, chat, user, kind, target, text, salt, trace, received_at }
        }
        other => other,
    };
    let foreign = put_as("theirs", InboundKind::Message, context("other"), None);
    let over_there = put_as("a", InboundKind::Delete, general(), Some("theirs"));
    let by_another = by(put_as("b", InboundKind::Edit, general(), Some("mine")), "bob");
    let own = put_as("c", InboundKind::Edit, general(), Some("mine"));
    world.connector(vec![foreign, over_there, by_another, own]).unwrap();
    let targets: Vec<_> = work(&world, 0).waiting.into_iter().map(|row| (row.event, row.target)).collect();
    let own = Some((1, InboxState::Waiting));
    assert_eq!(targets, [("a".to_owned(), None), ("b".to_owned(), None), ("c".to_owned(), own)]);
}

#[test]
fn a_delete_waits_for_the_answer_that_is_on_its_way_and_hides_no_stop() {
    let world = World::new();
    let seq = world.put("a");
    world.context(vec![take(seq), reply(seq, 0)]).unwrap();
    let deletes = (0..40).map(|n| put_as(&format!("d{n}"), InboundKind::Delete, general(), Some("a")));
    world.connector(deletes.chain([put_as("stop", InboundKind::Stop, general(), None)]).collect()).unwrap();
    let given = |world: &World| work(world, 9).waiting.into_iter().map(|row| row.event).collect::<Vec<_>>();
    assert_eq!(given(&world), ["stop"]);
    assert!(opened(&world, 9).taken.is_empty(), "it is answered");
    world.connector(vec![sending(1)]).unwrap();
    world.connector(vec![sent(1)]).unwrap();
    world.context(vec![settle(seq, Outcome::Replied), Write::OutboxLogged { id: 1 }]).unwrap();
    assert_eq!(given(&world).first().map(String::as_str), Some("d0"));
}

#[test]
fn ended_replies_are_work_until_they_are_logged() {
    let world = World::new();
    let seq = world.put("a");
    world.context(vec![take(seq), reply(seq, 0), reply(seq, 1)]).unwrap();
    assert!(work(&world, 9).ended.is_empty());
    world.connector(vec![sending(1), sending(2)]).unwrap();
    world.connector(vec![sent(1)]).unwrap();
    let ended = work(&world, 9).ended;
    assert_eq!((ended.len(), ended[0].state, ended[0].event.as_str()), (1, OutboxState::Sent, "a"));
    assert_eq!((&ended[0].inbound, &ended[0].sources[..]), (&id("a"), &["notes/a.md".to_owned()][..]));
    world.context(vec![Write::OutboxLogged { id: 1 }]).unwrap();
    assert!(work(&world, 9).ended.is_empty());
    assert_eq!(opened(&world, 0).replies.iter().map(|r| r.id).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_context_opens_with_its_unfinished_turns_and_the_end_of_the_conversation() {
    let world = World::new();
    assert_eq!(opened(&world, 9), ContextRows::default());
    let (old, _) = world.turn("old", 0);
    world.turn("new", 20);
    world.context(vec![context_put(1, old)]).unwrap();
    let running = world.put("running");
    world.put("waits");
    world.context(vec![take(running), entry(40, 7, EntryKind::Inbound, running)]).unwrap();
    let rows = opened(&world, 9);
    assert_eq!(rows.context.unwrap().definition, "# General");
    assert_eq!(rows.taken.iter().map(|r| r.event.as_str()).collect::<Vec<_>>(), ["running"]);
    assert_eq!((&rows.taken[0].turn, &rows.begun), (&Some(turn()), &vec![running]));
    assert_eq!((rows.logs.len(), rows.logs[0].size, rows.logs[0].log.as_str()), (1, 47, LOG));
    let offsets: Vec<_> = rows.tail.iter().map(|e| (e.offset, e.of.kind())).collect();
    let of = [(20, EntryKind::Inbound), (30, EntryKind::Outbound), (40, EntryKind::Inbound)];
    assert_eq!(offsets, of);
    let last: Vec<_> = opened(&world, 1).tail.iter().map(|e| e.offset).collect();
    assert_eq!(last, [40]);
}

#[test]
fn a_late_reply_of_the_old_conversation_does_not_hide_the_new_one() {
    let world = World::new();
    let (old, new) = (world.put("old"), world.put("new"));
    world.context(vec![reply(old, 0), entry(0, 5, EntryKind::Inbound, old)]).unwrap();
    world.context(vec![entry(5, 5, EntryKind::Inbound, new), entry(10, 5, EntryKind::Outbound, 1)]).unwrap();
    world.context(vec![context_put(1, old)]).unwrap();
    let offsets: Vec<_> = opened(&world, 1).tail.iter().map(|e| e.offset).collect();
    assert_eq!(offsets, [5]);
}

#[test]
fn entries_of_two_logs_are_merged_by_their_turns() {
    let world = World::new();
    let seqs: Vec<_> = (0..4).map(|n| world.put(&format!("e{n}"))).collect();
    let in_log = |log: &str, offset, of| Write::EntryPut {
        log: log.into(),
        context: general(),
        offset,
        length: 5,
        what: EntryKind::Inbound,
        of,
    };
    world.context(vec![in_log("a.md", 0, seqs[0]), in_log("b.md", 0, seqs[1])]).unwrap();
    world.context(vec![in_log("b.md", 5, seqs[2]), in_log("a.md", 5, seqs[3])]).unwrap();
    let places =
        |tail| -> Vec<_> { opened(&world, tail).tail.into_iter().map(|e| format!("{}:{}", e.log, e.offset)).collect() };
    assert_eq!(places(9), ["a.md:0", "b.md:0", "b.md:5", "a.md:5"]);
    assert_eq!(places(2), ["b.md:5", "a.md:5"]);
}

#[test]
fn entries_are_read_from_an_offset_on_and_by_event() {
    let world = World::new();
    let (seq, reply) = world.turn("a", 0);
    world.turn("b", 20);
    let query = Query::Entries { log: LOG.into(), from: 10, limit: 2 };
    let Rows::Entries(rows) = world.query(query).unwrap() else { panic!("other rows") };
    assert_eq!(rows.iter().map(|e| e.offset).collect::<Vec<_>>(), [10, 20]);
    let Rows::Entries(rows) = world.query(Query::EntriesOf { seq }).unwrap() else { panic!("other rows") };
    assert!(matches!(&rows[0].of, EntryOf::Inbound(row) if row.seq == seq));
    assert!(matches!(&rows[1].of, EntryOf::Outbound(row) if row.id == reply));
    assert_eq!(rows.len(), 2);
    let none = Query::Entries { log: "none.md".into(), from: 0, limit: 9 };
    assert_eq!(world.query(none).unwrap(), Rows::Entries(Vec::new()));
}

#[test]
fn a_lane_has_what_is_still_to_leave_and_only_of_its_chat() {
    let world = World::new();
    let seq = world.put("a");
    let Write::OutboxPut { context, text, sources, at, .. } = reply(seq, 0) else { panic!("no reply") };
    let elsewhere = Chat { connector: "console".into(), chat: "home/other".into() };
    let foreign = Write::OutboxPut { seq, n: 9, context, chat: elsewhere.clone(), text, sources, outcome: None, at };
    world.context(vec![foreign, reply(seq, 0), reply(seq, 1), reply(seq, 2)]).unwrap();
    world.connector(vec![sending(2), sending(3)]).unwrap();
    world.connector(vec![sent(2)]).unwrap();
    let lane = |chat: Chat| match world.query(Query::Lane { chat }).unwrap() {
        Rows::Outbox(rows) => rows.into_iter().map(|r| (r.id, r.state)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(lane(chat()), [(3, OutboxState::Sending), (4, OutboxState::Pending)]);
    assert_eq!(lane(elsewhere), [(1, OutboxState::Pending)]);
    assert!(lane(Chat { connector: "console".into(), chat: "no address".into() }).is_empty());
}

#[test]
fn whoever_has_something_unfinished_is_named_once_and_in_pages() {
    let world = World::new();
    let contexts = ["a", "b", "c", "d", "e", "f"];
    for name in contexts {
        let puts = (0..3).map(|n| put_as(&format!("{name}{n}"), InboundKind::Message, context(name), None));
        world.connector(puts.collect()).unwrap();
    }
    // `a` has all settled; `b` waits; `c` is taken; `d` has only an ended reply; `e` only one that is still to leave;
    // `f` is taken and answered, and its reply is still to leave.
    let place = |name: &str| world.accept(put_as(&format!("{name}0"), InboundKind::Message, context(name), None)).seq;
    let reply_of = |name: &str, chat: &str| {
        let Write::OutboxPut { n, text, sources, outcome, at, .. } = reply(place(name), 0) else { panic!("no reply") };
        let chat = Chat { connector: "console".into(), chat: chat.into() };
        Write::OutboxPut { seq: place(name), n, context: context(name), chat, text, sources, outcome, at }
    };
    for name in ["a", "c", "d", "e", "f"] {
        let seq = place(name);
        let first = if matches!(name, "c" | "f") { take(seq) } else { settle(seq, Outcome::Noted) };
        world.context(vec![first, settle(seq + 1, Outcome::Noted), settle(seq + 2, Outcome::Noted)]).unwrap();
    }
    world.context(vec![reply_of("d", "home/d"), reply_of("e", "home/e"), reply_of("f", "home/f")]).unwrap();
    world.connector(vec![Write::OutboxFailed { id: 1, error: "no".into(), at: Moment(1) }]).unwrap();
    let (e, f) = ("connector/console/chat/home/e", "connector/console/chat/home/f");
    let all = [e, f, "ws/home/context/b", "ws/home/context/c", "ws/home/context/d"];
    assert_eq!(addresses(&world, None, 100), all);
    let mut paged = Vec::new();
    while let [address] = &addresses(&world, paged.last().map(String::as_str), 1)[..] {
        paged.push(address.clone());
    }
    assert_eq!(paged, all);
}

#[test]
fn dates_come_earliest_first() {
    let world = World::new();
    let timer = |name: &str, due| Write::TimerPut { entity: general(), name: name.into(), due: Moment(due) };
    let next = |world: &World, query| match world.query(query).unwrap() {
        Rows::Timers(rows) => rows.into_iter().map(|t| t.name).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert!(next(&world, Query::NextDue).is_empty());
    world.context(vec![timer("late", 30), timer("early", 10), timer("middle", 20)]).unwrap();
    assert_eq!(next(&world, Query::NextDue), ["early"]);
    assert_eq!(next(&world, Query::Due { now: Moment(20), after: None, limit: 9 }), ["early", "middle"]);
    assert_eq!(next(&world, Query::Due { now: Moment(20), after: None, limit: 1 }), ["early"]);
    assert!(next(&world, Query::Due { now: Moment(9), after: None, limit: 9 }).is_empty());
}

#[test]
fn dates_are_read_by_pages_each_once_also_where_many_have_one_moment() {
    let world = World::new();
    let of =
        |context: Address, name: &str, due| Write::TimerPut { entity: context, name: name.into(), due: Moment(due) };
    for context in ["ann", "bob", "eve"] {
        let at = Address::context(&slug("home"), &slug(context));
        let dates = [("a", 7), ("b", 7), ("c", 3), ("d", 7), ("e", -5), ("late", 9)];
        let puts = dates.map(|(name, due)| of(at.clone(), name, due)).to_vec();
        world.context(puts).unwrap();
    }
    for limit in 1..20 {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let Rows::Timers(page) = world.query(Query::Due { now: Moment(8), after, limit }).unwrap() else {
                panic!()
            };
            assert!(page.len() <= limit as usize);
            after = page.last().cloned();
            all.extend(page);
            if after.is_none() {
                break;
            }
        }
        let key = |row: &TimerRow| (row.due, row.entity.clone(), row.name.clone());
        assert!(all.is_sorted_by(|one, next| key(one) < key(next)), "{limit}: {all:?}");
        assert_eq!(all.len(), 15);
    }
}

#[test]
fn why_finds_a_turn_by_a_prefix_in_its_own_context_only() {
    let world = World::new();
    world.turn("a", 0);
    let of = id("a");
    let why = |context: Address, prefix: &str| match world.query(Query::Why { context, prefix: prefix.into() }).unwrap()
    {
        Rows::Why(rows) => rows,
        other => panic!("{other:?}"),
    };
    for prefix in [&of.as_str()[..7], of.as_str()] {
        let WhyRows::Found { inbound, replies, audit, .. } = why(general(), prefix) else { panic!("not found") };
        assert_eq!((inbound.outcome, replies.len(), audit.len()), (Some(Outcome::Replied), 1, 1));
        assert_eq!((audit[0].action.as_str(), audit[0].hash.len()), ("turn.taken", 64));
    }
    assert_eq!(why(context("other"), of.as_str()), WhyRows::Unknown);
    assert_eq!(why(general(), "in_zzzz%"), WhyRows::Unknown);
    assert_eq!(why(general(), "in_"), WhyRows::Unknown);
}

#[test]
fn why_names_those_that_begin_alike() {
    let world = World::new();
    let all: Vec<_> = (0..4_000).map(|n| format!("e{n}")).collect();
    let mut prefixes: Vec<_> = all.iter().map(|event| (id(event).as_str()[..7].to_owned(), event)).collect();
    prefixes.sort();
    let pair = prefixes.windows(2).find(|pair| pair[0].0 == pair[1].0).expect("two that begin alike");
    world.connector(vec![put(pair[0].1), put(pair[1].1)]).unwrap();
    let query = Query::Why { context: general(), prefix: pair[0].0.clone() };
    let Rows::Why(WhyRows::Ambiguous(ids)) = world.query(query).unwrap() else { panic!("not ambiguous") };
    let mut expected = vec![id(pair[0].1), id(pair[1].1)];
    expected.sort();
    assert_eq!(ids, expected);
}

#[test]
fn counts_count_what_is_unfinished() {
    let world = World::new();
    world.turn("a", 0);
    let seq = world.put("b");
    world.put("c");
    world.context(vec![take(seq), reply(seq, 0), reply(seq, 1), reply(seq, 2)]).unwrap();
    world.connector(vec![sending(2), sending(3)]).unwrap();
    world.connector(vec![Write::OutboxDoubt { id: 2, error: "cut".into(), at: Moment(1) }]).unwrap();
    let Rows::Counts(counts) = world.query(Query::Counts).unwrap() else { panic!("other rows") };
    assert_eq!((counts.waiting, counts.taken, counts.pending, counts.sending), (1, 1, 1, 1));
    assert_eq!((counts.in_doubt, counts.accepted, counts.audit), (1, 3, 1));
    assert!(counts.bytes > 4_096);
}

#[test]
fn the_audit_is_read_from_either_end() {
    let world = World::new();
    for action in ["a", "b", "c"] {
        world.context(vec![audit(action, &id("e"))]).unwrap();
    }
    let read = |after, last, limit| match world.query(Query::Audit { after, last, limit }).unwrap() {
        Rows::Audit(rows) => rows.into_iter().map(|r| r.action).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(read(1, false, 9), ["b", "c"]);
    assert_eq!(read(0, false, 1), ["a"]);
    assert_eq!(read(0, true, 2), ["b", "c"]);
}

#[test]
fn reads_do_not_wait_for_the_writer() {
    let world = World::new();
    world.put("a");
    let held = world.sql();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waits = world.start(messages::store::Owner::Connector, vec![put("b")]);
    assert_eq!(work(&world, 9).waiting.len(), 1);
    held.execute_batch("ROLLBACK").unwrap();
    crate::world::wait(waits).unwrap();
}
