use messages::store::InboundKind;
use messages::turn::Chat;
use messages::{Address, Moment, Trace};

use super::*;

fn event(n: usize) -> Event {
    Event::words(format!("s:{n}"), format!("words {n}"))
}

fn core() -> Core {
    Core::new("s".into())
}

fn yes(event: &Event, duplicate: bool) -> Result<Accepted, String> {
    Ok(Accepted { id: event.inbound.clone(), seq: 1, duplicate })
}

/// Offers and commits `events` in batches.
fn accept(core: &mut Core, now_ms: u64, events: impl IntoIterator<Item = Event>) {
    for event in events {
        core.offer(event).unwrap();
        let batch = core.next_batch().unwrap();
        core.committed(now_ms, batch.into_iter().map(|e| (e.clone(), yes(&e, false))).collect());
    }
}

pub(crate) fn row(event: &Event, outcome: Option<Outcome>) -> InboxRow {
    InboxRow {
        seq: 1,
        id: event.inbound.clone(),
        event: event.event.clone(),
        context: Address::parse("ws/home/context/general").unwrap(),
        chat: Chat { connector: "console".into(), chat: "home/general".into() },
        user: "ann".into(),
        kind: event.kind,
        target: None,
        text: event.text.clone(),
        salt: [0; 16],
        trace: Trace::of(&event.inbound),
        received_at: Moment(0),
        state: if outcome.is_some() { InboxState::Settled } else { InboxState::Taken },
        turn: None,
        outcome,
        reason: "so".into(),
        settled_at: None,
        redacted: false,
    }
}

