use messages::turn::Chat;
use messages::{InboundId, Trace};
use proptest::prelude::*;

use super::*;

fn chat() -> Chat {
    Chat { connector: "console".into(), chat: "home/general".into() }
}

fn row(id: i64, state: OutboxState) -> OutboxRow {
    OutboxRow {
        id,
        seq: id,
        inbound: InboundId::of("console", &id.to_string()),
        trace: Trace::default(),
        event: id.to_string(),
        n: 0,
        context: Address::parse("ws/home/context/general").unwrap(),
        chat: chat(),
        text: "hello".into(),
        sources: vec![],
        outcome: None,
        state,
        attempt: 0,
        attempted_at: None,
        not_before: None,
        platform_id: None,
        error: String::new(),
        created_at: Moment(0),
        ended_at: None,
        redacted: false,
    }
}

fn decide(state: &mut State, event: Event) -> Decision<Lane> {
    let address = Address::lane(&chat()).unwrap();
    state.decide(event, &Cx { now: Moment(1_000), seed: 1, address: &address, facts: &LaneFacts::default() })
}

fn ended(id: i64, sending: Sending) -> Event {
    Event::Ended { row: Box::new(row(id, OutboxState::Pending)), sending }
}

fn sends(decision: &Decision<Lane>) -> Vec<i64> {
    decision.then.iter().filter_map(|e| if let Effect::Send(row) = e { Some(row.id) } else { None }).collect()
}

fn marks(decision: &Decision<Lane>) -> Vec<i64> {
    decision
        .writes
        .iter()
        .filter_map(|w| if let Write::OutboxSending { id, .. } = w { Some(*id) } else { None })
        .collect()
}

fn read(ids: &[i64], ready: bool) -> Event {
    Event::Read { rows: ids.iter().map(|id| row(*id, OutboxState::Pending)).collect(), ready }
}

#[test]
fn an_attempt_is_marked_before_it_begins_and_one_row_is_sent_at_a_time() {
    let (mut state, _) = State::open(vec![]);
    let first = decide(&mut state, read(&[1, 2], true));
    assert_eq!((marks(&first), sends(&first)), (vec![1], vec![1]));
    assert!(sends(&decide(&mut state, read(&[2], true))).is_empty(), "a second read while it sends begins nothing");
    let next = decide(&mut state, ended(1, Sending::Sent { platform_id: "p".into() }));
    assert!(matches!(next.writes[0], Write::OutboxSent { id: 1, .. }));
    assert_eq!((marks(&next), sends(&next)), (vec![2], vec![2]), "the next mark rides in the same commit");
}

#[test]
fn a_row_cut_off_while_it_was_sent_is_asked_about_and_never_sent_again() {
    let (mut state, effects) = State::open(vec![row(1, OutboxState::Sending), row(2, OutboxState::Pending)]);
    assert!(matches!(effects.as_slice(), [Effect::Find(r), Effect::Read] if r.id == 1));
    assert!(sends(&decide(&mut state, read(&[2], true))).is_empty(), "nobody overtakes it");
    decide(&mut state, Event::Woken);
    let decision =
        decide(&mut state, Event::Found { row: Box::new(row(1, OutboxState::Sending)), found: Found::Unknown });
    assert!(matches!(decision.writes.as_slice(), [Write::OutboxDoubt { id: 1, .. }]));
    assert!(matches!(decision.then.as_slice(), [Effect::Tell(_), Effect::Read]));
}

#[test]
fn what_is_surely_not_sent_waits_for_its_date_or_for_the_connector() {
    for (retry_after_ms, writes) in [(Some(5_000), 2), (None, 1)] {
        let (mut state, _) = State::open(vec![]);
        decide(&mut state, read(&[1, 2], true));
        let error = "429".to_owned();
        let decision = decide(&mut state, ended(1, Sending::NotSent { error, retry_after_ms }));
        assert_eq!(decision.writes.len(), writes, "a date is a row");
        assert!(decision.then.is_empty(), "order is kept: row 2 does not overtake");
    }
}

#[test]
fn a_row_is_given_up_after_its_last_attempt() {
    let (mut state, _) = State::open(vec![]);
    decide(&mut state, read(&[1], true));
    let mut last = row(1, OutboxState::Pending);
    last.attempt = ATTEMPTS_MAX - 1;
    let sending = Sending::NotSent { error: "429".into(), retry_after_ms: Some(1) };
    let decision = decide(&mut state, Event::Ended { row: Box::new(last), sending });
    assert!(matches!(decision.writes.as_slice(), [Write::OutboxFailed { .. }]));
}

#[test]
fn nothing_is_sent_while_nobody_is_there_to_take_it() {
    let (mut state, _) = State::open(vec![]);
    let decision = decide(&mut state, read(&[1], false));
    assert!(decision.writes.is_empty() && decision.then.is_empty());
}

fn waits_until(at: i64, began: i64) -> OutboxRow {
    let (not_before, attempted_at) = (Some(Moment(at)), Some(Moment(began)));
    OutboxRow { not_before, attempted_at, attempt: 1, ..row(1, OutboxState::Pending) }
}

#[test]
fn a_date_holds_a_reply_and_those_behind_it_until_it_comes_and_a_clock_set_back_holds_nothing() {
    // It is 1,000 now.
    for (row_1, sent) in
        [(waits_until(1_001, 500), vec![]), (waits_until(1_000, 500), vec![1]), (waits_until(9_000, 8_000), vec![1])]
    {
        let (mut state, _) = State::open(vec![]);
        let rows = vec![row_1, row(2, OutboxState::Pending)];
        let decision = decide(&mut state, Event::Read { rows, ready: true });
        assert_eq!((marks(&decision), sends(&decision)), (sent.clone(), sent));
    }
}

#[test]
fn a_wake_that_comes_while_it_sends_is_one_more_read_afterwards() {
    let (mut state, _) = State::open(vec![]);
    decide(&mut state, read(&[1], true));
    for _ in 0..9 {
        assert!(decide(&mut state, Event::Woken).then.is_empty());
    }
    let decision = decide(&mut state, ended(1, Sending::NotSent { error: "no session".into(), retry_after_ms: None }));
    assert_eq!(decision.then.iter().filter(|effect| matches!(effect, Effect::Read)).count(), 1);
    assert!(state.is_idle());
}

#[test]
fn what_was_found_delivered_is_sent_and_its_context_is_told() {
    let (mut state, _) = State::open(vec![row(1, OutboxState::Sending)]);
    assert!(!state.is_idle());
    let found = Found::Yes { platform_id: "m1".into() };
    let decision = decide(&mut state, Event::Found { row: Box::new(row(1, OutboxState::Sending)), found });
    assert!(matches!(decision.writes.as_slice(), [Write::OutboxSent { id: 1, .. }]));
    assert!(matches!(decision.then.as_slice(), [Effect::Tell(_)]) && state.is_idle());
}

proptest! {
    /// Whatever comes in whatever order: every send has its mark in the same decision, and never two at once.
    #[test]
    fn every_send_is_marked_and_none_overlap(steps in proptest::collection::vec(0u8..6, 1..60)) {
        let (mut state, _) = State::open(vec![]);
        let (mut in_flight, mut next) = (None, 1);
        for step in steps {
            let event = match (step, in_flight) {
                (0, _) => Event::Woken,
                (1, _) => { next += 3; read(&[next, next + 1], true) }
                (2, Some(id)) => ended(id, Sending::Sent { platform_id: "p".into() }),
                (3, Some(id)) => ended(id, Sending::InDoubt { error: "?".into() }),
                (4, Some(id)) => ended(id, Sending::NotSent { error: "429".into(), retry_after_ms: Some(1) }),
                (5, Some(id)) => ended(id, Sending::Refused { error: "403".into() }),
                _ => continue,
            };
            if matches!(event, Event::Ended { .. }) { in_flight = None; }
            let decision = decide(&mut state, event);
            prop_assert_eq!(marks(&decision), sends(&decision));
            prop_assert!(sends(&decision).len() + usize::from(in_flight.is_some()) <= 1);
            in_flight = sends(&decision).first().copied().or(in_flight);
        }
    }
}