fn why(refused: Result<(), FromNode>) -> String {
    match refused {
        Err(FromNode::NotAccepted { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_text_of_the_limit_is_taken_and_one_byte_more_is_refused_with_the_limit() {
    let mut core = core();
    core.offer(Event::words("s:1".into(), "x".repeat(TEXT_BYTES_MAX))).unwrap();
    let why = why(core.offer(Event::words("s:2".into(), "x".repeat(TEXT_BYTES_MAX + 1))));
    assert!(why.contains("65537") && why.contains("65536"), "{why}");
    core.offer(event(3)).unwrap();
    assert_eq!(core.next_batch().unwrap().len(), 2, "nothing else is lost");
}

#[test]
fn an_event_of_a_foreign_or_shapeless_id_is_refused() {
    for id in ["other:1", "s", "s:", "", "s:1 2", "ss:1", ":1"] {
        assert!(why(core().offer(Event::words(id.into(), "hi".into()))).contains("session's name"), "{id:?}");
    }
    let long = format!("s:{}", "1".repeat(EVENT_BYTES_MAX - 2));
    core().offer(Event::words(long.clone(), "hi".into())).unwrap();
    assert!(why(core().offer(Event::words(format!("{long}1"), "hi".into()))).contains("128 bytes"));
}

#[test]
fn an_empty_text_is_refused_and_a_deletion_needs_none() {
    assert!(why(core().offer(Event::words("s:1".into(), " \n".into()))).contains("empty"));
    core().offer(Event::new("s:2".into(), InboundKind::Delete, Some("s:1".into()), String::new())).unwrap();
}

#[test]
fn beyond_the_limit_of_unsettled_events_only_stop_is_taken() {
    let mut core = core();
    accept(&mut core, 0, (0..UNSETTLED_MAX).map(event));
    assert!(why(core.offer(event(9_999))).contains("512 events"));
    core.offer(event(3)).unwrap();
    assert_eq!(core.next_batch().unwrap().len(), 1, "one that is known takes no more room");
    for n in 0..STOPS_MAX {
        core.offer(Event::words(format!("s:stop{n}"), "/stop".into())).unwrap();
    }
    assert!(why(core.offer(Event::words("s:stop".into(), "/stop".into()))).contains("512 events"));
    core.replied(&event(3).inbound, Some(Outcome::Replied));
    for n in 0..STOPS_MAX {
        core.replied(&InboundId::of(CONNECTOR, &format!("s:stop{n}")), Some(Outcome::Noted));
    }
    core.offer(event(9_999)).unwrap();
}

#[test]
fn stop_goes_before_what_waits_to_be_written() {
    let mut core = core();
    core.offer(event(1)).unwrap();
    core.offer(Event::words("s:2".into(), " /stop\n".into())).unwrap();
    core.offer(Event::words("s:3".into(), "/stop it".into())).unwrap();
    let kinds: Vec<_> = core.next_batch().unwrap().into_iter().map(|e| (e.event, e.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("s:2".to_owned(), InboundKind::Stop),
            ("s:1".to_owned(), InboundKind::Message),
            ("s:3".to_owned(), InboundKind::Message)
        ]
    );
}

#[test]
fn one_commit_is_out_at_a_time_and_carries_at_most_its_limit() {
    let mut core = core();
    for n in 0..=BATCH_MAX {
        assert_eq!(core.wants_more(), n < BATCH_MAX);
        core.offer(event(n)).unwrap();
    }
    let batch = core.next_batch().unwrap();
    assert_eq!(batch.len(), BATCH_MAX);
    assert_eq!(core.next_batch(), None);
    core.committed(0, batch.into_iter().map(|e| (e.clone(), yes(&e, false))).collect());
    assert_eq!(core.next_batch().unwrap().len(), 1);
}

#[test]
fn an_event_that_the_store_refused_is_told_and_forgotten() {
    let mut core = core();
    core.offer(event(1)).unwrap();
    let batch = core.next_batch().unwrap();
    let told = core.committed(0, batch.into_iter().map(|e| (e, Err("disk full".into()))).collect());
    assert_eq!(told, [FromNode::NotAccepted { event: "s:1".into(), why: "disk full".into() }]);
    assert!(!core.is_open(&event(1).inbound));
}

#[test]
fn a_reply_never_overtakes_its_own_acknowledgement() {
    let mut core = core();
    core.offer(event(1)).unwrap();
    let batch = core.next_batch().unwrap();
    assert_eq!(core.passing(&event(1).inbound, Some(Outcome::Replied)), Passing::AfterCommit);
    core.committed(0, batch.into_iter().map(|e| (e.clone(), yes(&e, false))).collect());
    assert_eq!(core.passing(&event(1).inbound, Some(Outcome::Replied)), Passing::Now);
}

#[test]
fn a_reply_waits_until_earlier_events_were_asked_about() {
    let mut core = core();
    accept(&mut core, 0, (1..=3).map(event));
    assert_eq!(core.passing(&event(1).inbound, Some(Outcome::Replied)), Passing::Now);
    assert_eq!(core.passing(&event(3).inbound, Some(Outcome::Replied)), Passing::AfterQuery);
    assert_eq!(core.passing(&event(3).inbound, None), Passing::Now);
    assert_eq!(core.next_to_ask(0, Some(&event(3).inbound)), [event(1).inbound, event(2).inbound]);
    let told = core.stand(vec![row(&event(2), Some(Outcome::Ignored)), row(&event(1), Some(Outcome::Noted))]);
    let order: Vec<_> = told.iter().map(|f| matches!(f, FromNode::Settled { outcome: Outcome::Noted, .. })).collect();
    assert_eq!(order, [true, false], "in the order they were sent");
    assert_eq!(core.passing(&event(3).inbound, Some(Outcome::Replied)), Passing::Now);
}

#[test]
fn the_reply_to_a_foreign_event_passes() {
    assert_eq!(core().passing(&InboundId::of(CONNECTOR, "other:1"), Some(Outcome::Replied)), Passing::Now);
}

#[test]
fn an_event_is_asked_about_after_its_time_and_not_again_at_once() {
    let mut core = core();
    accept(&mut core, 1_000, [event(1)]);
    assert!(core.next_to_ask(1_000 + SETTLE_MS - 1, None).is_empty());
    assert_eq!(core.next_to_ask(1_000 + SETTLE_MS, None), [event(1).inbound]);
    assert!(core.next_to_ask(1_000 + SETTLE_MS, None).is_empty());
    assert_eq!(core.next_to_ask(1_000 + 2 * SETTLE_MS, None), [event(1).inbound]);
}

#[test]
fn one_question_names_at_most_what_the_store_takes_and_the_next_names_the_rest() {
    let mut core = core();
    accept(&mut core, 0, (0..QUERY_MAX + 1).map(event));
    assert_eq!(core.next_to_ask(SETTLE_MS, None).len(), QUERY_MAX);
    assert_eq!(core.next_to_ask(SETTLE_MS, None), [event(QUERY_MAX).inbound]);
}

#[test]
fn many_long_turns_hide_no_other_event_from_the_questions() {
    let mut core = core();
    accept(&mut core, 0, (0..=QUERY_MAX).map(event));
    let last = event(QUERY_MAX).inbound;
    assert!(!core.next_to_ask(1_000, None).contains(&last));
    assert!(core.next_to_ask(2_000, None).contains(&last), "though all the others are due again");
}

#[test]
fn an_event_that_ended_without_a_reply_is_settled_once() {
    let mut core = core();
    accept(&mut core, 0, [event(1)]);
    assert!(core.stand(vec![row(&event(1), None)]).is_empty(), "it has not ended");
    let ended = || vec![row(&event(1), Some(Outcome::Noted))];
    assert_eq!(
        core.stand(ended()),
        [FromNode::Settled { inbound: event(1).inbound, outcome: Outcome::Noted, reason: "so".into() }]
    );
    assert!(core.stand(ended()).is_empty());
}

#[test]
fn an_event_whose_reply_was_given_is_not_settled_a_second_time() {
    let mut core = core();
    accept(&mut core, 0, [event(1), event(2)]);
    core.replied(&event(1).inbound, Some(Outcome::Replied));
    core.replied(&event(2).inbound, None);
    assert_eq!(core.next_to_ask(SETTLE_MS, None), [event(2).inbound], "a reply without an outcome settles nothing");
    assert!(core.stand(vec![row(&event(1), Some(Outcome::Replied))]).is_empty());
}

#[test]
fn a_resubmitted_event_is_asked_about_at_once() {
    let mut core = core();
    core.offer(event(1)).unwrap();
    let batch = core.next_batch().unwrap();
    let told = core.committed(50, batch.into_iter().map(|e| (e.clone(), yes(&e, true))).collect());
    assert_eq!(told, [FromNode::Accepted { event: "s:1".into(), inbound: event(1).inbound, duplicate: true }]);
    assert_eq!(core.next_to_ask(50, None), [event(1).inbound]);
}

#[test]
fn a_hello_is_checked_at_its_edges() {
    let good = Hello {
        version: WIRE_VERSION,
        user: "ann".into(),
        workspace: "home".into(),
        context: "general".into(),
        session: "s".repeat(SESSION_BYTES_MAX),
        previews: false,
        only_asks: false,
        flushed: vec![],
        generation: 1,
    };
    assert_eq!(greet(&good).unwrap().user, "ann");
    let bad: [(&str, Hello); 7] = [
        ("version 2", Hello { version: 1, ..good.clone() }),
        ("session's name", Hello { session: String::new(), ..good.clone() }),
        ("session's name", Hello { session: "s".repeat(SESSION_BYTES_MAX + 1), ..good.clone() }),
        ("session's name", Hello { session: "a:b".into(), ..good.clone() }),
        ("user's name", Hello { user: " ".into(), ..good.clone() }),
        ("workspace:", Hello { workspace: "No".into(), ..good.clone() }),
        ("context:", Hello { context: "../x".into(), ..good }),
    ];
    for (words, hello) in bad {
        let why = greet(&hello).unwrap_err();
        assert!(why.contains(words), "{why}");
    }
}
